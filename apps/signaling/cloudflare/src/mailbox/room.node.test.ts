import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeRoom } from './room.ts';

const kept = fc.uniqueArray(
  fc.record({ covers: fc.nat({ max: 50 }), size: fc.integer({ min: 1, max: 100 }) }),
  {
    selector: ({ covers }) => covers,
    maxLength: 4,
  },
);

it('[MB17] nothing goes while there is room', () => {
  const stock = { bytes: 100, older: [{ covers: 1, size: 10 }], bodiesAfter: 0, covers: 5, coveredBytes: 10 };
  expect(makeRoom(stock, 100)).toEqual({ evicted: [], bodiesAfter: 0, bytes: 100 });
});

it('[MB17] the oldest snapshots go first, only as many as it takes, and bodies only after all of them', () => {
  fc.assert(
    fc.property(
      kept,
      fc.nat({ max: 300 }),
      fc.nat({ max: 500 }),
      fc.nat({ max: 300 }),
      (older, covered, rest, limit) => {
        const bytes = older.reduce((sum, { size }) => sum + size, 0) + covered + rest;
        const room = makeRoom({ bytes, older, bodiesAfter: 3, covers: 60, coveredBytes: covered }, limit);
        const oldestFirst = older.map(({ covers }) => covers).sort((a, b) => a - b);
        expect(room.evicted).toEqual(oldestFirst.slice(0, room.evicted.length));
        const sizes = new Map(older.map(({ covers, size }) => [covers, size]));
        const freed = (count: number) =>
          room.evicted.slice(0, count).reduce((sum, covers) => sum + (sizes.get(covers) ?? 0), 0);
        const lostBodies = room.bodiesAfter === 60;
        expect(room.bytes).toBe(bytes - freed(room.evicted.length) - (lostBodies ? covered : 0));
        if (room.evicted.length > 0) expect(bytes - freed(room.evicted.length - 1)).toBeGreaterThan(limit);
        if (lostBodies) {
          expect(room.evicted).toEqual(oldestFirst);
          expect(bytes - freed(older.length)).toBeGreaterThan(limit);
        }
        if (room.bytes > limit) expect(room).toMatchObject({ evicted: oldestFirst, bodiesAfter: 60 });
      },
    ),
  );
});

it('[MB17] without a snapshot, no body may go', () => {
  const stock = { bytes: 100, older: [], bodiesAfter: 0, covers: null, coveredBytes: 0 };
  expect(makeRoom(stock, 10)).toEqual({ evicted: [], bodiesAfter: 0, bytes: 100 });
});
