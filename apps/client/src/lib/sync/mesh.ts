import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import { WebrtcProvider } from 'y-webrtc';
import type * as Y from 'yjs';

/** Whether the relay's hub can be reached. Without it, those who are connected stay so, and nobody new is found. */
export type HubState = 'connecting' | 'connected' | 'unreachable';

export interface MeshOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly room: string;
  readonly password: string;
  /** The hub's WebSocket address. */
  readonly hub: string;
  /** Told about each change of the hub's state. */
  readonly onHub: (state: HubState) => void;
}

/** Finds a device's public address. The relay's operator is the one party that already sees it. */
const ICE_SERVERS: RTCIceServer[] = [{ urls: 'stun:stun.cloudflare.com:3478' }];

/**
 * A session's peer-to-peer connections: y-webrtc, found through the relay's hub, and mended where it would lose a
 * session that stays open:
 * - it leaves its room at `beforeunload`, which also a cancelled navigation or a mail link fires: `pagehide` decides here;
 * - leaving drops one's own presence for good: it is restored here;
 * - it does not notice that the network changed: the connections are made anew here.
 */
export class Mesh {
  readonly #provider: WebrtcProvider;
  readonly #options: MeshOptions;
  #hub: HubState = 'connecting';
  /** This person's presence while the page is away: leaving takes it out of the awareness. */
  #away: Record<string, unknown> | null = null;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#provider = new WebrtcProvider(options.room, options.doc, {
      signaling: [options.hub],
      password: options.password,
      awareness: options.awareness,
      peerOpts: { config: { iceServers: ICE_SERVERS } },
    });
    this.#provider.on('status', () => {
      const { room } = this.#provider;
      if (room) removeEventListener('beforeunload', room._beforeUnloadHandler);
    });
    this.#watchHub();
    addEventListener('offline', this.#reconnect);
    addEventListener('online', this.#reconnect);
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#comeBack);
  }

  destroy(): void {
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
    this.#provider.connect();
    if (own) awareness.setLocalState(own);
    this.#watchHub();
  };

  /** y-webrtc replaces its connection to the hub whenever it reconnects. */
  #watchHub(): void {
    const connection = this.#provider.signalingConns.at(-1);
    if (!connection) return;
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
