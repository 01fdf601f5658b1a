import { HocuspocusProvider } from '@hocuspocus/provider';
import {
  createInitialSnapshot,
  createSignatureKeyPair,
  createUpdate,
  generateId,
  verifyAndDecryptSnapshot,
  verifyAndDecryptUpdate,
} from 'secsync';
import sodium from 'libsodium-wrappers';
import { IndexeddbPersistence } from 'y-indexeddb';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { timed, until } from './clock.ts';

/** Connects a document to a Hocuspocus server, and resolves once it has what the server has. */
export async function joinHocuspocus(url: string, name: string, doc: Y.Doc): Promise<() => void> {
  const provider = new HocuspocusProvider({ url, name, document: doc });
  await until(
    () => provider.isSynced,
    (look) => provider.on('synced', look),
  );
  return () => provider.destroy();
}

/** Connects a document to y-websocket's server, and resolves once it has what the server has. */
export async function joinYWebsocket(url: string, name: string, doc: Y.Doc): Promise<() => void> {
  const provider = new WebsocketProvider(url, name, doc, { disableBc: true });
  await until(
    () => provider.synced,
    (look) => provider.on('sync', look),
  );
  return () => provider.destroy();
}

/** Puts records into y-indexeddb's database, as it writes them itself: one a change. */
export async function fillYIndexeddb(name: string, records: readonly Uint8Array[]): Promise<void> {
  const doc = new Y.Doc();
  const persistence = new IndexeddbPersistence(name, doc);
  await persistence.whenSynced;
  for (const record of records) Y.applyUpdateV2(doc, record);
  await persistence.set('written', 1);
  await persistence.destroy();
}

/** How long y-indexeddb takes to load a document. */
export async function openYIndexeddb(name: string, isWhole: (doc: Y.Doc) => boolean): Promise<number> {
  const doc = new Y.Doc();
  let persistence: IndexeddbPersistence | undefined;
  const took = await timed(async () => {
    persistence = new IndexeddbPersistence(name, doc);
    await persistence.whenSynced;
  });
  if (!isWhole(doc)) throw new Error('y-indexeddb did not give everything back');
  await persistence?.destroy();
  return took;
}

/** What secsync keeps of a document: one encrypted and signed snapshot, and updates behind it. */
export interface SecsyncDocument {
  open(doc: Y.Doc): void;
  /** As JSON, which is how it travels. */
  readonly bytes: number;
}

/** Seals a document in secsync's shape. */
export async function sealSecsync(
  base: Uint8Array,
  updates: readonly Uint8Array[],
): Promise<SecsyncDocument> {
  await sodium.ready;
  const keys = createSignatureKeyPair(sodium);
  const key = sodium.crypto_aead_xchacha20poly1305_ietf_keygen();
  const docId = generateId(sodium);
  const pubKey = sodium.to_base64(keys.publicKey);
  const snapshotId = generateId(sodium);
  const snapshot = createInitialSnapshot(
    base,
    { snapshotId, docId, pubKey, parentSnapshotId: '', parentSnapshotUpdateClocks: {} },
    key,
    keys,
    sodium,
  );
  const sealed = updates.map((update, clock) =>
    createUpdate(update, { docId, pubKey, refSnapshotId: snapshotId }, key, keys, clock, sodium),
  );
  const wire = JSON.stringify({ snapshot, updates: sealed });
  return {
    bytes: wire.length,
    open(doc) {
      const received = JSON.parse(wire) as { snapshot: typeof snapshot; updates: typeof sealed };
      const opened = verifyAndDecryptSnapshot(received.snapshot, key, docId, keys.publicKey, sodium);
      if (!opened.content) throw new Error('secsync could not open its snapshot');
      Y.applyUpdateV2(doc, opened.content);
      received.updates.forEach((update, clock) => {
        const result = verifyAndDecryptUpdate(update, key, snapshotId, clock - 1, sodium);
        if (!result.content) throw new Error('secsync could not open an update');
        Y.applyUpdateV2(doc, result.content);
      });
    },
  };
}
