import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import { importVerifyKey } from '@parley/signaling/envelope';
import type { MailboxFrame } from '@parley/signaling/mailbox';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import type { Surroundings } from '../surroundings.ts';
import { Announcements } from './announcing.ts';
import { Driving } from './driving.ts';
import {
  createMailbox,
  seenPosition,
  type CompactionThreshold,
  type Mailbox,
  type MailboxEvent,
} from './engine.ts';
import { extractUpdate, holdingsOf } from '../holdings.ts';
import { isSealed, lastEnvelopes } from './leaving.ts';
import { LiveExchange } from './live.ts';
import { LogReader } from './log-reader.ts';
import { Noticing } from './noticing.ts';
import type { OwnClient } from './own-presences.ts';
import { Performing } from './performing.ts';
import {
  NOT_ASKED,
  type ChannelListener,
  type MailboxChannel,
  type MailboxStatus,
  type MailboxStorage,
  type MailboxTransport,
} from './ports.ts';
import type { PresenceExtras } from './presence.ts';
import { Standby } from './standby.ts';
import type { StoredMailbox } from './stored.ts';

export type { StoredMailbox } from './stored.ts';

export interface MailboxClientOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Keys are non-extractable, public keys raw, 32 bytes. */
  readonly keys: {
    readonly contentKey: CryptoKey;
    /** null for a viewer. */
    readonly writer: { readonly publicKey: Uint8Array<ArrayBuffer>; readonly privateKey: CryptoKey } | null;
    readonly reader: { readonly publicKey: Uint8Array<ArrayBuffer>; readonly privateKey: CryptoKey };
  };
  readonly transport: MailboxTransport;
  openChannel(listener: ChannelListener): MailboxChannel;
  readonly storage: MailboxStorage<StoredMailbox>;
  readonly surroundings: Surroundings;
  /** Resolves once nothing is on its way to the device any more: true if all that the document holds is committed there. */
  committed(): Promise<boolean>;
  /** Whether a transaction with this origin brought what was on this device already: it is told like what is done here ([SY19]). */
  readonly isOfDevice?: ((origin: unknown) => boolean) | undefined;
  /** Whether a transaction with this origin brought what another tab of this device did: it goes out like what is done here. */
  readonly isOwn?: ((origin: unknown) => boolean) | undefined;
  /** The tabs of this device to speak for, this one first; if not given, this one alone. */
  readonly clients?: (() => readonly OwnClient[]) | undefined;
  /** What goes along with presence through the relay. */
  readonly extras?: PresenceExtras | undefined;
  /** Whether what this person does reaches the one with this awareness state without the relay. */
  reachesDirectly(state: Record<string, unknown>): boolean;
  onStatus(status: MailboxStatus): void;
  /** Told at once when an update has failed halfway: what the document has just emitted of it must not be kept ([SY16]). */
  readonly onBroken?: (() => void) | undefined;
  /** The document may be half changed by an update that failed: it has to be opened anew from the device; the client has stopped. */
  onPoisoned(): void;
  /** When a snapshot is due ([SY13]), if not as usual. */
  readonly compaction?: CompactionThreshold;
}

/**
 * A session's mailbox, as one device sees it: it brings what others have left there into the document, and what the
 * document has and the mailbox lacks there. What to do is the engine's to decide; here all that it takes is begun and ended.
 *
 * All that it applies to the document and the awareness has the client as its origin.
 */
export class MailboxClient {
  readonly #options: MailboxClientOptions;
  readonly #mailbox: Mailbox;
  #status: MailboxStatus = NOT_ASKED;
  #live: LiveExchange | null = null;
  #channel: MailboxChannel | null = null;
  readonly #driving: Driving;
  readonly #noticing: Noticing;
  readonly #reader: LogReader;
  readonly #performing: Performing;
  readonly #announcements: Announcements;
  readonly #standby: Standby;

  constructor(options: MailboxClientOptions) {
    this.#options = options;
    const { sessionId, doc, awareness, keys, transport, storage, surroundings } = options;
    this.#mailbox = createMailbox(keys.writer ? 'writer' : 'reader', options.compaction);
    const seen = () => seenPosition(this.#mailbox);
    const happen = (event: MailboxEvent) => this.#driving.happen(event);
    this.#driving = new Driving({
      ...{ surroundings, mailbox: this.#mailbox },
      perform: (deed) => this.#performing.perform(deed),
      giveUp: () => transport.giveUp(),
      onStatus: (status) => this.#tell(status),
      onLog: () => this.#announcements.announceSoon(),
    });
    this.#noticing = new Noticing({
      ...{ doc, happen },
      isOfDevice: (origin) => options.isOfDevice?.(origin) ?? false,
      isOwn: (origin) => options.isOwn?.(origin) ?? false,
      onOwn: keys.writer ? (update) => this.#handOn(update) : null,
    });
    this.#reader = new LogReader({
      ...{ sessionId, contentKey: keys.contentKey },
      known: () => this.#mailbox.log,
      onKey: () => this.#live?.keyKnown(),
    });
    this.#performing = new Performing({
      ...{ sessionId, doc, transport, storage, surroundings, seen, origin: this },
      ...{ mailbox: this.#mailbox, driving: this.#driving, reader: this.#reader },
      keys: { contentKey: keys.contentKey, signingKey: (keys.writer ?? keys.reader).privateKey },
      committed: () => options.committed(),
      onBroken: () => options.onBroken?.(),
      onPoisoned: () => this.#poison(),
    });
    this.#standby = new Standby({
      surroundings,
      seal: (update) => this.#performing.sealAhead(update),
      isCovered: (holdings) => isSealed(this.#mailbox, holdings),
    });
    this.#announcements = new Announcements({
      ...{ awareness, surroundings, origin: this, seen },
      onPosition: (position) => happen({ type: 'told-by-writer', position }),
    });
  }

  get status(): MailboxStatus {
    return this.#status;
  }

  /** Begins, with what the device remembers. The document has to be loaded from the device before. */
  async start(): Promise<void> {
    const { doc, keys } = this.#options;
    if (keys.writer) await this.#reader.trust(keys.writer.publicKey);
    const readerKey = await importVerifyKey(keys.reader.publicKey);
    const remembered = await this.#performing.remember();
    if (this.#driving.isStopped) return;
    this.#live = this.#openLive(readerKey);
    this.#announcements.start();
    this.#driving.happen({ type: 'started', held: holdingsOf(doc), remembered });
    this.#noticing.start();
    if (!isSealed(this.#mailbox, this.#mailbox.mine)) {
      const own = extractUpdate(doc, this.#mailbox.mine);
      if (own) this.#standby.changed(own);
    }
    this.#channel = this.#options.openChannel({
      up: () => {
        this.#live?.up();
        this.#driving.happen({ type: 'up' });
      },
      down: () => {
        this.#live?.down();
        this.#driving.happen({ type: 'down' });
      },
      frame: (frame) => this.#driving.enqueue(() => this.#receive(frame)),
    });
  }

  /** The device is online again. */
  online(): void {
    this.#driving.happen({ type: 'online' });
  }

  /** The device is offline: nothing is asked until it is online, or the channel comes up. */
  offline(): void {
    this.#driving.happen({ type: 'offline' });
  }

  /** The page is being hidden: what waits is sent at once. */
  flush(): void {
    this.#driving.happen({ type: 'flush' });
  }

  /**
   * The page is going away, perhaps for good: says goodbye, and sends what is sealed, in this very moment ([SY21], [SY24]). Where the page
   * comes back, the log says what of it arrived.
   */
  leave(): void {
    this.#live?.leave();
    if (this.#driving.isStopped) return;
    const { transport, surroundings } = this.#options;
    const envelopes = lastEnvelopes(this.#mailbox, this.#standby.envelope(), surroundings.now());
    // Nobody is there to hear what becomes of it.
    if (envelopes.length > 0) transport.append(envelopes).catch(() => undefined);
  }

  /** Whom `reachesDirectly` says has changed. */
  reachChanged(): void {
    this.#live?.reachChanged();
  }

  /** There are other tabs to speak for than before. */
  clientsChanged(): void {
    this.#live?.clientsChanged();
  }

  /** Something is to go along with the next presence. */
  extrasChanged(): void {
    this.#live?.extrasChanged();
  }

  /**
   * Ends it. Resolves when another may begin with what the device keeps of this one.
   *
   * @param isHandedOver this tab stays, and another one of this device speaks for it from now on: no goodbye is said
   */
  async stop(isHandedOver = false): Promise<void> {
    if (!this.#driving.isStopped) {
      this.#end();
      this.#live?.stop(isHandedOver);
      this.#channel?.close();
    }
    await this.#driving.settled();
    await this.#performing.settled();
  }

  #end(): void {
    this.#driving.stop();
    this.#noticing.stop();
    this.#announcements.stop();
    this.#standby.stop();
  }

  #poison(): void {
    this.#end();
    // What is on the relay can be told of a whole document only, and nothing more is asked or sent from here.
    const trouble = this.#status.trouble ?? 'relay/quarantined';
    this.#tell({ ...this.#status, state: 'starting', onRelay: false, unreachableSince: null, trouble });
    this.#live?.stop();
    this.#channel?.close();
    this.#options.onPoisoned();
  }

  #openLive(readerKey: CryptoKey): LiveExchange {
    const { sessionId, awareness, keys, surroundings, extras } = this.#options;
    const alone = [{ client: awareness.clientID, sender: encodeBase64url(surroundings.randomBytes(16)) }];
    return new LiveExchange({
      ...{ sessionId, awareness, surroundings, extras },
      clients: this.#options.clients ?? (() => alone),
      reachesDirectly: (state) => this.#options.reachesDirectly(state),
      keys: {
        contentKey: keys.contentKey,
        signingKey: (keys.writer ?? keys.reader).privateKey,
        role: keys.writer ? 'writer' : 'reader',
        readerKey,
        writerKey: () => this.#reader.writerKey,
      },
      origin: this,
      seen: () => seenPosition(this.#mailbox),
      send: (envelope) => this.#channel?.send(envelope),
      enqueue: (task) => this.#driving.enqueue(task),
      onUpdate: (envelope, update) => this.#performing.applyLive(envelope, update),
      onPosition: (position) => this.#driving.happen({ type: 'told-by-writer', position }),
      onDropped: () => this.#driving.happen({ type: 'dropped', count: 1 }),
    });
  }

  #tell(status: MailboxStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }

  async #receive(frame: MailboxFrame): Promise<void> {
    if (frame.type === 'live') {
      const envelope = decodeBase64url(frame.envelope);
      if (envelope) await this.#live?.receive(envelope);
      else await this.#driving.handle({ type: 'dropped', count: 1 });
      return;
    }
    const { epoch, head, current } = frame;
    const log = await this.#reader.readTold(frame);
    await this.#driving.handle({ type: 'told-by-relay', epoch, head, current, log });
  }

  /** It was done on this device: it goes out at once, and is made ready for the moment in which the page ends. */
  #handOn(update: Uint8Array): void {
    this.#live?.changed(update);
    this.#options.transport.prepare?.();
    this.#standby.changed(update);
  }
}
