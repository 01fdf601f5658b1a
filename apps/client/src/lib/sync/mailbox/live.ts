import { encodeBase64url } from '@parley/signaling/base64url';
import {
  EnvelopeError,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
  verifyEnvelope,
  type Envelope,
  type Position,
} from '@parley/signaling/envelope';
import * as decoding from 'lib0/decoding';
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  modifyAwarenessUpdate,
  removeAwarenessStates,
  type Awareness,
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { Surroundings } from './ports.ts';

/** Presence and changes through the relay, in milliseconds and bytes. */
const LIVE = {
  /** Between two presences, and between two live changes. */
  presenceEvery: 100,
  changesEvery: 40,
  /** Somebody who can only be reached through the relay hears at least so often that one is there. */
  heartbeat: 25_000,
  /** So long a presence lasts. */
  lasts: 60_000,
  /** Clocks differ: a presence that has ended by less than this may be news. */
  skew: 60_000,
  /** The largest live change. A larger one arrives through the log. */
  changeBytes: 24 * 1024,
  /** So many senders are remembered, and so many viewers of them. */
  senders: 200,
  readers: 100,
} as const;

export interface LiveOptions {
  readonly sessionId: string;
  readonly awareness: Awareness;
  readonly keys: {
    readonly contentKey: CryptoKey;
    readonly signingKey: CryptoKey;
    readonly role: 'writer' | 'reader';
    readonly readerKey: CryptoKey;
    /** null as long as it is not known. */
    writerKey(): CryptoKey | null;
  };
  readonly surroundings: Surroundings;
  /** Of what is applied to the awareness. */
  readonly origin: unknown;
  seen(): Position | null;
  send(envelope: Uint8Array<ArrayBuffer>): void;
  reachesDirectly(state: Record<string, unknown>): boolean;
  /** Runs one thing after the other. */
  enqueue(task: () => Promise<void>): void;
  /** @param envelope the change as it came */
  onUpdate(envelope: Uint8Array<ArrayBuffer>, update: Uint8Array<ArrayBuffer>): Promise<void>;
  onPosition(position: Position): void;
  onDropped(): void;
}

/** Somebody whose presence came through the relay. */
interface Sender {
  readonly client: number;
  readonly role: 'writer' | 'reader';
  counter: number;
  /** When its presence ends, by this device's clock. */
  expires: number;
}

/** What reaches those who are there now through the relay alone ([SY20], [SY21]). Nothing of it is kept. */
export class LiveExchange {
  readonly #options: LiveOptions;
  readonly #sender: string;
  readonly #senders = new Map<string, Sender>();
  #counter = 0;
  #isUp = false;
  #isStopped = false;
  #changes: Uint8Array[] = [];
  #lastPresence = -Infinity;
  #lastState = '';
  #lastChanges = -Infinity;
  #cancelPresence: (() => void) | null = null;
  #cancelChanges: (() => void) | null = null;
  #cancelHeartbeat: (() => void) | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#sender = encodeBase64url(options.surroundings.randomBytes(16));
    options.awareness.on('change', this.#presenceChanged);
  }

  /** The channel is subscribed, for the first time or again. */
  up(): void {
    this.#isUp = true;
    this.#sendPresenceSoon();
  }

  down(): void {
    this.#isUp = false;
  }

  /** The writer's key is known now: what others answer can be believed. */
  keyKnown(): void {
    this.#sendPresenceSoon();
  }

  /** Whom this person reaches directly has changed. */
  reachChanged(): void {
    if (this.#isNeeded()) this.#sendPresenceSoon();
    this.#beat();
  }

  /** A change was made here. */
  changed(update: Uint8Array): void {
    if (!this.#isUp || this.#options.keys.role === 'reader' || !this.#isNeeded()) return;
    this.#changes.push(update);
    const { surroundings } = this.#options;
    const wait = Math.max(0, this.#lastChanges + LIVE.changesEvery - surroundings.now());
    this.#cancelChanges ??= surroundings.after(Math.min(wait, LIVE.changesEvery), () => {
      this.#cancelChanges = null;
      this.#options.enqueue(() => this.#sendChanges());
    });
  }

  /** A live envelope came, from anybody who may read. */
  async receive(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const envelope = parseEnvelope(bytes);
      const isGood =
        envelope.header.sessionId === this.#options.sessionId &&
        ((envelope.header.kind === 'presence' && (await this.#receivePresence(envelope))) ||
          (envelope.header.kind === 'update' && (await this.#receiveUpdate(envelope, bytes))) ||
          envelope.header.kind === 'unknown');
      if (!isGood) this.#options.onDropped();
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      if (error.code !== 'envelope/version') this.#options.onDropped();
    }
  }

  /** Says goodbye, if the channel is still there, and ends. */
  async stop(): Promise<void> {
    const { awareness, origin } = this.#options;
    awareness.off('change', this.#presenceChanged);
    for (const cancel of [this.#cancelPresence, this.#cancelChanges, this.#cancelHeartbeat]) cancel?.();
    if (this.#isUp && this.#isNeeded()) await this.#sendPresence(null);
    this.#isStopped = true;
    const clients = [...this.#senders.values()].map(({ client }) => client);
    removeAwarenessStates(
      awareness,
      clients.filter((client) => !this.#isDirect(client)),
      origin,
    );
  }

  readonly #presenceChanged = (
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void => {
    const { awareness } = this.#options;
    const isOwn = origin === 'local' && [...added, ...updated, ...removed].includes(awareness.clientID);
    // Where it sees the mailbox is in the header of all that it sends.
    const isNews = textOf(awareness.getLocalState()) !== this.#lastState;
    if (isOwn && isNews && this.#isNeeded()) this.#sendPresenceSoon();
  };

  #isDirect(client: number): boolean {
    const state = this.#options.awareness.getStates().get(client);
    return state !== undefined && this.#options.reachesDirectly(state);
  }

  /** Whether somebody is there who can be reached through the relay only. */
  #isNeeded(): boolean {
    const now = this.#options.surroundings.now();
    const { awareness } = this.#options;
    return [...this.#senders.values()].some(
      ({ client, expires }) => expires > now && awareness.getStates().has(client) && !this.#isDirect(client),
    );
  }

  #sendPresenceSoon(): void {
    if (this.#isStopped) return;
    const { surroundings } = this.#options;
    const wait = Math.max(0, this.#lastPresence + LIVE.presenceEvery - surroundings.now());
    this.#cancelPresence ??= surroundings.after(Math.min(wait, LIVE.presenceEvery), () => {
      this.#cancelPresence = null;
      this.#options.enqueue(() => this.#sendPresence(this.#options.awareness.getLocalState()));
    });
  }

  async #sendPresence(state: Record<string, unknown> | null): Promise<void> {
    const { sessionId, awareness, keys, surroundings } = this.#options;
    // Those who answer a viewer that cannot verify them yet would not be seen.
    if (!this.#isUp || this.#isStopped || !keys.writerKey()) return;
    this.#lastPresence = surroundings.now();
    this.#lastState = textOf(state);
    this.#counter += 1;
    const header = {
      ...this.#header('presence' as const, sessionId),
      role: keys.role,
      sender: this.#sender,
      counter: this.#counter,
      expires: surroundings.now() + LIVE.lasts,
    };
    const { clientID } = awareness;
    const states = new Map(state === null ? [] : [[clientID, state] as const]);
    await this.#seal(header, Uint8Array.from(encodeAwarenessUpdate(awareness, [clientID], states)));
    this.#beat();
  }

  async #sendChanges(): Promise<void> {
    if (!this.#isUp || this.#isStopped || this.#changes.length === 0) return;
    const { sessionId, surroundings } = this.#options;
    const update = Y.mergeUpdatesV2(this.#changes.splice(0));
    if (update.length > LIVE.changeBytes) return;
    this.#lastChanges = surroundings.now();
    await this.#seal(this.#header('update' as const, sessionId), Uint8Array.from(update));
  }

  #header<Kind extends string>(kind: Kind, sessionId: string) {
    const id = encodeBase64url(this.#options.surroundings.randomBytes(16));
    return { version: 1, kind, sessionId, id, seen: this.#options.seen() };
  }

  async #seal(header: Parameters<typeof sealEnvelope>[0], content: Uint8Array<ArrayBuffer>): Promise<void> {
    const { keys, surroundings, send } = this.#options;
    const sealed = await sealEnvelope(header, content, keys, surroundings.randomBytes(12));
    if (this.#isUp && !this.#isStopped) send(sealed);
  }

  /** While it is needed, one presence every so often; and those who are heard no more are let go. */
  #beat(): void {
    if (this.#isStopped || this.#cancelHeartbeat || this.#senders.size === 0) return;
    this.#cancelHeartbeat = this.#options.surroundings.after(LIVE.heartbeat, () => {
      this.#cancelHeartbeat = null;
      this.#expire();
      if (this.#isNeeded()) this.#sendPresenceSoon();
      this.#beat();
    });
  }

  #expire(): void {
    const { awareness, surroundings, origin } = this.#options;
    const now = surroundings.now();
    for (const [id, { client, expires }] of this.#senders) {
      if (expires <= now && !this.#isDirect(client)) removeAwarenessStates(awareness, [client], origin);
      // Its counter is remembered for as long as an old presence could still pass.
      if (expires + 2 * LIVE.skew <= now) this.#senders.delete(id);
    }
  }

  async #receiveUpdate(envelope: Envelope, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { keys, onUpdate, onPosition } = this.#options;
    const writerKey = keys.writerKey();
    // Not known yet, as for a viewer before the first pull: the change comes with the log.
    if (!writerKey) return true;
    if (!(await verifyEnvelope(envelope, writerKey))) return false;
    const update = await openEnvelope(envelope, keys.contentKey);
    if (envelope.header.seen) onPosition(envelope.header.seen);
    await onUpdate(bytes, update);
    return true;
  }

  async #receivePresence(envelope: Envelope): Promise<boolean> {
    const { header } = envelope;
    if (header.kind !== 'presence') return false;
    const { awareness, keys, surroundings, origin, onPosition } = this.#options;
    const { sender, role, counter, seen } = header;
    if (sender === this.#sender) return true;
    const now = surroundings.now();
    const known = this.#senders.get(sender);
    if (header.expires + LIVE.skew < now || (known && counter <= known.counter)) return false;
    const key = role === 'writer' ? keys.writerKey() : keys.readerKey;
    if (!key) return true;
    if (!(await verifyEnvelope(envelope, key))) return false;
    const content = await openEnvelope(envelope, keys.contentKey);
    const presence = readPresence(content);
    if (!presence) return false;
    const { client } = presence;
    if (client === awareness.clientID || (known && (known.client !== client || known.role !== role)))
      return false;
    if (role === 'reader' && !known && this.#isTaken(client)) return false;
    if (role === 'writer') this.#evict(client, sender);
    if (!known && !this.#makeRoom(role)) return false;
    const expires = now + LIVE.lasts;
    this.#senders.set(sender, { client, role, counter, expires });
    const marked =
      role === 'reader'
        ? modifyAwarenessUpdate(content, (state: unknown) =>
            state === null ? null : { ...(state as object), viewer: true },
          )
        : content;
    applyAwarenessUpdate(awareness, marked, origin);
    if (role === 'writer' && seen) onPosition(seen);
    // Whoever is new to this one has not heard of this one either.
    if (!known && !presence.isGone) this.#sendPresenceSoon();
    this.#beat();
    return true;
  }

  /** Whether a client id is somebody's already, whom a viewer must not speak for. */
  #isTaken(client: number): boolean {
    const isSent = [...this.#senders.values()].some((sender) => sender.client === client);
    return isSent || this.#options.awareness.getStates().has(client);
  }

  /** Whether one more can be remembered. For a writer the viewer who has been there longest gives way. */
  #makeRoom(role: Sender['role']): boolean {
    const readers = [...this.#senders].filter(([, sender]) => sender.role === 'reader');
    if (role === 'reader') return readers.length < LIVE.readers && this.#senders.size < LIVE.senders;
    if (this.#senders.size < LIVE.senders) return true;
    const [oldest] = readers;
    if (!oldest) return false;
    const [id, { client }] = oldest;
    this.#senders.delete(id);
    removeAwarenessStates(this.#options.awareness, [client], this.#options.origin);
    return true;
  }

  /** A viewer that uses a writer's client id gives way. */
  #evict(client: number, by: string): void {
    const { awareness, origin } = this.#options;
    for (const [id, sender] of this.#senders) {
      if (sender.client !== client || id === by || sender.role === 'writer') continue;
      this.#senders.delete(id);
      removeAwarenessStates(awareness, [client], origin);
      // Else the viewer's count would outdo the writer's.
      awareness.meta.delete(client);
    }
  }
}

/** A state without what is told in another way. */
function textOf(state: Record<string, unknown> | null): string {
  return JSON.stringify(state && { ...state, mailbox: undefined });
}

/** Whose presence it is, or null if it is not that of exactly one client ([EN9]). */
function readPresence(content: Uint8Array): { client: number; isGone: boolean } | null {
  try {
    const decoder = decoding.createDecoder(content);
    const count = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    decoding.readVarUint(decoder);
    const state: unknown = JSON.parse(decoding.readVarString(decoder));
    const isState = typeof state === 'object' && !Array.isArray(state);
    return count === 1 && isState && !decoding.hasContent(decoder)
      ? { client, isGone: state === null }
      : null;
  } catch {
    // Neither lib0 nor JSON says more about bytes that are no presence.
    return null;
  }
}
