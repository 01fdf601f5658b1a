import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOwn, encodeOwn } from './messages.ts';

const names = fc.array(fc.string({ maxLength: 100 }), { maxLength: 20 });

describe('messages of our own', () => {
  it('[ME11] are read as they were written', () => {
    fc.assert(
      fc.property(names, names, fc.uint8Array(), (gained, lost, content) => {
        const reach = { kind: 'reach', news: { gained, lost } } as const;
        expect(decodeOwn(encodeOwn(reach))).toEqual(reach);
        const message = { kind: 'message', content: Uint8Array.from(content) } as const;
        expect(decodeOwn(encodeOwn(message))).toEqual(message);
      }),
    );
  });

  it('[ME6] whatever else is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const read = decodeOwn(Uint8Array.of(80, 2, ...bytes));
        expect(read === null || read.kind === 'reach').toBe(true);
        expect(decodeOwn(Uint8Array.of(80, 77, ...bytes))).toBeNull();
      }),
    );
    const long = { kind: 'reach', news: { gained: ['x'.repeat(101)], lost: [] } } as const;
    expect(decodeOwn(encodeOwn(long))).toBeNull();
    const many = Array.from({ length: 1_001 }, () => 'x');
    expect(decodeOwn(encodeOwn({ kind: 'reach', news: { gained: many, lost: [] } }))).toBeNull();
    expect(
      decodeOwn(Uint8Array.from([...encodeOwn({ kind: 'reach', news: { gained: [], lost: [] } }), 1])),
    ).toBeNull();
  });
});
