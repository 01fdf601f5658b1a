import { encodeBase64url } from '@parley/signaling/base64url';
import {
  ENVELOPE_VERSION,
  importVerifyKey,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
  verifyEnvelope,
} from '@parley/signaling/envelope';
import * as Y from 'yjs';
import { secureRandom, type EditKeys } from '../../apps/client/src/lib/session/keys.ts';
import { mailboxDatabaseName } from '../../apps/client/src/lib/sync/database-name.ts';
import { holdingsOfUpdate } from '../../apps/client/src/lib/sync/holdings.ts';
import { openLog } from '../../apps/client/src/lib/sync/mailbox/opening.ts';
import { openMailboxStorage } from '../../apps/client/src/lib/sync/mailbox/storage.ts';
import type { StoredMailbox } from '../../apps/client/src/lib/sync/mailbox/stored.ts';
import { TokenSource } from '../../apps/client/src/lib/sync/mailbox/token.ts';
import { HttpTransport } from '../../apps/client/src/lib/sync/mailbox/transport.ts';
import { measured, timed } from './clock.ts';

/** Parts of an opening from the mailbox. */
export type OpeningPart = 'storage' | 'request' | 'nothing' | 'pull' | 'open' | 'verify' | 'apply';

/** Does each part of an opening from the mailbox by itself, with nothing else going on, and says how long it took. */
export async function takeOpeningApart({
  sessionId,
  writer,
  view,
}: EditKeys): Promise<Record<OpeningPart, number>> {
  const relay = location.origin;
  const now = () => Date.now();
  const writerKey = await importVerifyKey(writer.publicKey);
  const transport = new HttpTransport({
    relay,
    access: () => null,
    sessionId,
    tokens: new TokenSource({ sessionId, relay, writer, reader: view.reader, now }),
    now,
  });

  const other = `${sessionId}-apart`;
  const [storage, opened] = await measured(() => openMailboxStorage<StoredMailbox>(other));
  const used = await timed(async () => {
    await storage.read();
    // The mark that something is being applied, and that it is not any more.
    await storage.write({ applying: { hashes: [], attempts: 0 } });
    await storage.write({ applying: null });
  });
  storage.close();
  indexedDB.deleteDatabase(mailboxDatabaseName(other));

  const request = await timed(async () => (await fetch('/health', { cache: 'no-store' })).arrayBuffer());
  const [log, pull] = await measured(() => transport.pull(0, null));
  const nothing = await timed(() => transport.pull(log.header.head, log.header.epoch));

  const [content, open] = await measured(() =>
    openLog(log, { sessionId, contentKey: view.contentKey, writerKey }, null),
  );
  const envelopes = log.entries.flatMap((entry) => ('bytes' in entry ? [parseEnvelope(entry.bytes)] : []));
  const verify = await timed(() =>
    Promise.all(envelopes.map((envelope) => verifyEnvelope(envelope, writerKey))),
  );
  const updates = [
    ...(content?.snapshot ? [content.snapshot.update] : []),
    ...(content?.entries ?? []).flatMap((entry) =>
      entry.content.kind === 'update' ? [entry.content.update] : [],
    ),
  ];
  const doc = new Y.Doc();
  const apply = await timed(() => {
    for (const update of updates) {
      holdingsOfUpdate(update);
      Y.applyUpdateV2(doc, update);
    }
  });
  return { storage: opened + used, request, nothing, pull, open, verify, apply };
}

/** Parts of a key's way to another screen. */
export type KeyPart = 'hub' | 'seal' | 'open';

/** Each part of a key's way by itself. */
export interface KeyApart {
  /** Does each part once, and says how long it took. */
  press(): Promise<Record<KeyPart, number>>;
  close(): void;
}

export async function takeKeyApart({ sessionId, writer, view }: EditKeys): Promise<KeyApart> {
  const writerKey = await importVerifyKey(writer.publicKey);
  const topic = crypto.randomUUID();
  const [from, to] = [await listen(sessionId, topic), await listen(sessionId, topic)];
  const text = new Y.Doc().getText('text');
  let update = new Uint8Array();
  text.doc?.on('updateV2', (made) => (update = Uint8Array.from(made)));
  return {
    async press() {
      text.insert(text.length, 'x');
      const id = encodeBase64url(secureRandom(16));
      const [sealed, seal] = await measured(() =>
        sealEnvelope(
          { version: ENVELOPE_VERSION, kind: 'update', sessionId, id, seen: null },
          update,
          { contentKey: view.contentKey, signingKey: writer.privateKey },
          secureRandom(12),
        ),
      );
      const frame = JSON.stringify({ type: 'publish', topic, data: encodeBase64url(sealed) });
      const hub = await timed(async () => {
        const arrived = new Promise((resolve) => (to.onmessage = resolve));
        from.send(frame);
        await arrived;
      });
      const envelope = parseEnvelope(sealed);
      const open = await timed(async () => {
        await verifyEnvelope(envelope, writerKey);
        await openEnvelope(envelope, view.contentKey);
      });
      return { hub, seal, open };
    },
    close() {
      for (const socket of [from, to]) socket.close();
    },
  };
}

/** A connection to the session's hub that listens to a topic. */
async function listen(sessionId: string, topic: string): Promise<WebSocket> {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/signaling/${sessionId}`);
  await new Promise((resolve) => (socket.onopen = resolve));
  const answered = new Promise((resolve) => (socket.onmessage = resolve));
  socket.send(JSON.stringify({ type: 'subscribe', topics: [topic] }));
  // Its answer says that the hub has dealt with what came before.
  socket.send(JSON.stringify({ type: 'ping', of: 'bench' }));
  await answered;
  return socket;
}
