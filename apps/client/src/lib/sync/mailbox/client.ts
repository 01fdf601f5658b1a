import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import {
  EMPTY_CHAIN,
  ENVELOPE_VERSION,
  EnvelopeError,
  extendChain,
  hashEnvelope,
  importVerifyKey,
  sealEnvelope,
  type EnvelopeHeader,
  type Position,
} from '@parley/signaling/envelope';
import type { AppendAnswer, Log, MailboxFrame } from '@parley/signaling/mailbox';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import {
  advanceMailbox,
  createMailbox,
  seenPosition,
  type CompactionThreshold,
  type Entry,
  type Mailbox,
  type MailboxEffect,
  type MailboxEvent,
} from './engine.ts';
import {
  extractUpdate,
  holdingsOf,
  holdingsOfTransaction,
  holdingsOfUpdate,
  isNothing,
  unite,
  waitingIn,
  type Holdings,
} from './holdings.ts';
import { chainAt, positionOf } from './known-log.ts';
import { LiveExchange } from './live.ts';
import { certifyWriter, openLog, openTold, type ReadingKeys } from './opening.ts';
import {
  MailboxRefusal,
  NOT_ASKED,
  type ChannelListener,
  type MailboxChannel,
  type MailboxStatus,
  type MailboxStorage,
  type MailboxTransport,
  type Surroundings,
} from './ports.ts';
import { restoreMailbox, storeDoubt, storeLog, storeOutbox, type StoredMailbox } from './stored.ts';

export type { StoredMailbox } from './stored.ts';

/** An update that ended badly so often while it was applied alone is quarantined. Once could be a page that was closed. */
const LONE_ATTEMPTS = 3;

/** How long a new position waits until it is told to others, in milliseconds. */
const ANNOUNCE_AFTER = 3_000;

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
  #queued = 0;
  #isStopped = false;
  /** The envelopes that may be what ended badly the last time, and how often each did alone. */
  readonly #suspects = new Map<string, number>();
  #cancelWake: (() => void) | null = null;
  #cancelAnnouncement: (() => void) | null = null;
  #isKeepingLog = false;
  #owesLog = false;
  #keeping: Promise<void> = Promise.resolve();
  /** What the device did not take. */
  #unkept: Partial<StoredMailbox> = {};
  #waiting: { structs: unknown; deletes: unknown } = { structs: null, deletes: null };

  constructor(options: MailboxClientOptions) {
    this.#options = options;
    this.#mailbox = createMailbox(options.keys.writer ? 'writer' : 'reader', options.compaction);
  }

  get status(): MailboxStatus {
    return this.#status;
  }

  /** Whether nothing is being done: all that is left is to wait for the relay, the device or the time. */
  get isIdle(): boolean {
    return this.#queued === 0;
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
    this.#noteWaiting();
    this.#options.awareness.on('change', this.#heardPresence);
    this.#happen({ type: 'started', held: holdingsOf(doc), remembered });
    this.#channel = this.#options.openChannel({
      up: () => {
        this.#live?.up();
        this.#happen({ type: 'up' });
      },
      down: () => this.#live?.down(),
      frame: (frame) => this.#enqueue(() => this.#receive(frame)),
    });
  }

  /** The device is online again. */
  online(): void {
    this.#happen({ type: 'online' });
  }

  /** The page is being hidden or left: what waits is sent at once. */
  flush(): void {
    this.#happen({ type: 'flush' });
  }

  /** Whom `reachesDirectly` says has changed. */
  reachChanged(): void {
    this.#live?.reachChanged();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#end();
    await this.#live?.stop();
    this.#channel?.close();
    await this.#queue;
  }

  #end(): void {
    const { doc, awareness } = this.#options;
    this.#isStopped = true;
    doc.off('afterTransaction', this.#changed);
    doc.off('updateV2', this.#updated);
    awareness.off('change', this.#heardPresence);
    this.#cancelWake?.();
    this.#cancelAnnouncement?.();
  }

  #poison(): void {
    this.#end();
    // What is on the relay can be told of a whole document only, and nothing more is asked or sent from here.
    const trouble = this.#status.trouble ?? 'relay/quarantined';
    this.#status = { ...this.#status, state: 'starting', onRelay: false, unreachableSince: null, trouble };
    this.#options.onStatus(this.#status);
    void this.#live?.stop().then(() => this.#channel?.close());
    this.#options.onPoisoned();
  }

  #openLive(readerKey: CryptoKey): LiveExchange {
    const { sessionId, awareness, keys, surroundings } = this.#options;
    return new LiveExchange({
      sessionId,
      awareness,
      surroundings,
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
      onUpdate: (update) => this.#applyLive(update),
      onPosition: (position) => this.#happen({ type: 'told-by-writer', position }),
      onDropped: () => this.#happen({ type: 'dropped', count: 1 }),
    });
  }

  /** What the device remembers; nothing where it keeps nothing, or nothing that this version can read: the log has it all. */
  async #remember() {
    try {
      const stored = await this.#options.storage.read();
      const { applying, quarantine = [] } = stored;
      const failed: string[] = [];
      for (const hash of applying?.hashes ?? []) {
        if (applying && applying.attempts >= LONE_ATTEMPTS) failed.push(hash);
        else this.#suspects.set(hash, applying?.attempts ?? 0);
      }
      if (failed.length > 0) await this.#keep({ applying: null, quarantine: [...quarantine, ...failed] });
      return restoreMailbox({ ...stored, quarantine: [...quarantine, ...failed] });
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

  #advance(event: MailboxEvent): MailboxEffect[] {
    const { surroundings } = this.#options;
    const before = this.#mailbox.log;
    const effects = advanceMailbox(this.#mailbox, event, {
      now: surroundings.now(),
      random: () => surroundings.random(),
    });
    if (this.#mailbox.log !== before) this.#announceSoon();
    return effects;
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queued += 1;
    this.#queue = this.#queue
      .then(() => (this.#isStopped ? undefined : task()))
      .catch(reportMistake)
      .finally(() => {
        this.#queued -= 1;
      });
  }

  async #performAll(effects: readonly MailboxEffect[]): Promise<void> {
    const due = [...effects];
    for (let effect = due.shift(); effect && !this.#isStopped; effect = due.shift()) {
      const event = await this.#attempt(effect);
      if (event) due.push(...this.#advance(event));
    }
  }

  /** Does it. Where this code makes a mistake, the engine hears of an attempt that came to nothing, and waits for no answer. */
  async #attempt(effect: MailboxEffect): Promise<MailboxEvent | null> {
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
  async #perform(effect: MailboxEffect): Promise<MailboxEvent | null> {
    const { transport } = this.#options;
    switch (effect.type) {
      case 'pull':
        this.#request(transport.pull(effect.after, effect.epoch), (log) => this.#pulled(log));
        return null;
      case 'append': {
        const { entries } = effect;
        this.#request(transport.append(entries.map(({ bytes }) => bytes)), (answer) =>
          this.#appended(answer, entries),
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
        if (effect.part === 'outbox') await this.#keep({ outbox: storeOutbox(this.#mailbox.outbox) });
        else if (effect.part === 'log') this.#keepLog();
        else await this.#keep({ log: storeDoubt(this.#mailbox) });
        return null;
      case 'wake':
        this.#wakeAt(effect.at);
        return null;
      case 'status':
        this.#status = effect.status;
        this.#options.onStatus(effect.status);
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

  async #appended(answer: AppendAnswer, entries: readonly Entry[]): Promise<void> {
    const { log } = this.#mailbox;
    let { seq, chain } = log?.epoch === answer.epoch ? positionOf(log) : { seq: 0, chain: EMPTY_CHAIN };
    const chains: string[] = [];
    for (const [index, { hash }] of entries.entries()) {
      seq += 1;
      if (answer.seqs[index] !== seq) break;
      chain = await extendChain(chain, hash);
      chains.push(chain);
    }
    const contradicted: string[] = [];
    for (const [index, { hash }] of entries.entries()) {
      const at = answer.seqs[index] ?? 0;
      const isRead = log?.epoch === answer.epoch && at > 0 && at <= log.seq;
      const [before, there] = isRead ? [chainAt(log, at - 1), chainAt(log, at)] : [null, null];
      const isOther = before !== null && there !== null && (await extendChain(before, hash)) !== there;
      if (isOther) contradicted.push(hash);
    }
    await this.#handle({ type: 'appended', answer, chains, contradicted });
  }

  async #seal(wanted: Holdings): Promise<MailboxEvent> {
    const update = extractUpdate(this.#options.doc, wanted);
    const sealed = update && (await this.#sealed({ ...this.#header(), kind: 'update' }, update));
    if (!update || !sealed) return { type: 'sealed', entry: null, isTooLarge: update !== null };
    const entry = { hash: await hashEnvelope(sealed), bytes: sealed, holdings: holdingsOfUpdate(update) };
    await this.#keep({ outbox: storeOutbox([...this.#mailbox.outbox, entry]) });
    return { type: 'sealed', entry, isTooLarge: false };
  }

  async #compact({
    prev,
    covers,
    chain,
    worth,
  }: Extract<MailboxEffect, { type: 'compact' }>): Promise<MailboxEvent | null> {
    const update = Uint8Array.from(Y.encodeStateAsUpdateV2(this.#options.doc));
    const header = { ...this.#header(), kind: 'snapshot' as const, prev, covers, chain };
    const sealed = update.length / 2 > worth ? null : await this.#sealed(header, update);
    if (!sealed) return { type: 'weighed', bytes: worth === Infinity ? Infinity : update.length };
    this.#request(this.#options.transport.putSnapshot(sealed), (answer) =>
      this.#handle({ type: 'compacted', answer, id: header.id }),
    );
    return null;
  }

  #header() {
    const { sessionId, surroundings } = this.#options;
    const id = encodeBase64url(surroundings.randomBytes(16));
    return { version: ENVELOPE_VERSION, sessionId, id, seen: seenPosition(this.#mailbox) };
  }

  /** Null for what is larger than an envelope can be. */
  async #sealed(
    header: EnvelopeHeader,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const { keys, surroundings } = this.#options;
    const signingKey = (keys.writer ?? keys.reader).privateKey;
    const nonce = surroundings.randomBytes(12);
    try {
      return await sealEnvelope(header, content, { contentKey: keys.contentKey, signingKey }, nonce);
    } catch (error) {
      if (error instanceof EnvelopeError && error.code === 'envelope/too-large') return null;
      throw error;
    }
  }

  /** Applies what came, under a mark that says so ([SY16]). What is under suspicion is applied alone. */
  async #apply(items: Extract<MailboxEffect, { type: 'apply' }>['items']): Promise<MailboxEvent | null> {
    const results = new Map<string, Holdings | null>();
    const rest = [...items];
    while (rest.length > 0) {
      const suspect = rest.findIndex(({ hash }) => this.#suspects.has(hash));
      const batch = rest.splice(0, suspect === -1 ? rest.length : Math.max(1, suspect));
      if (!(await this.#applyMarked(batch, results))) return null;
    }
    return { type: 'applied', results };
  }

  async #applyMarked(
    batch: Extract<MailboxEffect, { type: 'apply' }>['items'],
    results: Map<string, Holdings | null>,
  ): Promise<boolean> {
    const [first] = batch;
    const isAlone = first !== undefined && this.#suspects.has(first.hash);
    const attempts = isAlone ? (this.#suspects.get(first.hash) ?? 0) + 1 : 0;
    await this.#keep({ applying: { hashes: batch.map(({ hash }) => hash), attempts } });
    const failed: string[] = [];
    for (const { hash, update } of batch) {
      if (this.#isStopped) return false;
      const holdings = readUpdate(update);
      results.set(hash, holdings);
      if (!holdings) failed.push(hash);
      else if (!this.#applyTo(update)) {
        // Among several it may be another's fault: it is applied alone next time, and left out if it fails again.
        if (isAlone) await this.#keep({ applying: null, quarantine: [...this.#mailbox.quarantine, hash] });
        else await this.#keep({ applying: { hashes: [hash], attempts: 0 } });
        this.#poison();
        return false;
      }
      this.#suspects.delete(hash);
    }
    const quarantine = failed.length > 0 ? { quarantine: [...this.#mailbox.quarantine, ...failed] } : {};
    await this.#keep({ applying: null, ...quarantine });
    return true;
  }

  #applyTo(update: Uint8Array<ArrayBuffer>): boolean {
    try {
      Y.applyUpdateV2(this.#options.doc, update, this);
      return true;
    } catch {
      // Whatever it was: the document may be half changed, and the caller sees to that.
      this.#options.onBroken?.();
      return false;
    }
  }

  #applyLive(update: Uint8Array<ArrayBuffer>): void {
    if (this.#isStopped) return;
    if (!readUpdate(update)) this.#happen({ type: 'dropped', count: 1 });
    else if (!this.#applyTo(update)) this.#poison();
  }

  /** Keeps the log as it is now, once the document is committed as it is now ([SY6]). */
  #keepLog(): void {
    this.#owesLog = true;
    if (this.#isKeepingLog) return;
    this.#isKeepingLog = true;
    void this.#keepLogs().finally(() => {
      this.#isKeepingLog = false;
    });
  }

  async #keepLogs(): Promise<void> {
    while (this.#owesLog && !this.#isStopped) {
      this.#owesLog = false;
      // Yjs hands nothing on to the device of what still waits for something missing: it has to be read again next time.
      if (!isNothing(waitingIn(this.#options.doc))) return;
      const { forgotten } = this.#mailbox;
      const log = storeLog(this.#mailbox);
      // If it is not committed, it is the next position's turn: what was read twice does no harm.
      const isCommitted = await this.#options.committed();
      if (isCommitted && forgotten === this.#mailbox.forgotten) await this.#keep({ log });
    }
  }

  #keep(parts: Partial<StoredMailbox>): Promise<void> {
    this.#keeping = this.#keeping.then(() => this.#write(parts));
    return this.#keeping;
  }

  /** Writes them, along with those that the device did not take before: a log without its outbox would tell another story. */
  async #write(parts: Partial<StoredMailbox>): Promise<void> {
    if (this.#isStopped) return;
    const all = { ...this.#unkept, ...parts };
    try {
      await this.#options.storage.write(all);
      this.#unkept = {};
    } catch {
      // A device that keeps nothing asks the log for everything next time. Sending and receiving go on.
      this.#unkept = all;
    }
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
    const { local: own, origin } = transaction;
    const onDevice = this.#options.isOfDevice?.(origin) ?? false;
    if (!isNothing(added)) this.#happen({ type: 'changed', own, onDevice, added });
  };

  readonly #updated = (
    update: Uint8Array,
    _origin: unknown,
    _doc: Y.Doc,
    transaction: Y.Transaction,
  ): void => {
    if (transaction.local) this.#live?.changed(update);
  };

  /** Whether something else waits in the document now than before. */
  #noteWaiting(): boolean {
    const { pendingStructs, pendingDs } = this.#options.doc.store;
    const { structs, deletes } = this.#waiting;
    this.#waiting = { structs: pendingStructs?.update, deletes: pendingDs };
    return structs !== pendingStructs?.update || deletes !== pendingDs;
  }

  /** Tells the others who are present where this client sees the mailbox: those who see it otherwise find out ([SY9]). */
  #announceSoon(): void {
    const { awareness, surroundings } = this.#options;
    this.#cancelAnnouncement ??= surroundings.after(ANNOUNCE_AFTER, () => {
      this.#cancelAnnouncement = null;
      awareness.setLocalStateField('mailbox', seenPosition(this.#mailbox));
    });
  }

  readonly #heardPresence = (
    { added, updated }: { added: number[]; updated: number[] },
    origin: unknown,
  ): void => {
    if (origin === 'local' || origin === this) return;
    const states = this.#options.awareness.getStates();
    for (const client of [...added, ...updated]) {
      const { mailbox, viewer } = states.get(client) ?? {};
      const position = viewer === true ? null : parsePosition(mailbox);
      if (position) this.#happen({ type: 'told-by-writer', position });
    }
  };
}

/** What the engine hears of an answer that this code could not deal with. */
const FAILED = { type: 'refused', code: 'relay/nonsense', retryAfter: null } as const;

/** A mistake of this code's: to be seen as one, and no reason to stop. */
function reportMistake(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** What an update brings, or null where it is none. */
function readUpdate(update: Uint8Array<ArrayBuffer>): Holdings | null {
  try {
    return holdingsOfUpdate(update);
  } catch {
    return null;
  }
}

function parsePosition(value: unknown): Position | null {
  if (typeof value !== 'object' || value === null) return null;
  const { epoch, seq, chain } = value as Record<string, unknown>;
  const isPosition =
    typeof epoch === 'string' &&
    /^[\w-]{22}$/.test(epoch) &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    seq >= 0 &&
    typeof chain === 'string' &&
    /^[\w-]{43}$/.test(chain);
  return isPosition ? { epoch, seq, chain } : null;
}
