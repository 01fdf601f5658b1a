import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
  type Awareness,
} from 'y-protocols/awareness';
import type { TabBody } from './messages.ts';

/**
 * A state of this tab's that is older is renewed when the leader says something, in milliseconds. After 30 seconds others take a client for gone, and
 * the leader renews its own, which its followers hear, every 18 seconds at the latest.
 */
const RENEW_AFTER = 10_000;

type Told = Extract<TabBody, { type: 'awareness' }>;

export interface TabPresenceOptions {
  readonly awareness: Awareness;
  post(body: Told): void;
  isLeading(): boolean;
  /** Milliseconds since 1970. */
  now(): number;
}

interface Changed {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

/**
 * Who is there, for all tabs with the same key: the leader tells all that it hears, the others tell of themselves ([TB8]). What came from
 * another tab has this object as its origin.
 */
export class TabPresence {
  readonly #options: TabPresenceOptions;
  /** When this tab's own state was set last. */
  #renewed: number;

  constructor(options: TabPresenceOptions) {
    this.#options = options;
    this.#renewed = options.now();
    options.awareness.on('update', this.#updated);
    options.awareness.on('change', this.#changed);
  }

  /**
   * Tells all that this tab may tell of.
   *
   * @param to a tab that has come, to which whoever is not told of is not there
   */
  tellAll(to: string | null = null): void {
    const { awareness, isLeading } = this.#options;
    this.#tell(isLeading() ? [...awareness.getStates().keys()] : [awareness.clientID], to);
  }

  /** @param isAll whoever is not in it is not there */
  receive({ update, lost }: Told, isAll: boolean): void {
    const { awareness } = this.#options;
    const before = new Set(awareness.getStates().keys());
    this.#drop(isAll ? [...before] : lost);
    try {
      applyAwarenessUpdate(awareness, update, this);
    } catch {
      // Neither lib0 nor JSON says more about bytes that are none; the next message brings the state again.
    }
  }

  /** A tab has closed: its presence ends here, and with that everywhere if this tab leads. */
  remove(client: number): void {
    const { awareness } = this.#options;
    if (client !== awareness.clientID) removeAwarenessStates(awareness, [client], this);
  }

  /**
   * The leader has said something. The awareness renews its state by a timer, which browsers let run once a minute in a page that has been hidden
   * for long and has no WebRTC; messages are not slowed.
   */
  renew(): void {
    const { awareness, now } = this.#options;
    const state = awareness.getLocalState();
    // Clocks are set back now and then.
    if (state !== null && Math.abs(now() - this.#renewed) >= RENEW_AFTER) awareness.setLocalState(state);
  }

  stop(): void {
    this.#options.awareness.off('update', this.#updated);
    this.#options.awareness.off('change', this.#changed);
  }

  readonly #updated = ({ added, updated, removed }: Changed, origin: unknown): void => {
    const { awareness, isLeading, now } = this.#options;
    if (origin === this) return;
    const clients = [...added, ...updated, ...removed];
    if (clients.includes(awareness.clientID)) this.#renewed = now();
    this.#tell(isLeading() ? clients : clients.filter((client) => client === awareness.clientID), null);
  };

  /** Also what is taken away here alone, which no update tells of. */
  readonly #changed = ({ removed }: Changed, origin: unknown): void => {
    const { awareness, isLeading, post } = this.#options;
    const lost = removed.filter((client) => client !== awareness.clientID);
    if (origin === this || !isLeading() || lost.length === 0) return;
    post({ type: 'awareness', update: encodeAwarenessUpdate(awareness, []), lost, to: null });
  };

  #drop(clients: readonly number[]): void {
    const { awareness } = this.#options;
    const others = clients.filter((client) => client !== awareness.clientID);
    const removed = others.filter((client) => awareness.getStates().delete(client));
    // Whatever brings one back is news.
    for (const client of others) awareness.meta.delete(client);
    if (removed.length > 0) awareness.emit('change', [{ added: [], updated: [], removed }, this]);
  }

  #tell(clients: readonly number[], to: string | null): void {
    const { awareness, post } = this.#options;
    const known = clients.filter((client) => awareness.meta.has(client));
    if (known.length === 0) return;
    post({ type: 'awareness', update: encodeAwarenessUpdate(awareness, known), lost: [], to });
  }
}
