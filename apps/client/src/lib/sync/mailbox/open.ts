import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { secureRandom, type EditKeys, type ViewKeys } from '../../session/keys.ts';
import { HubChannel } from './channel.ts';
import { MailboxClient, type StoredMailbox } from './client.ts';
import type { MailboxStatus, Surroundings } from './ports.ts';
import { openMailboxStorage } from './storage.ts';
import { TokenSource } from './token.ts';
import { HttpTransport } from './transport.ts';

export interface MailboxOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Null for who has the view link only. */
  readonly keys: EditKeys | null;
  readonly view: ViewKeys;
  /** The relay's origin, and the hub's WebSocket address. */
  readonly relay: string;
  readonly hub: string;
  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  readonly committed: () => Promise<boolean>;
  /** Whether a transaction with this origin brought what was on this device already. */
  readonly isOfDevice?: (origin: unknown) => boolean;
  /** Whether what happens here reaches the one with this awareness state without the relay. */
  readonly reachesDirectly: (state: Record<string, unknown>) => boolean;
  readonly onStatus: (status: MailboxStatus) => void;
  /** What the document has just emitted comes of an update that failed halfway, and must not be kept. */
  readonly onBroken?: () => void;
  /** The document has to be opened anew from the device. */
  readonly onPoisoned: () => void;
}

/** An open mailbox. */
export interface Mailbox {
  /** What waits is sent at once: the page may be going away. */
  flush(): void;
  /** Whom the mesh reaches has changed. */
  reachChanged(): void;
  /** Ends it; what is under way is not waited for. Resolves when another may be opened with what the device keeps of this one. */
  close(): Promise<void>;
}

const surroundings: Surroundings = {
  now: () => Date.now(),
  randomBytes: secureRandom,
  random: () => Math.random(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Syncs a document with the relay's mailbox, in this browser: HTTP, the hub's WebSocket and IndexedDB around a {@link MailboxClient}. */
export function openMailbox(options: MailboxOptions): Mailbox {
  const { sessionId, doc, awareness, keys, view, relay, hub } = options;
  const storage = openMailboxStorage<StoredMailbox>(sessionId);
  const { now } = surroundings;
  const writer = keys?.writer ?? null;
  const tokens = new TokenSource({ sessionId, relay, writer, reader: view.reader, now });
  const requests = new AbortController();
  const { signal } = requests;
  const isLeaving = () => document.visibilityState === 'hidden';
  const client = new MailboxClient({
    sessionId,
    doc,
    awareness,
    keys: { contentKey: view.contentKey, writer, reader: view.reader },
    transport: new HttpTransport({ relay, sessionId, tokens, now, isLeaving, signal }),
    openChannel: (listener) =>
      new HubChannel({
        sessionId,
        listener,
        connect: () => new WebSocket(hub),
        tokens,
        surroundings,
        events: window,
      }),
    storage: {
      read: async () => (await storage).read(),
      write: async (parts) => (await storage).write(parts),
    },
    surroundings,
    committed: options.committed,
    isOfDevice: options.isOfDevice,
    reachesDirectly: options.reachesDirectly,
    onStatus: options.onStatus,
    onBroken: options.onBroken,
    onPoisoned: options.onPoisoned,
  });
  const online = () => client.online();
  const flush = () => client.flush();
  const hidden = () => {
    if (document.visibilityState === 'hidden') flush();
  };
  addEventListener('online', online);
  addEventListener('pagehide', flush);
  document.addEventListener('visibilitychange', hidden);
  void client.start();
  return {
    flush,
    reachChanged: () => client.reachChanged(),
    async close() {
      removeEventListener('online', online);
      removeEventListener('pagehide', flush);
      document.removeEventListener('visibilitychange', hidden);
      const stopped = client.stop();
      // A relay that does not answer keeps nobody from going on; what it may have taken all the same is sent again.
      requests.abort();
      await stopped;
      (await storage).close();
    },
  };
}
