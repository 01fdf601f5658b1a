import { pauseBefore } from './back-off.ts';
import type { Surroundings } from './surroundings.ts';

/** What of a WebSocket is used. The handlers are written and never called. */
export interface HubConnection {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(frame: string): void;
  close(): void;
}

/** Somebody who speaks with the hub over a connection that others use, too. */
export interface HubUser {
  /** It is open, for the first time or again: the hub remembers nothing of what was said before. */
  up(): void;
  /** It is not open any more, or another attempt has failed. It comes up again by itself. */
  down(): void;
  /** A frame came, of whatever kind and for whomever: the parsed JSON. */
  message(json: unknown): void;
}

export interface HubSocketOptions {
  /** Opens a connection to the hub. */
  readonly connect: () => HubConnection;
  readonly surroundings: Pick<Surroundings, 'after' | 'random'>;
  /** Where `online`, `offline`, `pagehide` and `pageshow` are told: the window. */
  readonly events: EventTarget;
  /** Whether the device says that it has a network. */
  readonly isOnline: () => boolean;
}

/** How often a ping goes out, in milliseconds. The hub answers it without waking. */
const PING_EVERY = 15_000;

/**
 * How long nothing may come once something was asked before the connection counts as dead, in milliseconds. It is counted from the
 * question: where a hidden page's timers are held back, silence before it means nothing.
 */
const ANSWERS_WITHIN = 20_000;

/** How long a connection may take to open, in milliseconds. */
const OPENS_WITHIN = 35_000;

/** The ping that the hub's runtime answers by itself ([HB23]). */
const PING = '{"type":"ping"}';

/**
 * The one connection of a tab to the hub, for all who use it. It connects anew by itself: after a pause when it was lost or is no good,
 * at once when the device comes online or the page comes back. While the device is offline it does not try.
 */
export class HubSocket {
  readonly #options: HubSocketOptions;
  readonly #users = new Set<HubUser>();
  #socket: HubConnection | null = null;
  #isUp = false;
  #closed = false;
  /** Attempts since a connection last stayed. */
  #attempts = 0;
  /** Pings that have not been answered yet. */
  #pings = 0;
  #cancelPause: (() => void) | null = null;
  #cancelPing: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;

  constructor(options: HubSocketOptions) {
    this.#options = options;
    for (const event of ['online', 'pageshow']) options.events.addEventListener(event, this.#comeBack);
    this.#listenLast();
    if (options.isOnline()) this.#connect();
  }

  /** Whether it is open. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /**
   * Whoever has something to say when the page goes away, or the device offline, listens for that before: then it is still open.
   *
   * @returns what ends it: nothing is told any more
   */
  attach(user: HubUser): () => void {
    this.#users.add(user);
    if (!this.#closed) this.#listenLast();
    if (this.#isUp) user.up();
    return () => this.#users.delete(user);
  }

  /** @returns false if it is not open: the frame is lost */
  send(frame: string): boolean {
    if (!this.#isUp) return false;
    this.#socket?.send(frame);
    return true;
  }

  /** This connection is no good to a user: another one takes its place after a pause. */
  renew(): void {
    if (this.#socket) this.#lose(this.#socket);
  }

  /** The hub is to be asked with another address: what is open ends, and another connection is tried at once. */
  reopen(): void {
    if (this.#closed) return;
    this.#goAway();
    this.#comeBack();
  }

  /** Ends it for good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { events } = this.#options;
    for (const event of ['online', 'pageshow']) events.removeEventListener(event, this.#comeBack);
    for (const event of ['offline', 'pagehide']) events.removeEventListener(event, this.#goAway);
    this.#goAway();
  }

  #listenLast(): void {
    const { events } = this.#options;
    for (const event of ['offline', 'pagehide']) {
      events.removeEventListener(event, this.#goAway);
      events.addEventListener(event, this.#goAway);
    }
  }

  readonly #comeBack = (): void => {
    if (this.#socket || !this.#options.isOnline()) return;
    this.#attempts = 0;
    this.#connect();
  };

  readonly #goAway = (): void => {
    const wasUp = this.#isUp;
    this.#cancelPause?.();
    this.#drop();
    if (wasUp) this.#tell((user) => user.down());
  };

  #connect(): void {
    this.#cancelPause?.();
    this.#cancelPause = null;
    let socket: HubConnection;
    try {
      socket = this.#options.connect();
    } catch {
      // An address or a policy that does not allow it; it may be another one after an update.
      this.#pause();
      return;
    }
    this.#socket = socket;
    // A connection that never opens says nothing either.
    this.#watch(socket, OPENS_WITHIN);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#stopWatch();
      this.#isUp = true;
      this.#pings = 0;
      this.#ping(socket);
      this.#tell((user) => user.up());
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      if (socket !== this.#socket) return;
      this.#stopWatch();
      if (typeof data === 'string') this.#read(data);
    };
    socket.onclose = () => this.#lose(socket);
  }

  #read(text: string): void {
    const json = parseJson(text);
    if (isPong(json) && this.#pings > 0) {
      // Users ask in the same way. Whichever answer this is, there is one for each of them.
      this.#pings -= 1;
      return;
    }
    this.#tell((user) => user.message(json));
  }

  #tell(news: (user: HubUser) => void): void {
    // Whoever hears something may leave, or lose the connection for all.
    for (const user of [...this.#users]) if (this.#users.has(user)) news(user);
  }

  #ping(socket: HubConnection): void {
    this.#cancelPing = this.#options.surroundings.after(PING_EVERY, () => {
      // Only what lasts is a success: a hub that accepts and hangs up at once is not asked twice a second.
      this.#attempts = 0;
      socket.send(PING);
      this.#pings += 1;
      this.#watch(socket, ANSWERS_WITHIN);
      this.#ping(socket);
    });
  }

  #watch(socket: HubConnection, patience: number): void {
    // What was asked before has not been answered either.
    this.#cancelWatch ??= this.#options.surroundings.after(patience, () => this.#lose(socket));
  }

  #stopWatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
  }

  #lose(socket: HubConnection): void {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#pause();
  }

  #pause(): void {
    const { after, random } = this.#options.surroundings;
    const pause = pauseBefore(this.#attempts, random);
    this.#attempts += 1;
    this.#cancelPause = after(pause, () => this.#connect());
    this.#tell((user) => user.down());
  }

  #drop(): void {
    this.#cancelPing?.();
    this.#stopWatch();
    const socket = this.#socket;
    this.#socket = null;
    this.#isUp = false;
    socket?.close();
  }
}

function isPong(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'type' in json && json.type === 'pong';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
