import * as Y from 'yjs';
import { DeviceStore } from '../../apps/client/src/lib/sync/device.ts';
import { timed } from './clock.ts';

/** Puts records into a session's database on this device, one a change. */
export async function fillDevice(sessionId: string, records: readonly Uint8Array[]): Promise<void> {
  const doc = new Y.Doc();
  const store = await DeviceStore.open(sessionId, doc, () => undefined);
  for (const record of records) {
    Y.applyUpdateV2(doc, record);
    await store.settled();
  }
  store.close();
}

/** How long this device takes to open a session. */
export async function openDevice(sessionId: string, isWhole: (doc: Y.Doc) => boolean): Promise<number> {
  const doc = new Y.Doc();
  let store: DeviceStore | undefined;
  const took = await timed(async () => {
    store = await DeviceStore.open(sessionId, doc, () => undefined);
  });
  if (!isWhole(doc)) throw new Error('the device did not give everything back');
  store?.close();
  return took;
}

/** How many bytes the records in a database of y-indexeddb's format take. */
export function measureRecords(name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const opened = indexedDB.open(name);
    opened.onerror = () => reject(opened.error ?? new Error('no database'));
    opened.onsuccess = () => {
      const database = opened.result;
      const all: IDBRequest<Uint8Array[]> = database.transaction('updates').objectStore('updates').getAll();
      all.onsuccess = () => {
        database.close();
        resolve(all.result.reduce((sum, record) => sum + record.length, 0));
      };
    };
  });
}
