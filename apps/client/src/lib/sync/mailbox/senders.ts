import type { Awareness } from 'y-protocols/awareness';
import type { Surroundings } from '../surroundings.ts';

/** Clocks differ: a presence that has ended by less than this may be news. In milliseconds. */
export const CLOCK_SKEW = 60_000;

/** So many senders are remembered, and so many viewers of them. */
const REMEMBERED = { all: 200, readers: 100 } as const;

/** Somebody whose presence came through the relay. */
interface Sender {
  readonly client: number;
  readonly role: 'writer' | 'reader';
  readonly counter: number;
  /** When its presence ends, by this device's clock. */
  readonly expires: number;
  /** It has said goodbye. */
  readonly isGone: boolean;
}

export interface SendersOptions {
  readonly awareness: Awareness;
  readonly surroundings: Pick<Surroundings, 'now'>;
  /** Of what is taken out of the awareness. */
  readonly origin: unknown;
  reachesDirectly(state: Record<string, unknown>): boolean;
}

/** Those whose presence came through the relay, by sender ([SY21]). */
export class Senders {
  readonly #options: SendersOptions;
  readonly #senders = new Map<string, Sender>();

  constructor(options: SendersOptions) {
    this.#options = options;
  }

  get(sender: string): Sender | undefined {
    return this.#senders.get(sender);
  }

  set(id: string, sender: Sender): void {
    this.#senders.set(id, sender);
  }

  get areAny(): boolean {
    return this.#senders.size > 0;
  }

  /** Whether somebody is there who can be reached through the relay only. */
  get areNeeding(): boolean {
    const now = this.#options.surroundings.now();
    const states = this.#options.awareness.getStates();
    return [...this.#senders.values()].some(
      ({ client, expires }) => expires > now && states.has(client) && !this.#isDirect(client),
    );
  }

  /** Whether somebody who was heard not long ago, and has not said goodbye, is present here no more. */
  get areLost(): boolean {
    const now = this.#options.surroundings.now();
    const states = this.#options.awareness.getStates();
    return [...this.#senders.values()].some(
      ({ client, expires, isGone }) => expires > now && !isGone && !states.has(client),
    );
  }

  /** Those who are reached through the relay only count as present no more. */
  letGo(): void {
    const clients = [...this.#senders.values()].map(({ client }) => client);
    this.#forget(clients.filter((client) => !this.#isDirect(client)));
  }

  /** Those who are heard no more count as present no more. */
  expire(): void {
    const now = this.#options.surroundings.now();
    for (const [id, { client, expires }] of this.#senders) {
      if (expires <= now && !this.#isDirect(client)) this.#forget([client]);
      // Its counter is remembered for as long as an old presence could still pass.
      if (expires + 2 * CLOCK_SKEW <= now) this.#senders.delete(id);
    }
  }

  /** Drops those who speak for a client, which is one of this device: another tab did that before. */
  drop(isOwn: (client: number) => boolean): void {
    for (const [id, { client }] of this.#senders) if (isOwn(client)) this.#senders.delete(id);
  }

  /**
   * Whether a client id is somebody else's already, whom a viewer must not speak for. A state with the mark of a viewer is none of a
   * writer's: the mesh passes on what came to others through the relay.
   */
  isTaken(client: number, by: string): boolean {
    const isSent = [...this.#senders].some(([id, sender]) => id !== by && sender.client === client);
    const state = this.#options.awareness.getStates().get(client);
    return isSent || (state !== undefined && state['viewer'] !== true);
  }

  /** Whether one more can be remembered. For a writer the viewer who has been there longest gives way. */
  makeRoom(role: Sender['role']): boolean {
    const readers = [...this.#senders].filter(([, sender]) => sender.role === 'reader');
    if (role === 'reader') return readers.length < REMEMBERED.readers && this.#senders.size < REMEMBERED.all;
    if (this.#senders.size < REMEMBERED.all) return true;
    const [oldest] = readers;
    if (!oldest) return false;
    const [id, { client }] = oldest;
    this.#senders.delete(id);
    this.#forget([client]);
    return true;
  }

  /** A viewer that uses a writer's client id gives way, whichever way its state came. */
  evict(client: number): void {
    for (const [id, sender] of this.#senders) {
      if (sender.client === client && sender.role === 'reader') this.#senders.delete(id);
    }
    if (this.#options.awareness.getStates().get(client)?.['viewer'] === true) this.#forget([client]);
  }

  #isDirect(client: number): boolean {
    const state = this.#options.awareness.getStates().get(client);
    return state !== undefined && this.#options.reachesDirectly(state);
  }

  /** Takes states away, here alone: the mesh, which passes on what is updated, has others who may well hear them. */
  #forget(clients: readonly number[]): void {
    const { awareness, origin } = this.#options;
    const removed = clients.filter((client) => awareness.getStates().delete(client));
    // Whatever brings one back is news.
    for (const client of removed) awareness.meta.delete(client);
    if (removed.length > 0) awareness.emit('change', [{ added: [], updated: [], removed }, origin]);
  }
}
