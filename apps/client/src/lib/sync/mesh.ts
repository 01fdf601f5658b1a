import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import { WebrtcProvider } from 'y-webrtc';
import type * as Y from 'yjs';
import { ArrivingUpdates } from './arriving.ts';

/**
 * Whether the relay's hub can be reached. Without it, those who are connected stay so, and nobody new is found. `unused`: nobody is looked
 * for, because the browser cannot connect to others, or may not with this key.
 */
export type HubState = 'connecting' | 'connected' | 'unreachable' | 'unused';

export interface MeshOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly room: string;
  readonly password: string;
  /** The hub's WebSocket address. */
  readonly hub: string;
  /** Told about each change of the hub's state. */
  readonly onHub: (state: HubState) => void;
  /** Told when {@link Mesh.reaches} may answer differently. */
  readonly onReach: () => void;
}

/** Finds a device's public address. The relay's operator is the one party that already sees it. */
const ICE_SERVERS: RTCIceServer[] = [{ urls: 'stun:stun.cloudflare.com:3478' }];

/**
 * A session's peer-to-peer connections: y-webrtc, found through the relay's hub, and mended where it would lose a
 * session that stays open:
 * - it leaves its room at `beforeunload`, which also a cancelled navigation or a mail link fires: `pagehide` decides here;
 * - leaving drops one's own presence for good: it is restored here;
 * - it does not notice that the network changed: the connections are made anew here;
 * - it throws at every introduction where the browser has no WebRTC, or it is blocked: then only the tabs of this browser meet;
 * - it passes on at once what the document emits, also of an update that then fails: what has arrived is held back here ([SY16]).
 *
 * Each tab tells in its awareness, as `peer`, by which name the mesh knows it.
 */
export class Mesh {
  readonly #provider: WebrtcProvider;
  readonly #options: MeshOptions;
  #hub: HubState = 'connecting';
  /** This person's presence while the page is away: leaving takes it out of the awareness. */
  #away: Record<string, unknown> | null = null;
  /** y-webrtc's way of passing on an update. */
  #pass: ((update: Uint8Array, origin: unknown) => void) | null = null;
  /** Updates that came from elsewhere a moment ago. */
  readonly #arriving = new ArrivingUpdates((updates) => {
    for (const update of updates) this.#pass?.(update, this);
  });

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#provider = new WebrtcProvider(options.room, options.doc, {
      signaling: this.#hubs(),
      password: options.password,
      awareness: options.awareness,
      peerOpts: { config: { iceServers: ICE_SERVERS } },
    });
    this.#provider.on('status', () => {
      const { room } = this.#provider;
      if (!room) return;
      removeEventListener('beforeunload', room._beforeUnloadHandler);
      this.#holdBack(room);
      options.awareness.setLocalStateField('peer', room.peerId);
    });
    this.#provider.on('peers', ({ added }) => {
      // A peer is named when it is met, which is some time before it is connected.
      for (const name of added) {
        const peer = this.#provider.room?.webrtcConns.get(name)?.peer as
          { on(event: 'connect', listener: () => void): void } | undefined;
        peer?.on('connect', options.onReach);
      }
      options.onReach();
    });
    this.#watchHub();
    addEventListener('offline', this.#reconnect);
    addEventListener('online', this.#reconnect);
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#comeBack);
  }

  /** Whether this tab is connected to the one that calls itself `peer`. */
  reaches(peer: unknown): boolean {
    const { room } = this.#provider;
    if (!room || typeof peer !== 'string') return false;
    return room.bcConns.has(peer) || room.webrtcConns.get(peer)?.connected === true;
  }

  /** Leaves for good, at once: nobody is given anything more, nor answered. To be called once. */
  destroy(): void {
    this.#arriving.discard();
    removeEventListener('offline', this.#reconnect);
    removeEventListener('online', this.#reconnect);
    removeEventListener('pagehide', this.#leave);
    removeEventListener('pageshow', this.#comeBack);
    this.#provider.disconnect();
    this.#provider.destroy();
  }

  readonly #leave = (): void => {
    this.#away = this.#options.awareness.getLocalState();
    this.#provider.disconnect();
  };

  readonly #comeBack = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#reconnect();
  };

  readonly #reconnect = (): void => {
    const { awareness, doc } = this.#options;
    const own = awareness.getLocalState() ?? this.#away;
    this.#provider.disconnect();
    const others = [...awareness.getStates().keys()].filter((client) => client !== doc.clientID);
    removeAwarenessStates(awareness, others, this);
    this.#tell('connecting');
    this.#provider.signalingUrls = this.#hubs();
    // Those that were given up stay on its list.
    this.#provider.signalingConns = [];
    this.#provider.connect();
    if (own) awareness.setLocalState(own);
    this.#watchHub();
  };

  /** Where others are looked for. A device without a network does not try, but for the tabs of its own. */
  #hubs(): string[] {
    return navigator.onLine && canConnect() ? [this.#options.hub] : [];
  }

  #holdBack(room: NonNullable<WebrtcProvider['room']>): void {
    if (this.#pass) return;
    const { doc } = this.#options;
    const pass = room._docUpdateHandler;
    this.#pass = pass;
    doc.off('update', pass);
    const hold = (update: Uint8Array, origin: unknown, _doc?: Y.Doc, transaction?: Y.Transaction): void => {
      if (transaction?.local) pass(update, origin);
      else this.#arriving.hold(update);
    };
    // It subscribes with this whenever it connects.
    room._docUpdateHandler = hold;
    if (this.#provider.connected) doc.on('update', hold);
  }

  /** y-webrtc replaces its connection to the hub whenever it reconnects. */
  #watchHub(): void {
    const connection = this.#provider.signalingConns.at(-1);
    if (!connection) {
      this.#tell(navigator.onLine ? 'unused' : 'unreachable');
      return;
    }
    const told = (hub: HubState) => () => {
      if (this.#provider.signalingConns.at(-1) === connection) this.#tell(hub);
    };
    connection.on('connect', told('connected'));
    connection.on('disconnect', told('unreachable'));
    // y-webrtc's socket says nothing about an attempt that fails.
    setTimeout(() => {
      if (!connection.connected) told('unreachable')();
    }, 3_000);
  }

  #tell(hub: HubState): void {
    if (hub === this.#hub) return;
    this.#hub = hub;
    this.#options.onHub(hub);
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
