import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasAccess, readAccess, refuseVisitor } from './access.ts';
import { VariableError } from './variables.ts';

const KEYS = ['a-key-of-some-people', 'another-key_of-others'] as const;
const at = 'https://relay.example';

describe('access keys', () => {
  it('[HB36] without keys a relay is open to all', () => {
    for (const variables of [{}, { RELAY_ACCESS_KEYS: '' }, { RELAY_ACCESS_KEYS: undefined }]) {
      expect(refuseVisitor(readAccess(variables), { origin: null, at, key: null })).toBeNull();
    }
  });

  it('[HB36] each of the keys opens it, and nothing else does', () => {
    const access = readAccess({ RELAY_ACCESS_KEYS: KEYS.join(', ') });
    for (const key of KEYS) {
      expect(refuseVisitor(access, { origin: null, at, key })).toBeNull();
      const near = [`${key}x`, key.slice(1), key.slice(0, -1), key.toUpperCase(), key + key];
      for (const wrong of [...near, null, '', KEYS.join(','), '\ud800']) {
        expect(refuseVisitor(access, { origin: null, at, key: wrong })).toBe('access/key-refused');
      }
    }
  });

  it('[HB36] a key opens it exactly if it is one of them', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 16, maxLength: 18 });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), key, (keys, given) => {
        expect(hasAccess(readAccess({ RELAY_ACCESS_KEYS: keys.join(',') }), given)).toBe(
          keys.includes(given),
        );
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it.each([
    'short',
    `${KEYS[0]},`,
    `${KEYS[0]},,${KEYS[1]}`,
    ',',
    'with a space inside',
    'with.a.dot.in.it.all',
    'x'.repeat(257),
  ])('[HB36] keys that cannot be meant open nothing, and are not told: %j', (keys) => {
    const read = () => readAccess({ RELAY_ACCESS_KEYS: keys });
    expect(read).toThrow(VariableError);
    expect(read).toThrow(/^RELAY_ACCESS_KEYS has to be keys of 16 to 256 [^x]*$/);
  });
});

describe('origins', () => {
  const open = readAccess({});
  const some = readAccess({
    ALLOWED_ORIGINS: 'https://a.example https://b.example:8443,http://localhost:5173',
  });
  const visit = (access: typeof open, origin: string | null) =>
    refuseVisitor(access, { origin, at, key: null });

  it('[HB37] where none are named, pages of all may come', () => {
    expect(visit(open, 'https://c.example')).toBeNull();
  });

  it('[HB37] where some are named, pages of theirs, the relay’s own and programs may', () => {
    for (const origin of ['https://a.example', 'https://b.example:8443', 'http://localhost:5173', at, null]) {
      expect(visit(some, origin)).toBeNull();
    }
    for (const origin of ['https://c.example', 'http://a.example', 'https://a.example.evil', 'null', '']) {
      expect(visit(some, origin)).toBe('access/origin-refused');
    }
  });

  it.each(['a.example', 'https://a.example/', 'https://a.example/path', '*', 'https://A.example'])(
    '[HB37] what is no origin is a mistake: %j',
    (origins) => {
      expect(() => readAccess({ ALLOWED_ORIGINS: origins })).toThrow(VariableError);
    },
  );
});
