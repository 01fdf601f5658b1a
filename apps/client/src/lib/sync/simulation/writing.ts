import * as Y from 'yjs';
import type { SeededRandom } from './random.ts';

/** What no document may ever hold: nobody with the edit link wrote it. */
export const FORGED = 'FORGED';

/** What no device survives: it is off as soon as it has integrated this. */
export const DEADLY = 'DEADLY';

/** One thing that a person does: some insertions, or deletions, in a text, a list or a map. */
export function editSomething(doc: Y.Doc, author: string, random: SeededRandom): void {
  const text = doc.getText('text');
  const list = doc.getArray<number>('list');
  const map = doc.getMap<unknown>('map');
  const key = `key ${random.below(4)}`;
  const what = random.below(3);
  const times = random.chance(0.05) ? 40 : 1 + random.below(3);
  doc.transact(() => {
    for (let i = 0; i < times; i++) {
      const deletes = random.chance(0.5);
      if (what === 0) {
        const at = random.below(text.length + 1);
        if (!deletes) text.insert(at, `${author.at(-1)}${random.below(1_000)} `);
        else if (at < text.length) text.delete(at, Math.min(1 + random.below(5), text.length - at));
      } else if (what === 1) {
        const at = random.below(list.length + 1);
        if (!deletes) list.insert(at, [random.below(1_000)]);
        else if (at < list.length) list.delete(at);
      } else {
        const nested = map.get(key);
        if (!deletes && nested instanceof Y.Text) nested.insert(0, 'in ');
        else if (!deletes) map.set(key, random.chance(0.5) ? new Y.Text('nested') : random.below(100));
        else map.delete(key);
      }
    }
  });
}

/** Something that nobody has written before. */
export function writeSomething(doc: Y.Doc, author: string): void {
  doc.getText('text').insert(0, `${author} was here `);
}

/** An update of somebody who has written nothing else. */
export function writing(words: string, clientID?: number): Uint8Array<ArrayBuffer> {
  const doc = new Y.Doc();
  if (clientID !== undefined) doc.clientID = clientID;
  doc.getText('text').insert(0, words);
  return Uint8Array.from(Y.encodeStateAsUpdateV2(doc));
}

export function contentOf(doc: Y.Doc | undefined): string {
  if (!doc) return '';
  const map = Object.entries(doc.getMap('map').toJSON()).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([doc.getText('text').toJSON(), doc.getArray('list').toJSON(), map]);
}

/** More than one frame of the mesh takes. */
export function writeMuch(doc: Y.Doc): void {
  doc.getArray<string>('long').push(['x'.repeat(280_000)]);
}
