import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import { importVerifyKey } from '@parley/signaling/envelope';
import type { Log, MailboxFrame } from '@parley/signaling/mailbox';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { ArrivingUpdates } from '../arriving.ts';
import type { Surroundings } from '../surroundings.ts';
import { checkAnswer } from './acknowledging.ts';
import { Announcements } from './announcing.ts';
import { Applying } from './applying.ts';
import {
  advanceMailbox,
  createMailbox,
  seenPosition,
  type CompactionThreshold,
  type Mailbox,
  type MailboxEffect,
  type MailboxEvent,
} from './engine.ts';
import {
  extractUpdate,
  holdingsOf,
  holdingsOfTransaction,
  isNothing,
  unite,
  waitingIn,
  type Holdings,
} from '../holdings.ts';
import { Keeping } from './keeping.ts';
import { isSealed, lastEnvelopes } from './leaving.ts';
import { LiveExchange } from './live.ts';
import type { OwnClient } from './own-presences.ts';
import { certifyWriter, openLog, openTold, type ReadingKeys } from './opening.ts';
import {
  MailboxRefusal,
  NOT_ASKED,
  type ChannelListener,
  type MailboxChannel,
  type MailboxStatus,
  type MailboxStorage,
  type MailboxTransport,
} from './ports.ts';
import type { PresenceExtras } from './presence.ts';
import { Sealing } from './sealing.ts';
import { Standby } from './standby.ts';
import { restoreMailbox, storeDoubt, storeOutbox, type StoredMailbox } from './stored.ts';

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
 * document has and the mailbox lacks there. What to do is the engine's to decide; here it is done, one thing after the other.
 *
 * All that it applies to the document and the awareness has the client as its origin.
 */
export class MailboxClient {
  readonly #options: MailboxClientOptions;
  readonly #mailbox: Mailbox;
  #status: MailboxStatus = NOT_ASKED;
  #live: LiveExchange | null = null;
  #channel: MailboxChannel | null = null;
  #writerKey: CryptoKey | null = null;
  /** The writer's public key as the relay gives it, once the session id has certified it. */
  #certified = '';
  #queue: Promise<void> = Promise.resolve();
  #isStopped = false;
  readonly #keeping: Keeping;
  readonly #applying: Applying;
  readonly #sealing: Sealing;
  readonly #announcements: Announcements;
  readonly #standby: Standby;
  /** What other tabs have done, and came here a moment ago. */
  readonly #arriving = new ArrivingUpdates((updates) => {
    if (!this.#isStopped) for (const update of updates) this.#handOn(update);
  });
  #cancelWake: (() => void) | null = null;
  #waiting: { structs: unknown; deletes: unknown } = { structs: null, deletes: null };

  constructor(options: MailboxClientOptions) {
    this.#options = options;
    const { sessionId, doc, awareness, keys, storage, surroundings } = options;
    this.#mailbox = createMailbox(keys.writer ? 'writer' : 'reader', options.compaction);
    const isStopped = () => this.#isStopped;
    const seen = () => seenPosition(this.#mailbox);
    this.#keeping = new Keeping({
      ...{ storage, doc, mailbox: this.#mailbox, isStopped },
      committed: () => options.committed(),
    });
    this.#applying = new Applying({
      ...{ doc, origin: this, isStopped },
      keep: (parts) => this.#keeping.keep(parts),
      quarantine: () => this.#mailbox.quarantine,
      onBroken: () => options.onBroken?.(),
    });
    this.#sealing = new Sealing({
      ...{ sessionId, doc, surroundings, seen },
      keys: { contentKey: keys.contentKey, signingKey: (keys.writer ?? keys.reader).privateKey },
    });
    this.#standby = new Standby({
      surroundings,
      seal: (update) => this.#sealing.sealAhead(update),
      isCovered: (holdings) => isSealed(this.#mailbox, holdings),
    });
    this.#announcements = new Announcements({
      ...{ awareness, surroundings, origin: this, seen },
      onPosition: (position) => this.#happen({ type: 'told-by-writer', position }),
    });
  }

  get status(): MailboxStatus {
    return this.#status;
  }

  /** Begins, with what the device remembers. The document has to be loaded from the device before. */
  async start(): Promise<void> {
    const { doc, keys } = this.#options;
    if (keys.writer) this.#writerKey = await importVerifyKey(keys.writer.publicKey);
    const readerKey = await importVerifyKey(keys.reader.publicKey);
    const remembered = await this.#remember();
    if (this.#isStopped) return;
    this.#live = this.#openLive(readerKey);
    doc.on('afterTransaction', this.#changed);
    doc.on('updateV2', this.#updated);
    this.#announcements.start();
    this.#happen({ type: 'started', held: holdingsOf(doc), remembered });
    this.#noteWaiting();
    if (!isSealed(this.#mailbox, this.#mailbox.mine)) {
      const own = extractUpdate(doc, this.#mailbox.mine);
      if (own) this.#standby.changed(own);
    }
    this.#channel = this.#options.openChannel({
      up: () => {
        this.#live?.up();
        this.#happen({ type: 'up' });
      },
      down: () => {
        this.#live?.down();
        this.#happen({ type: 'down' });
      },
      frame: (frame) => this.#enqueue(() => this.#receive(frame)),
    });
  }

  /** The device is online again. */
  online(): void {
    this.#happen({ type: 'online' });
  }

  /** The device is offline: nothing is asked until it is online, or the channel comes up. */
  offline(): void {
    this.#happen({ type: 'offline' });
  }

  /** The page is being hidden: what waits is sent at once. */
  flush(): void {
    this.#happen({ type: 'flush' });
  }

  /**
   * The page is going away, perhaps for good: says goodbye, and sends what is sealed, in this very moment ([SY21], [SY24]). Where the page
   * comes back, the log says what of it arrived.
   */
  leave(): void {
    this.#live?.leave();
    if (this.#isStopped) return;
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
    if (!this.#isStopped) {
      this.#end();
      this.#live?.stop(isHandedOver);
      this.#channel?.close();
    }
    await this.#queue;
    await this.#keeping.settled();
  }

  #end(): void {
    const { doc } = this.#options;
    this.#isStopped = true;
    doc.off('afterTransaction', this.#changed);
    doc.off('updateV2', this.#updated);
    this.#announcements.stop();
    this.#standby.stop();
    this.#cancelWake?.();
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
        writerKey: () => this.#writerKey,
      },
      origin: this,
      seen: () => seenPosition(this.#mailbox),
      send: (envelope) => this.#channel?.send(envelope),
      enqueue: (task) => this.#enqueue(task),
      onUpdate: (envelope, update) => this.#applyLive(envelope, update),
      onPosition: (position) => this.#happen({ type: 'told-by-writer', position }),
      onDropped: () => this.#happen({ type: 'dropped', count: 1 }),
    });
  }

  /** What the device remembers; nothing where it keeps nothing, or nothing that this version can read: the log has it all. */
  async #remember() {
    try {
      const stored = await this.#options.storage.read();
      return restoreMailbox({ ...stored, quarantine: this.#applying.recall(stored) });
    } catch {
      return restoreMailbox({});
    }
  }

  /** Tells the engine, at once; what it wants done is done when its turn comes. */
  #happen(event: MailboxEvent): void {
    if (this.#isStopped) return;
    const effects = this.#advance(event);
    if (effects.length > 0) this.#enqueue(() => this.#performAll(effects));
  }

  /** Tells the engine, and does what it wants before anything else is done. */
  async #handle(event: MailboxEvent): Promise<void> {
    if (!this.#isStopped) await this.#performAll(this.#advance(event));
  }

  /** Tells the engine. What it says of the state is told at once: it is out of date by the time that the device has written something. */
  #advance(event: MailboxEvent): Deed[] {
    const { surroundings } = this.#options;
    const before = this.#mailbox.log;
    const effects = advanceMailbox(this.#mailbox, event, {
      now: surroundings.now(),
      random: () => surroundings.random(),
    });
    if (this.#mailbox.log !== before) this.#announcements.announceSoon();
    const deeds: Deed[] = [];
    for (const effect of effects) {
      if (effect.type === 'wake') this.#wakeAt(effect.at);
      else if (effect.type === 'status') this.#tell(effect.status);
      else if (effect.type === 'give-up') this.#options.transport.giveUp();
      else deeds.push(effect);
    }
    return deeds;
  }

  #tell(status: MailboxStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(() => (this.#isStopped ? undefined : task())).catch(reportMistake);
  }

  async #performAll(effects: readonly Deed[]): Promise<void> {
    const due = [...effects];
    for (let effect = due.shift(); effect && !this.#isStopped; effect = due.shift()) {
      const event = await this.#attempt(effect);
      if (event && !this.#isStopped) due.push(...this.#advance(event));
    }
  }

  /** Does it. Where this code makes a mistake, the engine hears of an attempt that came to nothing, and waits for no answer. */
  async #attempt(effect: Deed): Promise<MailboxEvent | null> {
    try {
      return await this.#perform(effect);
    } catch (error) {
      reportMistake(error);
      if (effect.type === 'seal') return { type: 'sealed', entry: null, isTooLarge: false };
      if (effect.type === 'compact') return { type: 'weighed', bytes: Infinity };
      return effect.type === 'apply' ? FAILED : null;
    }
  }

  /** Does it, and answers with what came of it, if that is known at once. */
  async #perform(effect: Deed): Promise<MailboxEvent | null> {
    const { transport } = this.#options;
    switch (effect.type) {
      case 'pull':
        this.#request(transport.pull(effect.after, effect.epoch), (log) => this.#pulled(log));
        return null;
      case 'append': {
        const { entries } = effect;
        this.#request(transport.append(entries.map(({ bytes }) => bytes)), async (answer) =>
          this.#handle(await checkAnswer(this.#mailbox.log, answer, entries)),
        );
        return null;
      }
      case 'seal':
        return this.#seal(effect.wanted);
      case 'compact':
        return this.#compact(effect);
      case 'apply':
        return this.#apply(effect.items);
      case 'keep':
        if (effect.part === 'log') this.#keeping.keepLog();
        else if (effect.part === 'outbox')
          await this.#keeping.keep({ outbox: storeOutbox(this.#mailbox.outbox) });
        else await this.#keeping.keep({ log: storeDoubt(this.#mailbox) });
        return null;
    }
  }

  #request<Answer>(question: Promise<Answer>, then: (answer: Answer) => Promise<void>): void {
    question.then(
      (answer) =>
        this.#enqueue(() =>
          then(answer).catch((error: unknown) => {
            reportMistake(error);
            return this.#handle(FAILED);
          }),
        ),
      (error: unknown) => {
        const refusal = error instanceof MailboxRefusal ? error : new MailboxRefusal('relay/nonsense');
        const { code, retryAfter } = refusal;
        this.#enqueue(() => this.#handle({ type: 'refused', code, retryAfter }));
      },
    );
  }

  async #pulled(log: Log): Promise<void> {
    const { writer } = log.header;
    if (writer !== this.#certified) {
      const key = await certifyWriter(this.#options.sessionId, writer);
      if (key) {
        this.#certified = writer;
        if (!this.#writerKey) {
          this.#writerKey = key;
          this.#live?.keyKnown();
        }
      }
    }
    const isCertified = writer === this.#certified && this.#writerKey;
    const opened = isCertified && (await openLog(log, this.#readingKeys(isCertified), this.#mailbox.log));
    await this.#handle({ type: 'pulled', log: opened || null });
  }

  async #receive(frame: MailboxFrame): Promise<void> {
    if (frame.type === 'live') {
      const envelope = decodeBase64url(frame.envelope);
      if (envelope) await this.#live?.receive(envelope);
      else await this.#handle({ type: 'dropped', count: 1 });
      return;
    }
    const envelopes = frame.envelopes.map(decodeBase64url).filter((bytes) => bytes !== null);
    const { epoch, head, current } = frame;
    const { log } = this.#mailbox;
    const opened =
      log && this.#writerKey && envelopes.length === frame.envelopes.length
        ? await openTold(frame, envelopes, this.#readingKeys(this.#writerKey), log)
        : null;
    await this.#handle({ type: 'told-by-relay', epoch, head, current, log: opened });
  }

  #readingKeys(writerKey: CryptoKey): ReadingKeys {
    const { sessionId, keys } = this.#options;
    return { sessionId, contentKey: keys.contentKey, writerKey };
  }

  async #seal(wanted: Holdings): Promise<MailboxEvent> {
    const { entry, isTooLarge } = await this.#sealing.sealUpdate(wanted);
    if (entry) await this.#keeping.keep({ outbox: storeOutbox([...this.#mailbox.outbox, entry]) });
    return { type: 'sealed', entry, isTooLarge };
  }

  async #compact(effect: Extract<MailboxEffect, { type: 'compact' }>): Promise<MailboxEvent | null> {
    const snapshot = await this.#sealing.sealSnapshot(effect);
    if (typeof snapshot === 'number') return { type: 'weighed', bytes: snapshot };
    const { id, bytes } = snapshot;
    this.#request(this.#options.transport.putSnapshot(bytes), (answer) =>
      this.#handle({ type: 'compacted', answer, id }),
    );
    return null;
  }

  async #apply(items: Extract<MailboxEffect, { type: 'apply' }>['items']): Promise<MailboxEvent | null> {
    const results = await this.#applying.apply(items);
    if (results === 'broken') this.#poison();
    return results === null || results === 'broken' ? null : { type: 'applied', results };
  }

  async #applyLive(envelope: Uint8Array<ArrayBuffer>, update: Uint8Array<ArrayBuffer>): Promise<void> {
    const outcome = await this.#applying.applyLive(envelope, update);
    if (outcome === 'broken') this.#poison();
    if (outcome === 'none') this.#happen({ type: 'dropped', count: 1 });
  }

  #wakeAt(at: number | null): void {
    const { surroundings } = this.#options;
    this.#cancelWake?.();
    this.#cancelWake =
      at === null
        ? null
        : surroundings.after(Math.max(0, at - surroundings.now()), () => {
            this.#mailbox.wake = null;
            this.#happen({ type: 'woke' });
          });
  }

  readonly #changed = (transaction: Y.Transaction): void => {
    let added = holdingsOfTransaction(transaction);
    if (this.#noteWaiting()) added = unite(added, waitingIn(this.#options.doc));
    const { origin } = transaction;
    const own = transaction.local || (this.#options.isOwn?.(origin) ?? false);
    const onDevice = this.#options.isOfDevice?.(origin) ?? false;
    if (!isNothing(added)) this.#happen({ type: 'changed', own, onDevice, added });
  };

  readonly #updated = (
    update: Uint8Array,
    _origin: unknown,
    _doc: Y.Doc,
    transaction: Y.Transaction,
  ): void => {
    if (!this.#options.keys.writer) return;
    if (transaction.local) this.#handOn(update);
    else if (this.#options.isOwn?.(transaction.origin)) this.#arriving.hold(update);
  };

  /** It was done on this device: it goes out at once, and is made ready for the moment in which the page ends. */
  #handOn(update: Uint8Array): void {
    this.#live?.changed(update);
    this.#options.transport.prepare?.();
    this.#standby.changed(update);
  }

  /** Whether something else waits in the document now than before. */
  #noteWaiting(): boolean {
    const { pendingStructs, pendingDs } = this.#options.doc.store;
    const { structs, deletes } = this.#waiting;
    this.#waiting = { structs: pendingStructs?.update, deletes: pendingDs };
    const isOther = structs !== pendingStructs?.update || deletes !== pendingDs;
    if (isOther) this.#happen({ type: 'waits', incomplete: pendingStructs !== null || pendingDs !== null });
    return isOther;
  }
}

/** What takes its time. */
type Deed = Exclude<MailboxEffect, { type: 'wake' | 'status' | 'give-up' }>;

/** What the engine hears of an answer that this code could not deal with. */
const FAILED = { type: 'refused', code: 'relay/nonsense', retryAfter: null } as const;

/** A mistake of this code's: to be seen as one, and no reason to stop. */
function reportMistake(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
