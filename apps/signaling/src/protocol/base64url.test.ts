/// <reference types="node" />
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

describe('base64url', () => {
  test('gives back what it was given, and agrees with Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64url(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  test('has one spelling a value: whatever is accepted is what encoding gives', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgw-_=+/ \n9é'), maxLength: 9 }), (text) => {
        const bytes = decodeBase64url(text);
        if (bytes) expect(encodeBase64url(bytes)).toBe(text);
      }),
    );
  });

  test.each(['A', 'AB', 'AAAAA', 'AA==', 'AA+A', 'AA/A', 'AA A', 'AAA\n', 'é'])('refuses %j', (text) => {
    expect(decodeBase64url(text)).toBeNull();
  });
});
