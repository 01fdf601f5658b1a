import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { secureRandom } from '../session/keys.ts';
import { cleanName, HUES, initials, inventPerson, NAME_LIMIT, parsePerson } from './identity.ts';

describe('identity', () => {
  test('an invented person has a name of two words, a colour and an id of its own', () => {
    const people = Array.from({ length: 100 }, () => inventPerson(secureRandom));
    expect(new Set(people.map(({ id }) => id)).size).toBe(100);
    expect(new Set(people.map(({ hue }) => hue)).size).toBeGreaterThan(6);
    for (const person of people) {
      expect(person.name).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/);
      expect(parsePerson(person)).toEqual(person);
    }
  });

  test('the same randomness invents the same person', () => {
    const sevens = (length: number) => new Uint8Array(length).fill(7);
    expect(inventPerson(sevens)).toEqual(inventPerson(sevens));
  });

  test.each([
    ['  Ada \n Lovelace ', 'Ada Lovelace'],
    ['\u202Egnp.exe', 'gnp.exe'],
    ['A\u0000\u0007da', 'A da'],
    ['\u200B\u200B', ''],
    ['', ''],
  ])('the name %j becomes %j', (name, clean) => {
    expect(cleanName(name)).toBe(clean);
  });

  test('whatever a peer says about itself, it is a clean person or nobody', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record(
        { id: fc.oneof(fc.string(), fc.constant('abc')), name: fc.anything(), hue: fc.anything() },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const person = parsePerson(value);
        if (person === null) return;
        expect(person.id).toMatch(/^[\w-]{1,40}$/);
        expect(person.name.length).toBeGreaterThan(0);
        expect(person.name.length).toBeLessThanOrEqual(NAME_LIMIT);
        expect(person.hue).toBeGreaterThanOrEqual(0);
        expect(person.hue).toBeLessThan(HUES);
      }),
    );
    expect(parsePerson({ id: 'abc', name: 'x'.repeat(1_000_000), hue: 99 })).toEqual({
      id: 'abc',
      name: 'x'.repeat(NAME_LIMIT),
      hue: 0,
    });
  });

  test.each([
    ['Ada Lovelace', 'AL'],
    ['Ada King von Lovelace', 'AL'],
    ['ada', 'A'],
    ['🦊 Fox', '🦊F'],
    ['', ''],
  ])('the initials of %j are %j', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });
});
