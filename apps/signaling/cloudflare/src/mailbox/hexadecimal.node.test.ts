import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHex, encodeHex } from './hexadecimal.ts';

it('[MB16] writes what SQLite’s unhex() reads, and reads what hex() writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('hex');
      expect(encodeHex(bytes)).toBe(text.toUpperCase());
      for (const spelling of [text, text.toUpperCase()]) {
        expect(decodeHex(spelling)).toEqual(Uint8Array.from(bytes));
      }
    }),
  );
});

it.each(['0', '0g', 'g0', '0 ', '€0', '0:', '0/', '0@', '0`'])('[MB16] %j is refused', (text) => {
  expect(() => decodeHex(text)).toThrow(RangeError);
});
