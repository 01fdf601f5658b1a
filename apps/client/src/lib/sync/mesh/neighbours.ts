import { drawPause } from '@parley/signaling/back-off';
import * as encoding from 'lib0/encoding';
import { encodeAwarenessUpdate } from 'y-protocols/awareness';
import { writeUpdate } from 'y-protocols/sync';
import type * as Y from 'yjs';
import { ArrivingUpdates } from '../arriving.ts';
import { decodeOwn, encodeOwn } from './messages.ts';
import type { MeshOptions } from './mesh.ts';
import { PassingOn, RELAY, type CatchUp } from './passing-on.ts';
import type Peer from './peer.ts';
import type { PeerHooks } from './peer-hooks.ts';

/** y-webrtc's numbers for messages of the sync and the awareness protocol. */
const SYNC = 0;
const AWARENESS = 1;

/** Neighbours are told whom one reaches so late, in milliseconds: others may come or go along with the first. */
const TELL_AFTER = 500;

/** The first and the longest span out of which the pause is drawn after two could not connect, in milliseconds. */
const RETRY = { first: 4_000, longest: 300_000 } as const;

/**
 * Those whom the mesh is connected to. What the document and the awareness emit is passed on here, to those who do not get it otherwise
 * ({@link PassingOn}).
 */
export class Neighbours {
  readonly #options: Omit<MeshOptions, 'hub' | 'room' | 'password'>;
  readonly #peers = new Map<string, Peer>();
  #passing = new PassingOn();
  /** This device hears what goes through the relay. */
  #isRelayReached = false;
  /** From whom y-webrtc is being handed a message right now, and what the document has emitted on that. */
  #reading: { readonly from: string; updates: Uint8Array[] } | null = null;
  #cancelTell: (() => void) | null = null;
  /** How often it came to no connection, by name. */
  readonly #failures = new Map<string, number>();
  /** Updates that came another way than through the mesh a moment ago. */
  readonly #arriving = new ArrivingUpdates((updates) => {
    for (const update of updates) this.#passOn(update, null);
  });
  /** Updates that came through the relay a moment ago. */
  readonly #arrivingByRelay = new ArrivingUpdates((updates) => {
    for (const update of updates) this.#passOn(update, RELAY);
  });

  constructor(options: Omit<MeshOptions, 'hub' | 'room' | 'password'>) {
    this.#options = options;
    options.doc.on('update', this.#updated);
    options.awareness.on('update', this.#presenceUpdated);
  }

  get(name: string): Peer | undefined {
    return this.#peers.get(name);
  }

  /** Something has brought them back together: time, or a network. */
  wake(): void {
    for (const peer of this.#peers.values()) peer.wake();
  }

  /** Whether this device hears what goes through the relay. */
  relayReached(isReached: boolean): void {
    if (isReached === this.#isRelayReached) return;
    this.#isRelayReached = isReached;
    if (isReached) {
      this.#passing.connect(RELAY, false);
      this.#tellSoon();
      return;
    }
    this.#catchUp(this.#passing.disconnect(RELAY, this.#options.surroundings.now()));
    // Nobody gives again by themselves what goes through it in the meantime, however soon it is back.
    this.#tell();
  }

  /** What y-webrtc is reading right now could not be applied to its end ([SY16]): nothing of it is passed on. */
  discard(): void {
    if (this.#reading) this.#reading.updates = [];
  }

  /** All are left: their connections are about to be closed. */
  clear(): void {
    this.#peers.clear();
    this.#failures.clear();
    this.#passing = new PassingOn();
    if (this.#isRelayReached) this.#passing.connect(RELAY, false);
    this.#cancelTell?.();
    this.#cancelTell = null;
  }

  /** Passes on nothing more, of what it holds either. */
  stop(): void {
    const { doc, awareness } = this.#options;
    doc.off('update', this.#updated);
    awareness.off('update', this.#presenceUpdated);
    this.clear();
  }

  /** What connections tell. */
  readonly hooks: PeerHooks = {
    ice: () => this.#options.ice(),
    after: (milliseconds, action) => this.#options.surroundings.after(milliseconds, action),
    pauseAfter: ({ name }) => {
      const failures = this.#failures.get(name) ?? 0;
      this.#failures.set(name, failures + 1);
      return drawPause(failures, RETRY.first, RETRY.longest, this.#options.surroundings.random);
    },
    onOpen: (peer) => {
      this.#failures.delete(peer.name);
      // One that is opened anew was lost in between: others may lack what it said last.
      this.#catchUp(this.#passing.disconnect(peer.name, this.#options.surroundings.now()));
      this.#peers.set(peer.name, peer);
      this.#passing.connect(peer.name, peer.isOwn);
      this.#tellSoon();
      this.#options.onReach();
    },
    onReach: () => this.#options.onReach(),
    onClose: (peer) => {
      if (this.#peers.get(peer.name) !== peer) return;
      this.#peers.delete(peer.name);
      this.#catchUp(this.#passing.disconnect(peer.name, this.#options.surroundings.now()));
      this.#tellSoon();
      this.#options.onReach();
    },
    onData: (peer, read) => this.#read(peer.name, read),
    onOwn: (peer, bytes) => {
      const own = decodeOwn(bytes);
      if (own?.kind === 'message') this.#options.onMessage(peer.name, own.content);
      else if (own) this.#catchUp(this.#passing.learn(peer.name, own.news, this.#options.surroundings.now()));
    },
  };

  #read(from: string, read: () => void): void {
    const reading = { from, updates: [] as Uint8Array[] };
    this.#reading = reading;
    try {
      read();
    } catch {
      // Not a message of y-webrtc's, or one that ends in the middle. What it brought all the same is whole in itself.
    } finally {
      this.#reading = null;
    }
    for (const update of reading.updates) this.#passOn(update, from);
  }

  readonly #updated = (
    update: Uint8Array,
    origin: unknown,
    _doc: Y.Doc,
    transaction: Y.Transaction,
  ): void => {
    if (transaction.local) this.#passOn(update, null);
    else if (this.#reading) this.#reading.updates.push(update);
    else if (this.#options.isOfRelay(origin)) this.#arrivingByRelay.hold(update);
    else this.#arriving.hold(update);
  };

  readonly #presenceUpdated = (
    { added, updated, removed }: Record<'added' | 'updated' | 'removed', readonly number[]>,
    origin: unknown,
  ): void => {
    // Everybody notices by themselves who has not been heard for long; those who have heard them are right.
    if (origin === 'timeout') return;
    const { awareness } = this.#options;
    const changed = [...added, ...updated, ...removed];
    const own = changed.filter((client) => client === awareness.clientID);
    const others = changed.filter((client) => client !== awareness.clientID);
    // What somebody else said about this one is corrected to everybody.
    this.#sendPresence(own, null);
    this.#sendPresence(others, this.#reading?.from ?? (this.#options.isOfRelay(origin) ? RELAY : null));
  };

  #sendPresence(clients: readonly number[], source: string | null): void {
    const recipients = this.#passing.recipients(source);
    if (clients.length === 0 || recipients.length === 0) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, AWARENESS);
    encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.#options.awareness, [...clients]));
    this.#sendAll(recipients, Uint8Array.from(encoding.toUint8Array(encoder)));
  }

  #passOn(update: Uint8Array, source: string | null): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    writeUpdate(encoder, update);
    const message = Uint8Array.from(encoding.toUint8Array(encoder));
    this.#sendAll(this.#passing.recipients(source), message);
    if (source !== null) this.#passing.keep(source, message, this.#options.surroundings.now());
  }

  #sendAll(names: readonly string[], message: Uint8Array<ArrayBuffer>): void {
    for (const name of names) this.#peers.get(name)?.send(message);
  }

  #catchUp(catchUps: CatchUp): void {
    for (const [name, messages] of catchUps) {
      const neighbour = this.#peers.get(name);
      // A connection that is made anew begins with what the other one lacks.
      if (messages === 'anew') neighbour?.destroy();
      else for (const message of messages) neighbour?.send(Uint8Array.from(message));
    }
  }

  #tellSoon(): void {
    this.#cancelTell ??= this.#options.surroundings.after(TELL_AFTER, () => this.#tell());
  }

  #tell(): void {
    this.#cancelTell?.();
    this.#cancelTell = null;
    for (const [name, news] of this.#passing.takeNews()) {
      this.#peers.get(name)?.send(encodeOwn({ kind: 'reach', news }));
    }
  }
}
