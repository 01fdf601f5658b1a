import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { covers, holdingsOfUpdate } from '../holdings.ts';
import { Noticing, type NoticingOptions } from './noticing.ts';

const docs: Y.Doc[] = [];

afterEach(() => {
  for (const doc of docs.splice(0)) doc.destroy();
});

function notice({ wantsOwn = true } = {}) {
  const doc = new Y.Doc();
  docs.push(doc);
  const events: Parameters<NoticingOptions['happen']>[0][] = [];
  const own: Uint8Array[] = [];
  const noticing = new Noticing({
    doc,
    isOfDevice: (origin) => origin === 'read' || origin === 'another tab',
    isOwn: (origin) => origin === 'another tab',
    happen: (event) => events.push(event),
    onOwn: wantsOwn ? (update) => own.push(update) : null,
  });
  noticing.start();
  events.length = 0;
  const changes = () => events.flatMap((event) => (event.type === 'changed' ? [event] : []));
  const waits = () => events.flatMap((event) => (event.type === 'waits' ? [event.incomplete] : []));
  return { doc, noticing, own, changes, waits };
}

/** The updates of these texts, each of which follows on the one before. */
function writing(...texts: readonly string[]): Uint8Array[] {
  const doc = new Y.Doc();
  docs.push(doc);
  const updates: Uint8Array[] = [];
  doc.on('updateV2', (update: Uint8Array) => updates.push(update));
  const written = doc.getText('text');
  for (const text of texts) written.insert(written.length, text);
  return updates;
}

/** What is done with an update that has just been applied is done by now. */
const arrived = () => Promise.resolve();

describe('what becomes of the document', () => {
  it('[SY19] is told with what it brings, and whose doing it is', () => {
    const { doc, changes } = notice();
    const [one = new Uint8Array(), two = new Uint8Array()] = writing('one', 'two');
    doc.getText('text').insert(0, 'here');
    Y.applyUpdateV2(doc, one, 'the relay');
    Y.applyUpdateV2(doc, two, 'read');
    const [three = new Uint8Array()] = writing('three');
    Y.applyUpdateV2(doc, three, 'another tab');
    expect(changes().map(({ own, onDevice }) => ({ own, onDevice }))).toEqual([
      { own: true, onDevice: false },
      { own: false, onDevice: false },
      { own: false, onDevice: true },
      { own: true, onDevice: true },
    ]);
    const added = changes()[1]?.added;
    expect(added).toEqual(holdingsOfUpdate(one));
  });

  it('is not told where nothing is new', () => {
    const { doc, changes } = notice();
    const [one = new Uint8Array()] = writing('one');
    Y.applyUpdateV2(doc, one, 'the relay');
    Y.applyUpdateV2(doc, one, 'the relay');
    doc.transact(() => undefined);
    expect(changes()).toHaveLength(1);
  });

  it('[SY20] is handed on where it was done on this device, that of another tab once it is whole here', async () => {
    const { doc, own } = notice();
    const [one = new Uint8Array()] = writing('one');
    doc.getText('text').insert(0, 'here');
    expect(own).toHaveLength(1);
    Y.applyUpdateV2(doc, one, 'another tab');
    expect(own).toHaveLength(1);
    await arrived();
    expect(own.slice(1).map(holdingsOfUpdate)).toEqual([holdingsOfUpdate(one)]);
    const [two = new Uint8Array()] = writing('two');
    Y.applyUpdateV2(doc, two, 'the relay');
    await arrived();
    expect(own).toHaveLength(2);
  });

  it('is handed on to nobody who does not want to know, and told all the same', async () => {
    const { doc, own, changes } = notice({ wantsOwn: false });
    doc.getText('text').insert(0, 'here');
    const [one = new Uint8Array()] = writing('one');
    Y.applyUpdateV2(doc, one, 'another tab');
    await arrived();
    expect([own, changes().length]).toEqual([[], 2]);
  });

  it('[PR2] [SY19] what waits for something missing is said once, and counts as brought', () => {
    const { doc, changes, waits } = notice();
    const [one = new Uint8Array(), two = new Uint8Array()] = writing('one', 'two');
    Y.applyUpdateV2(doc, two, 'the relay');
    expect(waits()).toEqual([true]);
    expect(changes().map(({ added }) => covers(added, holdingsOfUpdate(two)))).toEqual([true]);
    doc.getText('text').insert(0, 'here');
    expect(waits()).toEqual([true]);
    Y.applyUpdateV2(doc, one, 'the relay');
    expect(waits()).toEqual([true, false]);
  });

  it('[SY19] what waits from the start is said at the start', () => {
    const doc = new Y.Doc();
    docs.push(doc);
    const [, two = new Uint8Array()] = writing('one', 'two');
    Y.applyUpdateV2(doc, two);
    const events: unknown[] = [];
    const no = () => false;
    const happen = (event: unknown) => events.push(event);
    new Noticing({ doc, isOfDevice: no, isOwn: no, happen, onOwn: null }).start();
    expect(events).toEqual([{ type: 'waits', incomplete: true }]);
  });

  it('is told no more once it has stopped, nor is what came from another tab a moment before', async () => {
    const { doc, noticing, own, changes } = notice();
    const [one = new Uint8Array()] = writing('one');
    Y.applyUpdateV2(doc, one, 'another tab');
    noticing.stop();
    doc.getText('text').insert(0, 'here');
    await arrived();
    expect([own, changes().length]).toEqual([[], 1]);
  });
});
