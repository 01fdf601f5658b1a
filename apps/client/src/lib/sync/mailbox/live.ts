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
  /** So long the channel may be down until who is reached through it alone counts as gone. */
  outage: 5_000,
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
  /** It has said goodbye. */
  isGone: boolean;
}

/** What reaches those who are there now through the relay alone ([SY20], [SY21]). Nothing of it is kept. */
export class LiveExchange {
  readonly #options: LiveOptions;
  readonly #sender: string;
  readonly #senders = new Map<string, Sender>();
  #counter = 0;
  #isUp = false;
  /** The channel has been down for so long that nobody is reached through it. */
  #isCutOff = false;
  #isStopped = false;
  /** What takes the last presence back, sealed along with it: a page that goes away has no time for that. */
  #goodbye: Uint8Array<ArrayBuffer> | null = null;
  #changes: Uint8Array[] = [];
  #lastPresence = -Infinity;
  #lastState = '';
  #lastChanges = -Infinity;
  #cancelPresence: (() => void) | null = null;
  #cancelChanges: (() => void) | null = null;
  #cancelHeartbeat: (() => void) | null = null;
  #cancelOutage: (() => void) | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#sender = encodeBase64url(options.surroundings.randomBytes(16));
    options.awareness.on('change', this.#presenceChanged);
  }

  /** The channel is subscribed, for the first time or again. */
  up(): void {
    this.#isUp = true;
    this.#isCutOff = false;
    this.#cancelOutage?.();
    this.#cancelOutage = null;
    // Only who is new, or is back, is answered.
    if (this.#hasLostSomebody()) this.#sayGoodbye();
    this.#sendPresenceSoon();
  }

  down(): void {
    this.#isUp = false;
    this.#cancelOutage ??= this.#options.surroundings.after(LIVE.outage, () => {
      this.#isCutOff = true;
      this.#letGo();
    });
  }

  /** The writer's key is known now: what others answer can be believed. */
  keyKnown(): void {
    this.#sendPresenceSoon();
  }

  /** Whom this person reaches directly has changed. */
  reachChanged(): void {
    if (this.#isCutOff) this.#letGo();
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

  /** The page is going away, and may come back: says goodbye, at once, to those who would not notice otherwise. */
  leave(): void {
    if (this.#isNeeded()) this.#sayGoodbye();
  }

  /** Says goodbye, if the channel is still there, and ends. */
  stop(): void {
    if (this.#isStopped) return;
    this.#options.awareness.off('change', this.#presenceChanged);
    for (const cancel of [
      this.#cancelPresence,
      this.#cancelChanges,
      this.#cancelHeartbeat,
      this.#cancelOutage,
    ])
      cancel?.();
    this.leave();
    this.#isStopped = true;
    this.#letGo();
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

  /** Whether somebody who was heard not long ago, and has not said goodbye, is present here no more. */
  #hasLostSomebody(): boolean {
    const now = this.#options.surroundings.now();
    const states = this.#options.awareness.getStates();
    return [...this.#senders.values()].some(
      ({ client, expires, isGone }) => expires > now && !isGone && !states.has(client),
    );
  }

  #sayGoodbye(): void {
    if (this.#isUp && this.#goodbye) this.#options.send(this.#goodbye);
    this.#goodbye = null;
  }

  /** Those who are reached through the relay only count as present no more. */
  #letGo(): void {
    const clients = [...this.#senders.values()].map(({ client }) => client);
    this.#forget(clients.filter((client) => !this.#isDirect(client)));
  }

  /** Takes states away, here alone: the mesh, which passes on what is updated, has others who may well hear them. */
  #forget(clients: readonly number[]): void {
    const { awareness, origin } = this.#options;
    const removed = clients.filter((client) => awareness.getStates().delete(client));
    // Whatever brings one back is news.
    for (const client of removed) awareness.meta.delete(client);
    if (removed.length > 0) awareness.emit('change', [{ added: [], updated: [], removed }, origin]);
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
    const { keys, surroundings, send } = this.#options;
    // Those who answer a viewer that cannot verify them yet would not be seen.
    if (!this.#isUp || this.#isStopped || !keys.writerKey()) return;
    this.#lastPresence = surroundings.now();
    this.#lastState = textOf(state);
    const [presence, goodbye] = await Promise.all([
      this.#sealPresence(state),
      state && this.#sealPresence(null),
    ]);
    if (!this.#isUp || this.#isStopped) return;
    this.#goodbye = goodbye;
    send(presence);
    this.#beat();
  }

  #sealPresence(state: Record<string, unknown> | null): Promise<Uint8Array<ArrayBuffer>> {
    const { sessionId, awareness, keys, surroundings } = this.#options;
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
    return this.#seal(header, Uint8Array.from(encodeAwarenessUpdate(awareness, [clientID], states)));
  }

  async #sendChanges(): Promise<void> {
    if (!this.#isUp || this.#isStopped || this.#changes.length === 0) return;
    const { sessionId, surroundings, send } = this.#options;
    const update = Y.mergeUpdatesV2(this.#changes.splice(0));
    if (update.length > LIVE.changeBytes) return;
    this.#lastChanges = surroundings.now();
    const sealed = await this.#seal(this.#header('update' as const, sessionId), Uint8Array.from(update));
    if (this.#isUp && !this.#isStopped) send(sealed);
  }

  #header<Kind extends string>(kind: Kind, sessionId: string) {
    const id = encodeBase64url(this.#options.surroundings.randomBytes(16));
    return { version: 1, kind, sessionId, id, seen: this.#options.seen() };
  }

  #seal(
    header: Parameters<typeof sealEnvelope>[0],
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { keys, surroundings } = this.#options;
    return sealEnvelope(header, content, keys, surroundings.randomBytes(12));
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
    const now = this.#options.surroundings.now();
    for (const [id, { client, expires }] of this.#senders) {
      if (expires <= now && !this.#isDirect(client)) this.#forget([client]);
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
    // No reason to suspect anybody: their clock may be wrong.
    if (header.expires + LIVE.skew < now) return true;
    if (known && counter <= known.counter) return false;
    const key = role === 'writer' ? keys.writerKey() : keys.readerKey;
    if (!key) return true;
    if (!(await verifyEnvelope(envelope, key))) return false;
    const content = await openEnvelope(envelope, keys.contentKey);
    const presence = readPresence(content);
    if (!presence) return false;
    const { client } = presence;
    if (client === awareness.clientID || (known && (known.client !== client || known.role !== role)))
      return false;
    if (role === 'reader' && this.#isTaken(client, sender)) return false;
    if (role === 'writer') this.#evict(client);
    if (!known && !this.#makeRoom(role)) return true;
    const expires = now + LIVE.lasts;
    this.#senders.set(sender, { client, role, counter, expires, isGone: presence.isGone });
    const isBack = !awareness.getStates().has(client);
    // It is newer than what took the state away, whatever the awareness's own clock says.
    if (isBack) awareness.meta.delete(client);
    const marked =
      role === 'reader'
        ? modifyAwarenessUpdate(content, (state: unknown) =>
            state === null ? null : { ...(state as object), viewer: true },
          )
        : content;
    applyAwarenessUpdate(awareness, marked, origin);
    if (role === 'writer' && seen) onPosition(seen);
    // Whoever is new to this one, or was away, has not heard of this one either.
    if ((!known || isBack) && !presence.isGone) this.#sendPresenceSoon();
    this.#beat();
    return true;
  }

  /**
   * Whether a client id is somebody else's already, whom a viewer must not speak for. A state with the mark of a viewer is none of a
   * writer's: the mesh passes on what came to others through the relay.
   */
  #isTaken(client: number, by: string): boolean {
    const isSent = [...this.#senders].some(([id, sender]) => id !== by && sender.client === client);
    const state = this.#options.awareness.getStates().get(client);
    return isSent || (state !== undefined && state['viewer'] !== true);
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
    this.#forget([client]);
    return true;
  }

  /** A viewer that uses a writer's client id gives way, whichever way its state came. */
  #evict(client: number): void {
    for (const [id, sender] of this.#senders) {
      if (sender.client === client && sender.role === 'reader') this.#senders.delete(id);
    }
    if (this.#options.awareness.getStates().get(client)?.['viewer'] === true) this.#forget([client]);
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
