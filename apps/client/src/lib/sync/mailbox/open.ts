import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import type { EditKeys, ViewKeys } from '../../session/keys.ts';
import type { Browser } from '../browser.ts';
import type { HubSocket } from '../hub-socket.ts';
import { HubChannel } from './channel.ts';
import { MailboxClient } from './client.ts';
import type { OwnClient } from './own-presences.ts';
import type { MailboxStatus } from './ports.ts';
import type { PresenceExtras } from './presence.ts';
import type { TokenSource } from './token.ts';

export interface MailboxOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Null for who has the view link only. */
  readonly keys: EditKeys | null;
  readonly view: ViewKeys;
  /** The relay's origin. */
  readonly relay: string;
  readonly browser: Browser;
  readonly hub: HubSocket;
  readonly tokens: TokenSource;
  /** The access key of a private relay, at the moment; null for none. */
  readonly access: () => string | null;
  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  readonly committed: () => Promise<boolean>;
  /** Reads what other tabs have committed to the device. Does not reject. */
  readonly readAgain?: () => Promise<void>;
  /** Whether a transaction with this origin brought what another tab of this device did. */
  readonly isOwn?: (origin: unknown) => boolean;
  /** The tabs of this device to speak for, this one first; if not given, this one alone. */
  readonly clients?: () => readonly OwnClient[];
  /** What goes along with presence through the relay. */
  readonly extras?: PresenceExtras;
  /** Whether what happens here reaches the one with this awareness state without the relay. */
  readonly reachesDirectly: (state: Record<string, unknown>) => boolean;
  /** Whether what is published to the mailbox's topic reaches this device from now on. */
  readonly onSubscribed: (isSubscribed: boolean) => void;
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
  /** The relay may answer otherwise than before: it is asked at once, where the device is online. */
  retry(): void;
  /** Whom the mesh reaches has changed. */
  reachChanged(): void;
  /** Something is to go along with the next presence. */
  extrasChanged(): void;
  /** The tabs to speak for have changed. */
  clientsChanged(): void;
  /**
   * Ends it; what is under way is not waited for. Resolves when another may be opened with what the device keeps of this one.
   *
   * @param isHandedOver this tab stays, and another one speaks for it: nobody is told that it has gone
   */
  close(isHandedOver?: boolean): Promise<void>;
}

/** Syncs a document with the relay's mailbox, in a browser: HTTP, the hub's WebSocket and IndexedDB around a {@link MailboxClient}. */
export function openMailbox(options: MailboxOptions): Mailbox {
  const { sessionId, doc, awareness, keys, view, relay, hub, tokens, access, browser } = options;
  const { surroundings, events } = browser;
  const storage = browser.openStorage(sessionId, keys ? 'edit' : 'view');
  const writer = keys?.writer ?? null;
  /** The page has gone away, and may be kept to come back. */
  let isAway = false;
  // Browsers hide a page after it has gone away.
  const isLeaving = () => isAway || browser.isHidden();
  const transport = browser.openTransport({
    ...{ relay, sessionId, tokens, access, isLeaving },
    now: () => surroundings.now(),
  });
  const client = new MailboxClient({
    sessionId,
    doc,
    awareness,
    keys: { contentKey: view.contentKey, writer, reader: view.reader },
    transport,
    openChannel: (listener) =>
      new HubChannel({
        ...{ sessionId, hub, tokens, surroundings },
        listener: {
          up: () => {
            options.onSubscribed(true);
            listener.up();
          },
          down: () => {
            options.onSubscribed(false);
            listener.down();
          },
          frame: (frame) => listener.frame(frame),
        },
      }),
    storage: {
      read: async () => {
        const opened = await storage;
        // Whoever had it before writes nothing more: what it had committed by then is read first ([TB10]).
        await options.readAgain?.();
        return opened.read();
      },
      write: async (parts) => (await storage).write(parts),
    },
    surroundings,
    committed: options.committed,
    isOfDevice: (origin) => browser.isOfDevice(origin),
    isOwn: options.isOwn,
    clients: options.clients,
    extras: options.extras,
    reachesDirectly: options.reachesDirectly,
    onStatus: options.onStatus,
    onBroken: options.onBroken,
    onPoisoned: options.onPoisoned,
    ...(browser.compaction && { compaction: browser.compaction }),
  });
  const online = () => client.online();
  const offline = () => client.offline();
  const flush = () => client.flush();
  // The hub's socket closes at the same event, and listens later than whoever attaches to it: the goodbye still gets through.
  const leave = () => {
    isAway = true;
    client.leave();
  };
  const comeBack = () => {
    if (isAway && browser.isOnline()) online();
    isAway = false;
  };
  const hidden = () => {
    // What is sent once more would be sealed anew.
    if (browser.isHidden() && !isAway) flush();
  };
  const heard = { online, offline, pagehide: leave, pageshow: comeBack, visibilitychange: hidden };
  for (const [event, action] of Object.entries(heard)) events.addEventListener(event, action);
  if (!browser.isOnline()) offline();
  void client.start();
  return {
    flush,
    retry() {
      if (!browser.isOnline()) return;
      // What is under way would be answered as before.
      offline();
      online();
    },
    reachChanged: () => client.reachChanged(),
    extrasChanged: () => client.extrasChanged(),
    clientsChanged: () => client.clientsChanged(),
    async close(isHandedOver = false) {
      for (const [event, action] of Object.entries(heard)) events.removeEventListener(event, action);
      const stopped = client.stop(isHandedOver);
      // A relay that does not answer keeps nobody from going on; what it may have taken all the same is sent again.
      transport.giveUp();
      await stopped;
      (await storage).close();
    },
  };
}
