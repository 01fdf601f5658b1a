import { encodeAppend } from '@parley/signaling/mailbox';
import {
  EMPTY_CHAIN,
  ENVELOPE_VERSION,
  extendChain,
  hashEnvelope,
  sealEnvelope,
} from '@parley/signaling/envelope';
import { encodeBase64url } from '@parley/signaling/base64url';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys, secureRandom, type EditKeys } from '../../apps/client/src/lib/session/keys.ts';
import { thisBrowser } from '../../apps/client/src/lib/sync/browser.ts';
import { HubSocket } from '../../apps/client/src/lib/sync/hub-socket.ts';
import type { MailboxStatus } from '../../apps/client/src/lib/sync/mailbox/ports.ts';
import { openMailbox } from '../../apps/client/src/lib/sync/mailbox/open.ts';
import { TokenSource } from '../../apps/client/src/lib/sync/mailbox/token.ts';
import { HttpTransport } from '../../apps/client/src/lib/sync/mailbox/transport.ts';
import { surroundings } from '../../apps/client/src/lib/sync/surroundings.ts';
import { measured, until } from './clock.ts';

export function newKeys(): Promise<EditKeys> {
  return deriveEditKeys(secureRandom(32));
}

/** Where this page's relay has the hub of a session. */
export function hubOf(sessionId: string): string {
  return `${location.origin.replace('http', 'ws')}/signaling/${sessionId}`;
}

/** A participant of a session who can be reached through the relay only. */
export function joinMailbox(
  keys: EditKeys,
  doc: Y.Doc,
): { leave(): Promise<void>; readonly current: Promise<void> } {
  const awareness = new Awareness(doc);
  // Others hear of a state from its first change on.
  awareness.setLocalState({});
  let look: () => void = () => undefined;
  let status: MailboxStatus | undefined;
  const { sessionId, writer, view } = keys;
  const relay = location.origin;
  const { now } = surroundings;
  const hub = new HubSocket({
    connect: () => new WebSocket(hubOf(sessionId)),
    surroundings,
    events: window,
    isOnline: () => navigator.onLine,
  });
  const mailbox = openMailbox({
    ...{ sessionId, doc, awareness, keys, view, relay, hub, browser: thisBrowser },
    tokens: new TokenSource({ sessionId, relay, writer, reader: view.reader, now }),
    access: () => null,
    committed: () => Promise.resolve(true),
    reachesDirectly: () => false,
    onSubscribed: () => undefined,
    onStatus: (now) => {
      status = now;
      look();
    },
    onPoisoned: () => undefined,
  });
  const current = until(
    () => status?.state === 'current',
    (listener) => (look = listener),
  );
  return {
    current,
    async leave() {
      await mailbox.close();
      hub.close();
      awareness.destroy();
    },
  };
}

/** How long a device that has nothing takes to have the session as the mailbox has it. */
export async function openFromMailbox(keys: EditKeys, isWhole: (doc: Y.Doc) => boolean): Promise<number> {
  const doc = new Y.Doc();
  const [joined, took] = await measured(async () => {
    const mailbox = joinMailbox(keys, doc);
    await mailbox.current;
    return mailbox;
  });
  if (!isWhole(doc)) throw new Error('the mailbox did not give everything back');
  await joined.leave();
  // The next one begins with nothing as well.
  indexedDB.deleteDatabase(`parley/mailbox/${keys.sessionId}`);
  return took;
}

/**
 * Puts a session into the mailbox as a client leaves it: a snapshot, and behind it the updates that came since.
 *
 * @returns the bytes that the mailbox keeps of it and would send to a newcomer
 */
export async function fillMailbox(
  keys: EditKeys,
  base: Uint8Array<ArrayBuffer>,
  updates: readonly Uint8Array<ArrayBuffer>[],
): Promise<number> {
  const { sessionId, writer, view } = keys;
  const relay = location.origin;
  const { now } = surroundings;
  const tokens = new TokenSource({ sessionId, relay, writer, reader: view.reader, now });
  const transport = new HttpTransport({ relay, sessionId, tokens, access: () => null, now });
  const seal = (content: Uint8Array<ArrayBuffer>, kind: Parameters<typeof sealEnvelope>[0]) =>
    sealEnvelope(
      kind,
      content,
      { contentKey: view.contentKey, signingKey: writer.privateKey },
      secureRandom(12),
    );
  const common = () => ({
    version: ENVELOPE_VERSION,
    sessionId,
    id: encodeBase64url(secureRandom(16)),
    seen: null,
  });

  const first = await seal(Uint8Array.from(Y.encodeStateAsUpdateV2(new Y.Doc())), {
    ...common(),
    kind: 'update',
  });
  const { epoch } = await transport.append([first]);
  const chain = await extendChain(EMPTY_CHAIN, await hashEnvelope(first));
  const snapshot = await seal(base, {
    ...common(),
    ...{ kind: 'snapshot', prev: null, covers: 1, chain, seen: { epoch, seq: 1, chain } },
  });
  await transport.putSnapshot(snapshot);
  let kept = snapshot.length;
  for (let at = 0; at < updates.length; at += 50) {
    const envelopes: Uint8Array<ArrayBuffer>[] = [];
    for (const update of updates.slice(at, at + 50))
      envelopes.push(await seal(update, { ...common(), kind: 'update' }));
    await transport.append(envelopes);
    kept += encodeAppend(envelopes).length - 4 * envelopes.length;
  }
  return kept;
}
