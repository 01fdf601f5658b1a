import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { createDocument, metaOf, noteMoved, readMoved, readTitle, setTitle } from './document.ts';
import { secureRandom } from './keys.ts';
import { mergeLate } from './rotation.ts';

const NOTICE = { at: 1_700_000_000_000, by: 'Ada', person: 'ada' };

/** A session, and the one that was made of it. */
function rotated(): { old: Y.Doc; made: Y.Doc } {
  const old = new Y.Doc();
  createDocument(old, 1_700_000_000_000, secureRandom);
  old.getText('text').insert(0, 'kept, dropped');
  const made = new Y.Doc();
  Y.applyUpdate(made, Y.encodeStateAsUpdate(old));
  noteMoved(old, 'old', NOTICE);
  return { old, made };
}

const stateOf = (doc: Y.Doc) => Y.encodeStateAsUpdateV2(doc);

describe('what arrived late', () => {
  it('[NL4] is merged: what was written, and what was deleted', () => {
    const { old, made } = rotated();
    old.getText('text').delete(4, 9);
    expect(mergeLate(made, stateOf(old))).toBe('merged');
    expect(made.getText('text').toJSON()).toBe('kept');
    old.getText('text').insert(4, ' and added');
    made.getText('text').insert(0, 'Is ');
    expect(mergeLate(made, stateOf(old))).toBe('merged');
    expect(made.getText('text').toJSON()).toBe('Is kept and added');
    expect(old.getText('text').toJSON()).toBe('kept and added');
  });

  it('[NL2] [NL4] is nothing where there is only the notice that new links were made, and that means nothing here', () => {
    const { old, made } = rotated();
    let updates = 0;
    made.on('update', () => (updates += 1));
    expect(mergeLate(made, stateOf(old))).toBe('nothing');
    expect(updates).toBe(0);
    setTitle(old, 'Late');
    expect(mergeLate(made, stateOf(old))).toBe('merged');
    expect(mergeLate(made, stateOf(old))).toBe('nothing');
    expect(readTitle(made)).toBe('Late');
    expect(readMoved(made, 'made')).toBeNull();
  });

  it('[NL2] leaves the new session’s own notice as it is, whenever the old one’s was written', () => {
    for (const isFirst of [true, false]) {
      const { old, made } = rotated();
      if (isFirst) noteMoved(made, 'made', { ...NOTICE, by: 'Bob' });
      noteMoved(old, 'old', { ...NOTICE, by: 'Mallory' });
      setTitle(old, 'Late');
      mergeLate(made, stateOf(old));
      if (!isFirst) noteMoved(made, 'made', { ...NOTICE, by: 'Bob' });
      expect(readMoved(made, 'made')).toEqual({ ...NOTICE, by: 'Bob' });
    }
  });

  it('[NL4] is left alone where a newer version wrote it, or where it cannot be applied', () => {
    const { old, made } = rotated();
    const before = stateOf(made);
    metaOf(old).set('schemaVersion', 2);
    expect(mergeLate(made, stateOf(old))).toBe('newer');
    expect(mergeLate(made, Uint8Array.of(1, 2, 3))).toBe('unreadable');
    expect(stateOf(made)).toEqual(before);
  });

  it('[NL4] is there afterwards whatever was done on both sides, and the old session has nothing of it', () => {
    const edit = fc.record({ isLate: fc.boolean(), at: fc.nat(40), insert: fc.string({ maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        const { old, made } = rotated();
        for (const { isLate, at, insert } of edits) {
          const text = (isLate ? old : made).getText('text');
          const place = Math.min(at, text.length);
          if (insert) text.insert(place, insert);
          else text.delete(place, Math.min(3, text.length - place));
        }
        const before = stateOf(old);
        const expected = new Y.Doc();
        for (const doc of [old, made]) Y.applyUpdateV2(expected, stateOf(doc));
        mergeLate(made, before);
        expect(made.getText('text').toJSON()).toBe(expected.getText('text').toJSON());
        expect(mergeLate(made, before)).toBe('nothing');
        expect(stateOf(old)).toEqual(before);
      }),
    );
  });
});
