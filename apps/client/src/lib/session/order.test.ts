import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { secureRandom } from './keys.ts';
import { compareOrder, orderBetween } from './order.ts';

describe('order', () => {
  test('[DOC6] a key lies between its neighbours, wherever one inserts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 60 }), (places) => {
        const keys: string[] = [];
        for (const place of places) {
          const at = place % (keys.length + 1);
          keys.splice(at, 0, orderBetween(keys[at - 1] ?? null, keys[at] ?? null, secureRandom));
        }
        expect(keys).toEqual([...keys].sort());
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  test('[DOC6] two people who insert at the same place at the same time get different keys', () => {
    const first = orderBetween(null, null, secureRandom);
    const keys = Array.from({ length: 50 }, () => orderBetween(first, null, secureRandom));
    expect(new Set(keys).size).toBeGreaterThan(45);
  });

  test('is decided by the randomness it is given', () => {
    const zeros = () => new Uint8Array(2);
    expect(orderBetween('a0', 'a1', zeros)).toBe(orderBetween('a0', 'a1', zeros));
  });

  test.each([
    ['', null],
    ['!', 'a1'],
    ['a0', 'a0'],
    ['a1', 'a0'],
    [null, '~~~'],
    ['\uD800', ''],
  ])('[DOC6] survives the neighbours %j and %j', (before, after) => {
    expect(orderBetween(before, after, secureRandom)).toMatch(/^\w+$/);
  });

  test('[DOC6] ties fall back on the id', () => {
    const entries = [
      { id: 'b', order: 'a0' },
      { id: 'a', order: 'a0' },
      { id: 'c', order: '' },
    ];
    expect(entries.sort(compareOrder).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  });
});
