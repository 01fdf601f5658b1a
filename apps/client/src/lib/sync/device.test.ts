import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { DeviceStore } from './device.ts';

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

let records: Uint8Array[] = [];
let sessions = 0;

beforeEach(() => {
  records = [];
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  /** One of IndexedDB's requests, which succeeds. */
  const succeed = (result?: unknown) => {
    const request = { result, onsuccess: () => undefined };
    queueMicrotask(() => request.onsuccess());
    return request;
  };
  const store = { add: (record: Uint8Array) => records.push(record), count: () => succeed(0) };
  const transaction = () => {
    const begun = { objectStore: () => store, oncomplete: () => undefined };
    setImmediate(() => begun.oncomplete());
    return begun;
  };
  vi.stubGlobal('indexedDB', { open: () => succeed({ transaction, close: () => undefined }) });
});

afterEach(() => vi.unstubAllGlobals());

function writing(words: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, words);
  return Y.encodeStateAsUpdate(doc);
}

/** What the device would open the session with. */
function kept(): string {
  const doc = new Y.Doc();
  for (const record of records) Y.applyUpdate(doc, record);
  return doc.getText('text').toJSON();
}

async function open(keepsOwn = true) {
  const doc = new Y.Doc();
  const store = await DeviceStore.open(`session ${(sessions += 1)}`, doc, () => undefined, keepsOwn);
  return { doc, store };
}

describe('what is kept', () => {
  it('[DOC3] is what was done here, at once, and what has arrived', async () => {
    const { doc, store } = await open();
    doc.getText('text').insert(0, 'own');
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
    expect(records).toHaveLength(2);
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
