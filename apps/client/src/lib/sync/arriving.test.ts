import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { ArrivingUpdates } from './arriving.ts';

/** A document that keeps what it emits, as the device does. */
function openDocument() {
  const doc = new Y.Doc();
  const kept: Uint8Array[] = [];
  let emitted = 0;
  const arriving = new ArrivingUpdates((updates) => kept.push(...updates));
  doc.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, { local }: Y.Transaction) => {
    if (local) kept.push(update);
    else {
      emitted += 1;
      arriving.hold(update);
    }
  });
  doc.getText('text').insert(0, 'own');
  const apply = (update: Uint8Array): boolean => {
    try {
      Y.applyUpdateV2(doc, update);
      return true;
    } catch {
      arriving.discard();
      return false;
    }
  };
  return { kept, apply, hasEmitted: () => emitted > 0 };
}

function reopen(kept: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of kept) Y.applyUpdate(doc, update);
  return doc;
}

/** A document's update, with every kind of content in it. */
function rich(): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = 5;
  doc.getMap('meta').set('title', 'x');
  const paragraph = new Y.XmlElement('paragraph');
  doc.getXmlFragment('p').insert(0, [paragraph]);
  const text = new Y.XmlText();
  paragraph.insert(0, [text]);
  text.insert(0, 'hello', { bold: true });
  text.delete(1, 2);
  doc.getMap('pages').set('a', new Y.Map([['k', 'v']]));
  doc.getArray('z').push([1, 'b', { c: 1 }]);
  return Y.encodeStateAsUpdateV2(doc);
}

/** Whether Yjs can tell what is in it: what is rejected here is never applied. */
function isReadable(update: Uint8Array): boolean {
  try {
    Y.decodeUpdateV2(update);
    return true;
  } catch {
    return false;
  }
}

describe('updates that arrive', () => {
  it('are kept once what applies them has ended', async () => {
    const { kept, apply } = openDocument();
    apply(rich());
    expect(kept).toHaveLength(1);
    await Promise.resolve();
    expect(reopen(kept).getMap('meta').get('title')).toBe('x');
  });

  it('[SY16] nothing of one that fails while it is applied is kept: what was kept can be opened', async () => {
    const good = rich();
    let halves = 0;
    for (let at = 0; at < good.length; at++) {
      for (let value = 0; value < 40; value++) {
        const update = good.slice();
        update[at] = value;
        if (!isReadable(update)) continue;
        const { kept, apply, hasEmitted } = openDocument();
        if (apply(update)) continue;
        if (hasEmitted()) halves += 1;
        await Promise.resolve();
        expect(kept).toHaveLength(1);
        expect(reopen(kept).getText('text').toJSON()).toBe('own');
      }
    }
    // Else nothing was put to the test.
    expect(halves).toBeGreaterThan(0);
  });
});
