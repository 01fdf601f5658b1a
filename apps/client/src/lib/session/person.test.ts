import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { secureRandom } from './keys.ts';
import { cleanName, HUES, initials, inventPerson, NAME_LIMIT, parsePerson, settleHue } from './person.ts';

describe('person', () => {
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

  test('of two people with one colour, one moves, and the same one on both devices', () => {
    const person = fc.record({
      id: fc.string({ unit: fc.constantFrom(...'abcdef'), minLength: 3, maxLength: 6 }),
      name: fc.constant('N'),
      hue: fc.nat(HUES - 1),
      hueChosen: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(person, { minLength: 2, maxLength: 8, selector: ({ id }) => id }),
        (people) => {
          const [first, ...others] = people;
          if (!first) return;
          const hue = settleHue(first, others);
          const free = new Set(others.map((other) => other.hue)).size < HUES;
          if (first.hueChosen || !others.some((other) => other.hue === first.hue))
            expect(hue).toBe(first.hue);
          else if (hue !== first.hue && free) expect(others.map((other) => other.hue)).not.toContain(hue);
          const [second] = others;
          if (
            others.length === 1 &&
            second &&
            first.hue === second.hue &&
            !(first.hueChosen && second.hueChosen)
          ) {
            const moves = [
              settleHue(first, [second]) !== first.hue,
              settleHue(second, [first]) !== second.hue,
            ];
            expect(moves.filter(Boolean)).toHaveLength(1);
          }
        },
      ),
    );
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
