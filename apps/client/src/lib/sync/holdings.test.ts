import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import {
  covers,
  decodeHoldings,
  encodeHoldings,
  extractUpdate,
  hasIntegrated,
  holdingsOf,
  holdingsOfTransaction,
  holdingsOfUpdate,
  integratedBy,
  intersect,
  isNothing,
  lackingUpdate,
  NOTHING,
  subtract,
  unite,
  waitingIn,
  type Holdings,
} from './holdings.ts';
import { collectRanges, type Ranges } from './ranges.ts';

/** Every clock one by one: slow, and plainly right. */
function pointsOf({ inserted, deleted }: Holdings): Set<string> {
  const points = new Set<string>();
  for (const [name, ranges] of [['+', inserted] as const, ['-', deleted] as const]) {
    for (const [client, borders] of ranges) {
      for (let i = 0; i + 1 < borders.length; i += 2) {
        for (let clock = borders[i] ?? 0; clock < (borders[i + 1] ?? 0); clock++) {
          points.add(`${name}${client}:${clock}`);
        }
      }
    }
  }
  return points;
}

const ranges: fc.Arbitrary<Ranges> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(30), fc.integer({ min: 1, max: 6 })), {
    maxLength: 12,
  })
  .map(collectRanges);
const holdings: fc.Arbitrary<Holdings> = fc.record({ inserted: ranges, deleted: ranges });

interface Edit {
  readonly by: number;
  readonly what: 'insert' | 'delete' | 'set' | 'nest' | 'unset' | 'exchange';
  readonly at: number;
  readonly length: number;
}

const edits = fc.array(
  fc.record<Edit>({
    by: fc.nat(2),
    what: fc.constantFrom('insert', 'delete', 'delete', 'set', 'nest', 'unset', 'exchange'),
    at: fc.nat(40),
    length: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 40 },
);

/** Three people who edit and now and then exchange all; and every update of theirs, in the order of its making. */
function play(script: readonly Edit[]): { docs: Y.Doc[]; updates: Uint8Array[] } {
  const updates: Uint8Array[] = [];
  const docs = [1, 2, 3].map((clientID) => {
    const doc = new Y.Doc();
    doc.clientID = clientID;
    doc.on('updateV2', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (transaction.local) updates.push(update);
    });
    return doc;
  });
  for (const { by, what, at, length } of script) {
    const doc = docs[by];
    if (!doc) continue;
    const text = doc.getText('text');
    const map = doc.getMap<unknown>('map');
    const key = `key ${at % 3}`;
    const nested = map.get(key);
    if (what === 'insert') text.insert(Math.min(at, text.length), 'x'.repeat(length));
    else if (what === 'delete' && nested instanceof Y.Array && nested.length > 0) nested.delete(0);
    else if (what === 'delete' && text.length > 0) {
      const from = at % text.length;
      text.delete(from, Math.min(length, text.length - from));
    } else if (what === 'set') map.set(key, length);
    else if (what === 'nest') map.set(key, Y.Array.from([1, 2, 3]));
    else if (what === 'unset') map.delete(key);
    else if (what === 'exchange') {
      const other = docs[(by + 1) % 3];
      if (other) Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(other, Y.encodeStateVector(doc)));
    }
  }
  return { docs, updates };
}

const some = (picks: readonly boolean[], updates: readonly Uint8Array[]) =>
  updates.filter((_, index) => picks[index % Math.max(1, picks.length)]);

function receive(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdateV2(doc, update);
  return doc;
}

const contentOf = (doc: Y.Doc) => ({ text: doc.getText('text').toJSON(), map: doc.getMap('map').toJSON() });

describe('sets', () => {
  it('[SY1] union, difference and intersection are those of the single clocks', () => {
    fc.assert(
      fc.property(holdings, holdings, (a, b) => {
        const [inA, inB] = [pointsOf(a), pointsOf(b)];
        expect(pointsOf(unite(a, b))).toEqual(inA.union(inB));
        expect(pointsOf(subtract(a, b))).toEqual(inA.difference(inB));
        expect(pointsOf(intersect(a, b))).toEqual(inA.intersection(inB));
        expect(covers(a, b)).toBe(inB.isSubsetOf(inA));
        expect(isNothing(a)).toBe(inA.size === 0);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('[SY1] ranges have one spelling: what holds the same is equal', () => {
    fc.assert(
      fc.property(holdings, holdings, (a, b) => {
        expect(unite(subtract(a, b), intersect(a, b))).toEqual(a);
        expect(unite(a, b)).toEqual(unite(b, a));
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('is the same after it was kept as bytes, which are few', () => {
    fc.assert(
      fc.property(holdings, (some) => {
        expect(decodeHoldings(encodeHoldings(some))).toEqual(some);
      }),
      { numRuns: 300, seed: 3 },
    );
    const many = collectRanges(Array.from({ length: 1_000 }, (_, i) => [4_000_000_000, i * 10, 3] as const));
    expect(encodeHoldings({ inserted: many, deleted: many }).length).toBeLessThan(4_100);
    expect(() => decodeHoldings(Uint8Array.of(1, 2))).toThrow();
  });
});

describe('documents', () => {
  it('[SY1] an update brings what a document that applies it holds', () => {
    fc.assert(
      fc.property(edits, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (script, picks) => {
        const { updates } = play(script);
        const picked = some(picks, updates);
        const told = picked.map(holdingsOfUpdate).reduce(unite, NOTHING);
        const held = holdingsOf(receive(picked));
        // Integrating can delete more: what was put into something that is deleted.
        expect(covers(held, told)).toBe(true);
        expect(held.inserted).toEqual(told.inserted);
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  it('[SY1] transactions add up to what the document holds', () => {
    fc.assert(
      fc.property(edits, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (script, picks) => {
        const { updates } = play(script);
        const doc = new Y.Doc();
        let added = NOTHING;
        doc.on('afterTransaction', (transaction: Y.Transaction) => {
          added = unite(added, holdingsOfTransaction(transaction));
        });
        for (const update of some(picks, updates)) Y.applyUpdateV2(doc, update);
        expect(unite(added, waitingIn(doc))).toEqual(holdingsOf(doc));
        expect(added).toEqual(integratedBy(doc));
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('[RC4] one part of what a document has integrated is found in it, and nothing else is', () => {
    fc.assert(
      fc.property(edits, fc.array(fc.boolean()), fc.nat(2), holdings, (script, picks, by, any) => {
        const { docs, updates } = play(script);
        const doc = docs[by] ?? new Y.Doc();
        const whole = integratedBy(doc);
        for (const wanted of [any, ...some(picks, updates).map(holdingsOfUpdate), intersect(any, whole)])
          expect(hasIntegrated(doc, wanted)).toBe(covers(whole, wanted));
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it('[SY1] what arrives without its content is held as deleted, at once and as Yjs itself counts it', () => {
    fc.assert(
      fc.property(edits, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (script, picks) => {
        const { docs, updates } = play(script);
        const doc = receive(some(picks, updates));
        let added = holdingsOf(doc);
        doc.on('afterTransaction', (transaction: Y.Transaction) => {
          added = unite(added, holdingsOfTransaction(transaction));
        });
        for (const other of docs) Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(other));
        expect(added).toEqual(holdingsOf(doc));
        const counted: [number, number, number][] = [];
        for (const [client, items] of Y.createDeleteSetFromStructStore(doc.store).clients) {
          for (const { clock, len } of items) counted.push([client, clock, len]);
        }
        expect(added.deleted).toEqual(collectRanges(counted));
      }),
      { numRuns: 300, seed: 8 },
    );
  });

  it('[SY4] who applies what they lack holds all that the document holds, waiting changes too, and shows the same', () => {
    fc.assert(
      fc.property(
        edits,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        (script, picks, otherPicks) => {
          const { updates } = play(script);
          const doc = receive(some(picks, updates));
          const other = receive(some(otherPicks, updates));
          const before = holdingsOf(other);
          const update = lackingUpdate(doc, before);
          expect(update === null).toBe(covers(before, holdingsOf(doc)));
          if (update === null) return;
          expect(covers(unite(before, holdingsOfUpdate(update)), holdingsOf(doc))).toBe(true);
          expect(covers(holdingsOf(doc), holdingsOfUpdate(update))).toBe(true);
          Y.applyUpdateV2(other, update);
          expect(covers(holdingsOf(other), holdingsOf(doc))).toBe(true);
          Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(other));
          expect(contentOf(other)).toEqual(contentOf(doc));
        },
      ),
      { numRuns: 300, seed: 6 },
    );
  });

  it('[SY1] hands on nothing that is held already, and of deletions exactly what is wanted', () => {
    fc.assert(
      fc.property(edits, holdings, (script, wanted) => {
        const { docs } = play(script);
        const [doc] = docs;
        if (!doc) return;
        const held = holdingsOf(doc);
        expect(lackingUpdate(doc, held)).toBeNull();
        const update = extractUpdate(doc, wanted);
        const asked = intersect(wanted, held);
        expect(update === null).toBe(isNothing(asked));
        if (update === null) return;
        const brought = holdingsOfUpdate(update);
        expect(covers(brought, asked)).toBe(true);
        // Insertions bring their own deletions along.
        if (asked.inserted.size === 0) expect(brought).toEqual(asked);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('[SY1] a deletion alone is seen, though it changes no state vector', () => {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'abc');
    const before = holdingsOf(doc);
    doc.getText('text').delete(1, 1);
    expect(covers(before, holdingsOf(doc))).toBe(false);
    const update = lackingUpdate(doc, before);
    expect(update && holdingsOfUpdate(update)).toEqual({
      inserted: new Map(),
      deleted: new Map([[doc.clientID, [1, 2]]]),
    });
  });

  it('[SY1] brings the deletions of what it inserts: who has that already would keep it otherwise', () => {
    const doc = new Y.Doc();
    const text = doc.getText('text');
    text.insert(0, 'abc');
    const reader = receive([Y.encodeStateAsUpdateV2(doc)]);
    text.delete(0, 3);
    // The first letters are gone from the document; somebody wants the last one, and knows of all deletions.
    const wanted = { inserted: new Map([[doc.clientID, [0, 3]]]), deleted: new Map<number, number[]>() };
    const update = extractUpdate(doc, wanted);
    const brought = holdingsOfUpdate(update ?? new Uint8Array());
    Y.applyUpdateV2(reader, update ?? new Uint8Array());
    expect(covers(holdingsOf(reader), brought)).toBe(true);
    expect(reader.getText('text').toJSON()).toBe('');
  });

  it('[SY1] a struct without content is no deletion for who has it with its content', () => {
    const doc = new Y.Doc();
    doc.clientID = 1;
    doc.getText('text').insert(0, 'abc');
    const reader = receive([Y.encodeStateAsUpdateV2(doc)]);
    doc.getText('text').delete(0, 3);
    const withoutDeletes = Y.encodeStateAsUpdateV2(doc);
    // The delete set is at the end, five bytes: one client, 1, with one range, from 0 on, 3 long.
    const bare = Uint8Array.of(...withoutDeletes.subarray(0, -5), 0);
    expect(holdingsOfUpdate(bare)).toEqual({
      inserted: new Map([[doc.clientID, [0, 3]]]),
      deleted: new Map(),
    });
    Y.applyUpdateV2(reader, bare);
    expect(reader.getText('text').toJSON()).toBe('abc');
  });

  it('[SY3] a change to a document with a long history is small', () => {
    const doc = new Y.Doc();
    const text = doc.getText('text');
    text.insert(0, 'x'.repeat(10_000));
    for (let i = 0; i < 4_000; i++) text.delete(i, 1);
    const before = holdingsOf(doc);
    text.insert(0, 'new');
    text.delete(1_000, 1);
    expect(lackingUpdate(doc, before)?.length).toBeLessThan(80);
    expect(lackingUpdate(doc, NOTHING)?.length).toBeGreaterThan(4_000);
  });

  it('[SY1] what waits for something missing is held, handed on, and not called integrated', () => {
    const author = new Y.Doc();
    const updates: Uint8Array[] = [];
    author.on('updateV2', (update: Uint8Array) => updates.push(update));
    author.getText('text').insert(0, 'first');
    author.getText('text').insert(5, ' second');
    author.getText('text').delete(0, 2);
    const doc = receive(updates.slice(1));
    expect(doc.getText('text').toJSON()).toBe('');
    expect(isNothing(integratedBy(doc))).toBe(true);
    const held = {
      inserted: new Map([[author.clientID, [5, 12]]]),
      deleted: new Map([[author.clientID, [0, 2]]]),
    };
    expect(holdingsOf(doc)).toEqual(held);
    const handedOn = lackingUpdate(doc, NOTHING);
    expect(handedOn && holdingsOfUpdate(handedOn)).toEqual(held);
    const other = receive([handedOn ?? new Uint8Array(), ...updates.slice(0, 1)]);
    expect(other.getText('text').toJSON()).toBe('rst second');
  });
});
