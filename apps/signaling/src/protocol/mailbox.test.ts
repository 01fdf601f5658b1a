import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from './base64url.ts';
import {
  decodeAppend,
  decodeLog,
  encodeAppend,
  encodeLog,
  MAILBOX_LIMITS,
  mailboxFrame,
  type LogHeader,
} from './mailbox.ts';

const bytes = fc.uint8Array({ maxLength: 60 }).map((values) => new Uint8Array(values));
const hash = encodeBase64url(new Uint8Array(32).fill(7));
const epoch = encodeBase64url(new Uint8Array(16).fill(9));
const header: LogHeader = {
  writer: hash,
  epoch,
  head: 12,
  current: null,
  tombstone: null,
  snapshot: null,
  first: 11,
  entries: [],
};

describe('append', () => {
  it('[MB5] carries envelopes of any size, in their order', () => {
    fc.assert(
      fc.property(
        fc.array(bytes, { minLength: 1, maxLength: MAILBOX_LIMITS.appendEnvelopes }),
        (envelopes) => {
          expect(decodeAppend(encodeAppend(envelopes))).toEqual(envelopes);
        },
      ),
    );
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['half a length', new Uint8Array(3)],
    ['less than its length says', new Uint8Array([0, 0, 0, 5, 1, 2])],
    ['a length of 4 GB', new Uint8Array([255, 255, 255, 255, 1])],
    ['a rest behind the last envelope', new Uint8Array([0, 0, 0, 1, 1, 2])],
    ['one envelope too many', encodeAppend(Array.from({ length: 101 }, () => new Uint8Array(1)))],
  ])('[MB20] %s is none', (_, body) => {
    expect(decodeAppend(body)).toBeNull();
  });
});

describe('log', () => {
  it('[MB8] [MB9] comes back as it was', () => {
    const entry = fc.oneof(bytes, fc.constant(hash));
    fc.assert(
      fc.property(
        fc.option(bytes),
        fc.option(bytes),
        fc.array(entry),
        fc.maxSafeNat(),
        (tombstone, snapshot, entries, first) => {
          const whole: LogHeader = {
            ...header,
            first: Math.min(first, 2 ** 50),
            tombstone: tombstone?.length ?? null,
            snapshot: snapshot?.length ?? null,
            entries: entries.map((one) => (typeof one === 'string' ? one : one.length)),
          };
          const bodies = [tombstone, snapshot, ...entries].filter((one) => one instanceof Uint8Array);
          expect(decodeLog(encodeLog(whole, bodies))).toEqual({
            header: whole,
            tombstone,
            snapshot,
            entries: entries.map((one, index) => {
              const seq = whole.first + index;
              return typeof one === 'string' ? { seq, hash: one } : { seq, bytes: one };
            }),
          });
        },
      ),
    );
  });

  const good = encodeLog({ ...header, entries: [3] }, [new Uint8Array([1, 2, 3])]);
  const withHeader = (change: object) => encodeLog({ ...header, ...change }, []);

  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ['nothing', new Uint8Array()],
    ['half a length', new Uint8Array(3)],
    ['a header longer than the answer', new Uint8Array([0, 0, 1, 0, 123])],
    ['a page of HTML', new TextEncoder().encode('<!doctype html><title>Sign in</title>')],
    ['a body cut short', good.slice(0, -1)],
    ['a rest behind the last body', new Uint8Array([...good, 0])],
    ['a header that is not JSON', new Uint8Array([0, 0, 0, 1, 123])],
    ['a header that is not UTF-8', new Uint8Array([0, 0, 0, 2, 0xc3, 0x28])],
    ['a negative head', withHeader({ head: -1 })],
    ['half a head', withHeader({ head: 1.5 })],
    ['an epoch of another length', withHeader({ epoch: 'x' })],
    ['an entry of a negative size', withHeader({ entries: [-3] })],
    ['no writer', withHeader({ writer: undefined })],
  ])('[SY10] %s is none', (_, answer) => {
    expect(decodeLog(answer)).toBeNull();
  });

  it('[SY10] no bytes do anything but decode or be none', () => {
    const near = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
      const changed = good.slice();
      changed[at] = value;
      return changed;
    });
    fc.assert(
      fc.property(fc.oneof(near, bytes), (answer) => {
        const log = decodeLog(answer);
        if (log) expect(log.entries).toHaveLength(log.header.entries.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('frames', () => {
  const frame = { type: 'mailbox', topic: 't', epoch, head: 3, current: null, envelopes: [] };

  it('[MB11] [HB28] of the relay are read', () => {
    expect(mailboxFrame.safeParse(frame).data).toEqual(frame);
    const live = { type: 'live', topic: 't', envelope: 'AAAA' };
    expect(mailboxFrame.safeParse(live).data).toEqual(live);
  });

  it.each([
    null,
    'text',
    { type: 'publish', topic: 't' },
    { ...frame, head: '3' },
    { ...frame, epoch: '' },
    { ...frame, envelopes: [1] },
    { ...frame, current: { id: epoch } },
    { type: 'live', topic: 't' },
  ])('[SY10] %j is none', (other) => {
    expect(mailboxFrame.safeParse(other).success).toBe(false);
  });
});
