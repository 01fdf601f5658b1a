import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { EditKeys } from '../../session/keys.ts';
import type { Surroundings } from '../surroundings.ts';
import { MailboxClient, type StoredMailbox } from './client.ts';
import type { MailboxStatus, MailboxTransport } from './ports.ts';

/** How long a relay that only ever has more may go on, in milliseconds. */
const PATIENCE = 120_000;

export interface CatchUpOptions {
  readonly keys: EditKeys;
  /** What is known of the session: a Yjs update, format V2. */
  readonly held: Uint8Array;
  readonly transport: MailboxTransport;
  readonly surroundings: Surroundings;
}

/**
 * Reads once what the relay has of a session that is not open, as somebody who only has the view link does: nothing is sent, nobody
 * sees it, and nothing is kept but what this returns ([NL4]).
 *
 * @returns the session as it is then, as a Yjs update, format V2, without what waits for something that has not arrived; and how
 *   reading the mailbox ended
 */
export async function catchUp(
  options: CatchUpOptions,
): Promise<{ update: Uint8Array; status: MailboxStatus }> {
  const stored: Partial<StoredMailbox> = {};
  for (;;) {
    const doc = new Y.Doc();
    Y.applyUpdateV2(doc, options.held);
    const status = await readOnce(doc, stored, options);
    // A change has failed halfway: what is stored now says which, and the next attempt leaves it out ([SY16]).
    if (!status) continue;
    doc.store.pendingStructs = null;
    doc.store.pendingDs = null;
    const update = Y.encodeStateAsUpdateV2(doc);
    doc.destroy();
    return { update, status };
  }
}

/** Resolves with the status at the end, or with null when the document is half changed. */
async function readOnce(
  doc: Y.Doc,
  stored: Partial<StoredMailbox>,
  { keys, transport, surroundings }: CatchUpOptions,
): Promise<MailboxStatus | null> {
  const awareness = new Awareness(doc);
  const end = Promise.withResolvers<MailboxStatus | null>();
  const client = new MailboxClient({
    sessionId: keys.sessionId,
    doc,
    awareness,
    keys: { contentKey: keys.view.contentKey, writer: null, reader: keys.view.reader },
    transport,
    openChannel: () => ({ send: () => undefined, close: () => undefined }),
    storage: {
      read: () => Promise.resolve(structuredClone(stored)),
      write: (parts) => Promise.resolve(void Object.assign(stored, structuredClone(parts))),
    },
    surroundings,
    committed: () => Promise.resolve(true),
    reachesDirectly: () => false,
    onStatus: (status) => {
      if (isEnd(status)) end.resolve(status);
    },
    onPoisoned: () => end.resolve(null),
  });
  client.start().catch(end.reject);
  const cancel = surroundings.after(PATIENCE, () => end.resolve({ ...client.status, state: 'unreachable' }));
  const status = await end.promise;
  cancel();
  await client.stop();
  awareness.destroy();
  return status;
}

/** Nothing more comes of asking now. */
function isEnd({ state, trouble }: MailboxStatus): boolean {
  if (state === 'current' || state === 'unknown' || state === 'unreachable') return true;
  return trouble === 'relay/deleted' || trouble === 'relay/refused' || trouble === 'relay/budget-spent';
}
