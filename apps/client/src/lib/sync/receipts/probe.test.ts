import { encodeBase64url } from '@parley/signaling/base64url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, encodeHoldings, isNothing, subtract, type Holdings } from '../holdings.ts';
import { collectRanges, type Ranges } from '../ranges.ts';
import { decodeMessage, encodeMessage, PROBE_BYTES, takePart, type ReceiptMessage } from './probe.ts';

const ranges = (maxLength: number): fc.Arbitrary<Ranges> =>
  fc
    .array(fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 40), fc.integer({ min: 1, max: 300 })), { maxLength })
    .map(collectRanges);
const holdings = (maxLength: number): fc.Arbitrary<Holdings> =>
  fc.record({ inserted: ranges(maxLength), deleted: ranges(maxLength) });
const asker = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => encodeBase64url(bytes));
const number = fc.nat(Number.MAX_SAFE_INTEGER);
const messages: fc.Arbitrary<ReceiptMessage> = fc.oneof(
  fc.record({ type: fc.constant('probe'), asker, number, wanted: holdings(20) }),
  fc.record({ type: fc.constant('answer'), asker, number }),
);

/** The greatest number that lib0 reads. */
const MOST = [255, 255, 255, 255, 255, 255, 255, 15];

describe('probes and answers as bytes', () => {
  it('[RC2] are read as they were written', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('[RC2] whatever else comes is nothing, and what is read is well-formed', () => {
    const damaged = fc
      .tuple(messages.map(encodeMessage), fc.nat(), fc.nat(255), fc.nat(40))
      .map(([bytes, at, value, cut]) => bytes.with(at % bytes.length, value).subarray(0, bytes.length - cut));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (bytes) => {
        const message = decodeMessage(bytes);
        // What can be read has one spelling.
        if (message) expect(encodeMessage(message)).toEqual(Uint8Array.from(bytes));
      }),
      { numRuns: 5_000, seed: 2 },
    );
  });

  it.each([
    ['no bytes', []],
    ['another type', [3, ...Array<number>(16).fill(1), 1]],
    ['an answer with something behind it', [2, ...Array<number>(16).fill(1), 1, 0]],
    ['a probe without holdings', [1, ...Array<number>(16).fill(1), 1]],
    ['an empty range', [1, ...Array<number>(16).fill(1), 1, 1, 7, 2, 5, 0, 0]],
    ['half a range', [1, ...Array<number>(16).fill(1), 1, 1, 7, 1, 5, 0]],
    ['a client without ranges', [1, ...Array<number>(16).fill(1), 1, 1, 7, 0, 0]],
    ['a clock beyond all clocks', [1, ...Array<number>(16).fill(1), 1, 1, 7, 2, ...MOST, ...MOST, 0]],
  ])('[RC2] %s is nothing', (_, bytes) => {
    expect(decodeMessage(Uint8Array.from(bytes))).toBeNull();
  });

  it('[RC2] a probe that asks for too much is nothing', () => {
    const many = collectRanges(Array.from({ length: 5_000 }, (_, at) => [1, at * 3, 1] as const));
    const message = { type: 'probe', asker: 'A'.repeat(22), number: 1 } as const;
    expect(
      decodeMessage(encodeMessage({ ...message, wanted: { inserted: many, deleted: new Map() } })),
    ).toBeNull();
  });
});

describe('a part of what is to be asked for', () => {
  it('[RC2] fits into a probe, is all of it if that fits, and otherwise nearly as much as fits', () => {
    fc.assert(
      fc.property(holdings(1_500), (all) => {
        const part = takePart(all);
        const bytes = encodeHoldings(part).length;
        expect(bytes).toBeLessThanOrEqual(PROBE_BYTES);
        expect(covers(all, part)).toBe(true);
        if (encodeHoldings(all).length <= PROBE_BYTES - 16) expect(part).toBe(all);
        if (part !== all) expect(bytes).toBeGreaterThan(PROBE_BYTES - 64);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it('[RC2] one after the other, they are all of it', () => {
    const scattered = (client: number) =>
      collectRanges(Array.from({ length: 12_000 }, (_, at) => [client, at * 7, 3] as const));
    let rest: Holdings = { inserted: scattered(4_000_000_000), deleted: scattered(1) };
    let parts = 0;
    for (; !isNothing(rest) && parts < 20; parts++) rest = subtract(rest, takePart(rest));
    expect([parts, isNothing(rest)]).toEqual([6, true]);
  });
});
