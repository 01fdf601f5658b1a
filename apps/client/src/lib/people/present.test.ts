import { describe, expect, test } from 'vitest';
import { listPresent } from './present.ts';

const ada = { id: 'ada', name: 'Ada', hue: 1 };
const bob = { id: 'bob', name: 'Bob', hue: 2 };
const cy = { id: 'cy', name: 'Cy', hue: 3 };

describe('presence', () => {
  test('oneself comes first, the others by name', () => {
    const states = new Map<number, unknown>([
      [1, { user: cy }],
      [2, { user: bob, page: 'p', peer: 'b' }],
      [3, { user: ada, peer: 7 }],
    ]);
    expect(listPresent(states, 1).map(({ name, self, page, peer }) => [name, self, page, peer])).toEqual([
      ['Cy', true, null, null],
      ['Ada', false, null, null],
      ['Bob', false, 'p', 'b'],
    ]);
  });

  test('two tabs of one person count once; of oneself, this tab counts', () => {
    const states = new Map<number, unknown>([
      [5, { user: ada, page: 'here' }],
      [9, { user: ada, page: 'there' }],
      [2, { user: bob, page: 'first' }],
      [7, { user: { ...bob, name: 'Robert' }, page: 'second' }],
    ]);
    expect(listPresent(states, 5).map(({ name, page }) => [name, page])).toEqual([
      ['Ada', 'here'],
      ['Robert', 'second'],
    ]);
  });

  test('what a peer says wrong leaves it out, and nobody else', () => {
    const states = new Map<number, unknown>([
      [1, { user: ada }],
      [2, null],
      [3, 'x'],
      [4, { user: 'x' }],
      [5, { user: { name: 'No id' } }],
      [6, { user: bob, page: 42 }],
      [7, {}],
    ]);
    expect(listPresent(states, 1)).toEqual([
      { ...ada, self: true, page: null, viewing: false, peer: null },
      { ...bob, self: false, page: null, viewing: false, peer: null },
    ]);
  });

  test('[LK11] who says so can only view', () => {
    const states = new Map<number, unknown>([
      [1, { user: ada, viewing: true }],
      [2, { user: bob, viewing: 'yes' }],
      [3, { user: cy }],
    ]);
    expect(listPresent(states, 3).map(({ name, viewing }) => [name, viewing])).toEqual([
      ['Cy', false],
      ['Ada', true],
      ['Bob', false],
    ]);
  });

  test('before one has said who one is, the others are there all the same', () => {
    expect(listPresent(new Map([[2, { user: bob }]]), 1)).toHaveLength(1);
  });

  test('[LK11] a viewer takes nobody’s place, whichever id it goes by, and is shown as one', () => {
    const mallory = { user: { ...ada, name: 'Mallory' }, viewer: true };
    for (const [first, second] of [
      [{ user: ada }, mallory],
      [mallory, { user: ada }],
    ]) {
      const states = new Map<number, unknown>([
        [1, { user: bob }],
        [2, first],
        [3, second],
      ]);
      expect(listPresent(states, 1)).toMatchObject([{ name: 'Bob' }, { name: 'Ada', viewing: false }]);
    }
    const alone = new Map<number, unknown>([
      [1, { user: bob }],
      [2, mallory],
    ]);
    expect(listPresent(alone, 1)).toMatchObject([{ name: 'Bob' }, { name: 'Mallory', viewing: true }]);
  });
});
