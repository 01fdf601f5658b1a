import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { DeviceStore, isOfDevice } from './device.ts';
import { SimulatedDatabases, SimulatedKeyRange } from './simulated-database.ts';
import { TabChange } from './tabs/change.ts';

// What is kept in IndexedDB is tested in a browser: e2e/device.spec.ts. Here it is what is given to it.
vi.mock('y-indexeddb', () => ({
  IndexeddbPersistence: class {
    readonly _db = Promise.resolve();
    readonly whenSynced = Promise.resolve();
    readonly synced = true;
    readonly _storeUpdate = () => undefined;
    destroy = () => undefined;
  },
}));

let databases = new SimulatedDatabases();
let session = '';
let sessions = 0;

beforeEach(() => {
  databases = new SimulatedDatabases();
  session = `session ${(sessions += 1)}`;
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  vi.stubGlobal('indexedDB', databases.factory);
  vi.stubGlobal('IDBKeyRange', SimulatedKeyRange);
});

afterEach(() => vi.unstubAllGlobals());

function records(): Uint8Array[] {
  return [...databases.contents(`parley/session/${session}`, 'updates').values()] as Uint8Array[];
}

function writing(words: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, words);
  return Y.encodeStateAsUpdate(doc);
}

/** What the device would open the session with. */
function kept(): string {
  const doc = new Y.Doc();
  for (const record of records()) Y.applyUpdate(doc, record);
  return doc.getText('text').toJSON();
}

async function open(keepsOwn = true, onBroken?: () => void) {
  const doc = new Y.Doc();
  const store = await DeviceStore.open(session, doc, () => undefined, keepsOwn, onBroken);
  return { doc, store };
}

describe('what is kept', () => {
  it('[DOC3] is what was done here, at once, and what has arrived', async () => {
    const { doc, store } = await open();
    doc.getText('text').insert(0, 'own');
    await store.settled();
    expect(kept()).toBe('own');
    Y.applyUpdate(doc, writing('theirs'), 'mailbox');
    await store.settled();
    expect(kept()).toHaveLength('owntheirs'.length);
    expect(store.state).toBe('saved');
    store.close();
  });

  it('[SY16] is nothing of a change that failed while it was applied', async () => {
    const { doc, store } = await open();
    doc.getText('text').insert(0, 'own ');
    await store.settled();
    let emitted = 0;
    doc.on('update', () => (emitted += 1));
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    try {
      Y.applyUpdate(doc, writing('half'), 'mailbox');
    } catch {
      store.discard();
    }
    expect(emitted).toBe(1);
    doc.getMap('meta').set('later', true);
    await store.settled();
    expect(records()).toHaveLength(2);
    expect(kept()).toBe('own ');
    store.close();
  });

  it('[LK11] of who may only read is what has arrived', async () => {
    const { doc, store } = await open(false);
    doc.getText('text').insert(0, 'own');
    Y.applyUpdate(doc, writing('theirs'), 'mailbox');
    await store.settled();
    expect(kept()).toBe('theirs');
    store.close();
  });
});

describe('several tabs', () => {
  it('[TB6] what another tab has committed is not written again, and what it has not is kept', async () => {
    const { doc, store } = await open();
    Y.applyUpdate(doc, writing('there'), new TabChange(true, true));
    await store.settled();
    expect(records()).toHaveLength(0);
    Y.applyUpdate(doc, writing('not there'), new TabChange(true, false));
    await store.settled();
    expect(kept()).toBe('not there');
    store.close();
  });

  it('[TB7] what another tab has committed and never told is found when it is read again, once', async () => {
    const [first, second] = [await open(), await open()];
    first.doc.getText('text').insert(0, 'before. ');
    await first.store.settled();
    await second.store.readAgain();
    expect(second.doc.getText('text').toJSON()).toBe('before. ');
    const origins: unknown[] = [];
    second.doc.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin));
    first.doc.getText('text').insert(8, 'after.');
    await first.store.settled();
    await second.store.readAgain();
    await second.store.readAgain();
    await second.store.settled();
    expect(second.doc.getText('text').toJSON()).toBe('before. after.');
    expect(origins.map(isOfDevice)).toEqual([true]);
    expect(records()).toHaveLength(2);
    for (const { store } of [first, second]) store.close();
  });

  it('[SY16] when what is read again breaks the document, that is told, and nothing of it is kept', async () => {
    const first = await open();
    const broken = vi.fn();
    const second = await open(true, broken);
    second.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    first.doc.getText('text').insert(0, 'poison');
    await first.store.settled();
    await second.store.readAgain();
    expect(broken).toHaveBeenCalledOnce();
    second.doc.getMap('meta').set('later', true);
    await second.store.settled();
    expect(records()).toHaveLength(2);
    for (const { store } of [first, second]) store.close();
  });
});
