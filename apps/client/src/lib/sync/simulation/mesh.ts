import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { applyAwarenessUpdate, encodeAwarenessUpdate, type Awareness } from 'y-protocols/awareness';
import { readSyncMessage, writeSyncStep1 } from 'y-protocols/sync';
import { Assembly, OWN_MESSAGE, splitMessage } from '../mesh/chunks.ts';
import type Peer from '../mesh/peer.ts';
import type { VirtualClock } from './clock.ts';
import type { MeshNode } from './mesh-node.ts';
import type { SeededRandom } from './random.ts';

/** y-webrtc's numbers for messages of the sync and the awareness protocol. */
const SYNC = 0;
const AWARENESS = 1;

/** So long it can take until one end notices that a connection has ended, in milliseconds. */
const NOTICED_WITHIN = 8_000;

/**
 * The mesh between all: connections that carry messages in frames, in their order and without loss for as long as they last; what is
 * under way when one ends is lost, and its two ends notice that at different times. Whom it connects says `canConnect`.
 */
export class SimulatedMesh {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Frames take this long at most, in milliseconds. */
  delay = 80;
  readonly #canConnect: (one: unknown, other: unknown) => boolean;
  readonly #nodes = new Set<MeshNode>();
  readonly #connections = new Set<Connection>();
  #isLooking = false;
  /** Messages that were sent in more than one frame and arrived, and those that did not. */
  readonly counted = { whole: 0, torn: 0 };

  constructor(
    clock: VirtualClock,
    random: SeededRandom,
    canConnect: (one: unknown, other: unknown) => boolean,
  ) {
    this.clock = clock;
    this.random = random;
    this.#canConnect = canConnect;
  }

  join(node: MeshNode): void {
    this.#nodes.add(node);
    this.lookSoon();
  }

  leave(node: MeshNode): void {
    this.#nodes.delete(node);
    for (const connection of this.#connections) if (connection.joins(node)) connection.end(node);
  }

  /** Who can be connected with whom is different now. */
  change(): void {
    for (const connection of this.#connections) {
      const [one, other] = connection.ends;
      if (!this.#canConnect(one.node.page.holder, other.node.page.holder)) connection.end(null);
    }
    this.lookSoon();
  }

  /** Pairs that are connected, each with what it holds. */
  get connected(): readonly (readonly [MeshNode, MeshNode])[] {
    return [...this.#connections]
      .filter(({ isDead, ends }) => !isDead && ends.every(({ isConnected }) => isConnected))
      .map(({ ends: [one, other] }) => [one.node, other.node] as const);
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
    this.lookSoon();
  }

  /** Connects those who can be and are not, a moment later. */
  lookSoon(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.clock.after(this.random.between(50, 800), () => {
      this.#isLooking = false;
      const nodes = [...this.#nodes];
      for (const [index, one] of nodes.entries())
        for (const other of nodes.slice(index + 1))
          if (this.#isMissing(one, other)) this.#connect(one, other);
    });
  }

  #isMissing(one: MeshNode, other: MeshNode): boolean {
    return (
      ![one, other].some(({ page }) => page.isFrozen || page.isOver) &&
      this.#canConnect(one.page.holder, other.page.holder) &&
      ![...this.#connections].some((connection) => connection.joins(one) && connection.joins(other))
    );
  }

  #connect(one: MeshNode, other: MeshNode): void {
    const connection = new Connection(this, one, other);
    this.#connections.add(connection);
    this.clock.after(this.random.between(10, 300), () => connection.open());
  }
}

/** A connection of two tabs. */
class Connection {
  readonly ends: readonly [SimulatedPeer, SimulatedPeer];
  readonly mesh: SimulatedMesh;
  isDead = false;

  constructor(mesh: SimulatedMesh, one: MeshNode, other: MeshNode) {
    this.mesh = mesh;
    this.ends = [new SimulatedPeer(this, one, other), new SimulatedPeer(this, other, one)];
  }

  joins(node: MeshNode): boolean {
    return this.ends.some((end) => end.node === node);
  }

  open(): void {
    if (this.isDead) return;
    for (const end of this.ends) end.node.page.enter(() => end.open());
  }

  /** @param by who knows of it at once; null: nobody */
  end(by: MeshNode | null): void {
    if (this.isDead) return;
    this.isDead = true;
    const { clock, random } = this.mesh;
    for (const end of this.ends) {
      end.countTorn();
      const notice = () => {
        end.hasNoticed = true;
        if (this.ends.every(({ hasNoticed }) => hasNoticed)) this.mesh.forget(this);
        end.node.page.enter(() => end.close());
      };
      if (end.node === by) notice();
      else
        clock.after(random.chance(0.5) ? random.between(0, 100) : random.between(0, NOTICED_WITHIN), notice);
    }
  }
}

/** One end of a connection: what `Peer` is to `Neighbours`. */
class SimulatedPeer {
  readonly name: string;
  readonly isOwn = true;
  readonly node: MeshNode;
  hasNoticed = false;
  readonly #other: MeshNode;
  readonly #connection: Connection;
  readonly #assembly = new Assembly();
  #isOpen = false;
  /** When the last frame arrives. */
  #last = 0;
  /** Frames of a larger message that are under way. */
  #frames = 0;

  constructor(connection: Connection, node: MeshNode, other: MeshNode) {
    this.#connection = connection;
    this.node = node;
    this.#other = other;
    this.name = other.name ?? '';
  }

  get isConnected(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (this.#connection.isDead) return;
    this.#isOpen = true;
    this.node.neighbours.hooks.onOpen(this as unknown as Peer);
    const { doc, awareness } = this.node.options;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    writeSyncStep1(encoder, doc);
    this.send(bytesOf(encoder));
    const states = awareness.getStates();
    if (states.size > 0) this.send(presenceOf(awareness, [...states.keys()]));
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    const { mesh } = this.#connection;
    const { clock, random } = mesh;
    const to = this.#connection.ends.find(({ node }) => node === this.#other);
    const frames = [...splitMessage(message)];
    for (const [index, frame] of frames.entries()) {
      this.#last = Math.max(this.#last, clock.now + random.between(2, mesh.delay));
      const isOfMany = frames.length > 1;
      if (isOfMany && !this.#connection.isDead) this.#frames += 1;
      clock.after(this.#last - clock.now, () => {
        if (this.#connection.isDead || !to) return;
        if (isOfMany) this.#frames -= 1;
        if (isOfMany && index === frames.length - 1) mesh.counted.whole += 1;
        this.#other.page.enter(() => to.take(Uint8Array.from(frame)));
      });
    }
  }

  take(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    const message = this.#assembly.take(frame);
    if (!message) return;
    const { hooks } = this.node.neighbours;
    if (message[0] === OWN_MESSAGE) hooks.onOwn(this as unknown as Peer, message);
    else hooks.onData(this as unknown as Peer, () => this.#read(message));
  }

  /** As y-webrtc does. */
  #read(message: Uint8Array<ArrayBuffer>): void {
    const { doc, awareness, onBroken } = this.node.options;
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    if (type === AWARENESS) applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), this.node);
    if (type !== SYNC) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    const read = readSyncMessage(decoder, encoder, doc, this.node, () => {
      this.node.neighbours.discard();
      onBroken();
    });
    if (read === 0) this.send(bytesOf(encoder));
  }

  countTorn(): void {
    if (this.#frames > 0) this.#connection.mesh.counted.torn += 1;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (!this.node.isOver) this.node.neighbours.hooks.onClose(this as unknown as Peer);
  }

  destroy(): void {
    this.#connection.end(this.node);
  }

  wake(): void {
    // Nothing here is interrupted: it is there, or it has ended.
  }
}

function presenceOf(awareness: Awareness, clients: number[]): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, AWARENESS);
  encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(awareness, clients));
  return bytesOf(encoder);
}

function bytesOf(encoder: encoding.Encoder): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encoding.toUint8Array(encoder));
}
