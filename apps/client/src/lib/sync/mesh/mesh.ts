import type { ObservableV2 } from 'lib0/observable';
import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import { WebrtcProvider } from 'y-webrtc';
import type * as Y from 'yjs';
import type { HubSocket } from '../hub-socket.ts';
import type { Surroundings } from '../surroundings.ts';
import { readStats, type MeshConnection } from './connections.ts';
import { encodeOwn } from './messages.ts';
import { Neighbours } from './neighbours.ts';
import type Peer from './peer.ts';
import { hubs } from './websocket.ts';

export interface MeshOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly room: string;
  readonly password: string;
  readonly hub: HubSocket;
  /** Asked for each connection, and whenever one is restarted. Where it rejects, there is none. */
  readonly ice: () => Promise<RTCConfiguration>;
  readonly surroundings: Surroundings;
  /** Whether what has this origin came through the relay. */
  readonly isOfRelay: (origin: unknown) => boolean;
  /** Told when {@link Mesh.reaches} may answer differently. */
  readonly onReach: () => void;
  /** Told what another mesh has given to {@link Mesh.send}. */
  readonly onMessage: (peer: string, message: Uint8Array<ArrayBuffer>) => void;
  /** An update that came this way failed halfway ([SY16]): the document must not be kept. Nothing of it was passed on. */
  readonly onBroken: () => void;
}

/** In milliseconds. */
const MESH = {
  /** So long a device may be without a network until it leaves. */
  offline: 5_000,
  /** Timers that are late by more than this were asleep. */
  beat: 10_000,
} as const;

/** What the patch adds: an update could not be applied to its end. */
type Patched = ObservableV2<{ broken: () => void }>;

/** So many connections, also such as are only tried: a browser lets one page have about 500. */
const MAX_CONNECTIONS = 200;

/** Until it resolves, y-webrtc has a room that was left: there may be one of a name. */
let lettingGo: Promise<unknown> = Promise.resolve();

/**
 * A session's peer-to-peer connections: y-webrtc, found through the relay's hub, with connections of our own ({@link Peer}), and what we
 * pass on ourselves ({@link Neighbours}).
 *
 * The mesh tells in the awareness, as `peer`, by which name it is known. It has another one each time it joins.
 */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #hub: string;
  #provider: WebrtcProvider | null = null;
  #detach: (() => void) | null = null;
  readonly #neighbours: Neighbours;
  /** This person's presence while the mesh is left for a while. */
  #away: Record<string, unknown> | null = null;
  #isDestroyed = false;
  #cancelOffline: (() => void) | null = null;
  #cancelBeat: (() => void) | null = null;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#hub = `hub of ${options.room}`;
    this.#neighbours = new Neighbours(options);
    hubs.set(this.#hub, options.hub);
    addEventListener('offline', this.#goOffline);
    addEventListener('online', this.#comeBack);
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#comeBack);
    addEventListener('resume', this.#comeBack, { capture: true });
    void lettingGo.then(() => this.#join());
    this.#beat();
  }

  /** By which name the others know this device; null while it is not in the room. */
  get name(): string | null {
    return this.#provider?.room?.peerId ?? null;
  }

  /** Whether this device is connected to the one that calls itself `peer`, without an interruption. */
  reaches(peer: unknown): boolean {
    return typeof peer === 'string' && this.#neighbours.get(peer)?.isConnected === true;
  }

  /** @returns false if it was not sent: not connected, or to a stock client */
  send(peer: string, message: Uint8Array<ArrayBuffer>): boolean {
    const neighbour = this.#neighbours.get(peer);
    if (!neighbour?.isConnected || !neighbour.isOwn) return false;
    neighbour.send(encodeOwn({ kind: 'message', content: message }));
    return true;
  }

  /** Whether this device hears what goes through the relay: who hears it as well is not told it by this device once more. */
  relayReached(isReached: boolean): void {
    this.#neighbours.relayReached(isReached);
  }

  /** All connections that there are, or that are being tried. */
  async connections(): Promise<readonly MeshConnection[]> {
    const peers = [...(this.#provider?.room?.webrtcConns.values() ?? [])].map(({ peer }) => peer as Peer);
    return Promise.all(
      peers.map(async (peer) => {
        const state = peer.isConnected ? ('connected' as const) : ('connecting' as const);
        const stats = await peer.stats();
        const read = readStats(stats ? [...stats.values()] : []);
        return { peer: peer.name, state, refused: peer.refused, ...read };
      }),
    );
  }

  /**
   * Leaves for good, at once: nobody is given anything more, nor answered. Whoever is not present any more either has said so before,
   * by setting the awareness's state to null. To be called once.
   *
   * @returns this person's presence, if the mesh has taken it away for a while: it is for others to give back
   */
  destroy(): Record<string, unknown> | null {
    this.#isDestroyed = true;
    this.#neighbours.stop();
    removeEventListener('offline', this.#goOffline);
    removeEventListener('online', this.#comeBack);
    removeEventListener('pagehide', this.#leave);
    removeEventListener('pageshow', this.#comeBack);
    removeEventListener('resume', this.#comeBack, { capture: true });
    this.#cancelBeat?.();
    this.#cancelOffline?.();
    this.#close();
    if (hubs.get(this.#hub) === this.#options.hub) hubs.delete(this.#hub);
    return this.#away;
  }

  #join(): void {
    if (this.#isDestroyed || this.#provider || !navigator.onLine || !canConnect()) return;
    const { room, doc, password, awareness } = this.#options;
    const provider = new WebrtcProvider(room, doc, {
      signaling: [this.#hub],
      password,
      awareness,
      maxConns: MAX_CONNECTIONS,
      peerOpts: this.#neighbours.hooks,
    });
    this.#provider = provider;
    // What is said while the hub is away is lost, and it takes longer than the network to be back.
    this.#detach = this.#options.hub.attach({
      up: () => this.#neighbours.wake(),
      down: () => undefined,
      message: () => undefined,
    });
    (provider as unknown as Patched).on('broken', () => {
      this.#neighbours.discard();
      this.#options.onBroken();
    });
    provider.on('status', () => {
      if (provider.room && provider === this.#provider)
        awareness.setLocalStateField('peer', provider.room.peerId);
    });
  }

  #close(): void {
    const provider = this.#provider;
    this.#provider = null;
    this.#detach?.();
    this.#neighbours.clear();
    provider?.disconnect();
    provider?.destroy();
    if (provider) lettingGo = Promise.allSettled([lettingGo, provider.key]);
  }

  readonly #leave = (): void => {
    this.#cancelOffline?.();
    if (!this.#provider) return;
    const { awareness } = this.#options;
    this.#away = awareness.getLocalState();
    if (this.#away) removeAwarenessStates(awareness, [awareness.clientID], this);
    const own = this.#provider.room?.peerId;
    this.#close();
    this.#forget(own);
    this.#options.onReach();
  };

  /** Those who were in the mesh, too, count as present no more, here alone: whatever brings one back is news. */
  #forget(own: string | undefined): void {
    const { awareness } = this.#options;
    const removed = [...awareness.getStates()]
      .filter(([, { peer }]) => typeof peer === 'string' && peer !== own)
      .map(([client]) => client);
    for (const client of removed) {
      awareness.getStates().delete(client);
      awareness.meta.delete(client);
    }
    if (removed.length > 0) awareness.emit('change', [{ added: [], updated: [], removed }, this]);
  }

  readonly #goOffline = (): void => {
    this.#cancelOffline?.();
    this.#cancelOffline = this.#options.surroundings.after(MESH.offline, this.#leave);
  };

  /** The network, the page or the whole device is back. */
  readonly #comeBack = (): void => {
    if (!navigator.onLine) return;
    this.#cancelOffline?.();
    if (this.#provider) {
      this.#neighbours.wake();
      return;
    }
    const { awareness } = this.#options;
    if (this.#away && !awareness.getLocalState()) awareness.setLocalState(this.#away);
    this.#away = null;
    void lettingGo.then(() => this.#join());
  };

  #beat(): void {
    const { now, after } = this.#options.surroundings;
    const due = now() + MESH.beat;
    this.#cancelBeat = after(MESH.beat, () => {
      if (now() > due + MESH.beat) this.#comeBack();
      this.#beat();
    });
  }
}

/** Whether the browser lets a page connect to others. Extensions and policies take the class away, or make it throw. */
function canConnect(): boolean {
  try {
    new RTCPeerConnection().close();
    return true;
  } catch {
    return false;
  }
}
