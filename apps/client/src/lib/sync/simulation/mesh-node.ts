import { encodeBase64url } from '@parley/signaling/base64url';
import { removeAwarenessStates } from 'y-protocols/awareness';
import type { MeshPlace } from '../browser.ts';
import { encodeOwn } from '../mesh/messages.ts';
import type { MeshOptions } from '../mesh/mesh.ts';
import { Neighbours } from '../mesh/neighbours.ts';
import type { Holder, NetworkPage } from './network.ts';
import type { SimulatedMesh } from './mesh.ts';

/** A page as the mesh knows it. */
export interface MeshPage extends NetworkPage {
  readonly isFrozen: boolean;
  readonly events: EventTarget;
  readonly holder: Holder & { readonly isOffline: boolean };
}

/** So long a device may be without a network until it leaves, in milliseconds, as `Mesh` has it. */
const OFFLINE = 5_000;

/** Until it has joined, in milliseconds at most. */
const JOINS_WITHIN = 50;

/** A tab's place in the mesh: what `Mesh` is to the code around it. */
export class MeshNode implements MeshPlace {
  readonly options: MeshOptions;
  readonly page: MeshPage;
  readonly neighbours: Neighbours;
  /** By which it is known; null while it has not joined, and once it has left. */
  name: string | null = null;
  isOver = false;
  readonly #mesh: SimulatedMesh;
  /** This person's presence while the mesh is left for a while. */
  #away: Record<string, unknown> | null = null;
  #cancelOffline: (() => void) | null = null;

  constructor(mesh: SimulatedMesh, page: MeshPage, options: MeshOptions) {
    this.#mesh = mesh;
    this.page = page;
    this.options = options;
    this.neighbours = new Neighbours(options);
    page.events.addEventListener('offline', this.#goOffline);
    for (const event of ['online', 'pageshow', 'resume']) page.events.addEventListener(event, this.#comeBack);
    page.events.addEventListener('pagehide', this.#leave);
    this.#joinSoon();
  }

  reaches(peer: unknown): boolean {
    return typeof peer === 'string' && this.neighbours.get(peer)?.isConnected === true;
  }

  send(peer: string, message: Uint8Array<ArrayBuffer>): boolean {
    const neighbour = this.neighbours.get(peer);
    if (!neighbour?.isConnected) return false;
    neighbour.send(encodeOwn({ kind: 'message', content: message }));
    return true;
  }

  relayReached(isReached: boolean): void {
    this.neighbours.relayReached(isReached);
  }

  connections(): Promise<[]> {
    return Promise.resolve([]);
  }

  destroy(): Record<string, unknown> | null {
    this.isOver = true;
    this.neighbours.stop();
    const { events } = this.page;
    events.removeEventListener('offline', this.#goOffline);
    for (const event of ['online', 'pageshow', 'resume']) events.removeEventListener(event, this.#comeBack);
    events.removeEventListener('pagehide', this.#leave);
    this.#cancelOffline?.();
    this.#close();
    return this.#away;
  }

  #joinSoon(): void {
    const { surroundings, awareness } = this.options;
    surroundings.after(this.#mesh.random.between(0, JOINS_WITHIN), () => {
      if (this.isOver || this.name !== null || this.page.holder.isOffline) return;
      this.name = encodeBase64url(surroundings.randomBytes(9));
      this.#mesh.join(this);
      awareness.setLocalStateField('peer', this.name);
    });
  }

  #close(): void {
    this.name = null;
    this.neighbours.clear();
    this.#mesh.leave(this);
  }

  readonly #leave = (): void => {
    this.#cancelOffline?.();
    if (this.name === null) return;
    const { awareness, onReach } = this.options;
    const own = this.name;
    this.#away = awareness.getLocalState();
    if (this.#away) removeAwarenessStates(awareness, [awareness.clientID], this);
    this.#close();
    const states = awareness.getStates();
    const removed = [...states].filter(([, { peer }]) => typeof peer === 'string' && peer !== own);
    for (const [client] of removed) {
      states.delete(client);
      awareness.meta.delete(client);
    }
    if (removed.length > 0)
      awareness.emit('change', [
        { added: [], updated: [], removed: removed.map(([client]) => client) },
        this,
      ]);
    onReach();
  };

  readonly #goOffline = (): void => {
    this.#cancelOffline?.();
    this.#cancelOffline = this.options.surroundings.after(OFFLINE, this.#leave);
  };

  readonly #comeBack = (): void => {
    if (this.page.holder.isOffline) return;
    this.#cancelOffline?.();
    if (this.name !== null) return;
    const { awareness } = this.options;
    if (this.#away && !awareness.getLocalState()) awareness.setLocalState(this.#away);
    this.#away = null;
    this.#joinSoon();
  };
}
