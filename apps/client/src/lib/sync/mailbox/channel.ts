import { encodeBase64url } from '@parley/signaling/base64url';
import { MAILBOX_LIMITS, mailboxFrame, mailboxTopic } from '@parley/signaling/mailbox';
import { pauseBefore } from './back-off.ts';
import type { ChannelListener, MailboxChannel, Surroundings } from './ports.ts';

/** What of a WebSocket a channel uses. It writes the handlers and never calls them. */
export interface ChannelSocket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(frame: string): void;
  close(): void;
}

export interface ChannelOptions {
  readonly sessionId: string;
  readonly listener: ChannelListener;
  /** Opens a connection to the hub. */
  readonly connect: () => ChannelSocket;
  /** Where tokens come from; see `TokenSource`. */
  readonly tokens: { token(): Promise<string>; renew(): void };
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

/** How long a connection may take to open, and the hub to admit this client, in milliseconds. */
const ADMITS_WITHIN = 35_000;

/** The ping that the hub's runtime answers by itself ([HB23]). */
const PING = '{"type":"ping"}';

/** Another one, which the hub has to read: its answer tells that the hub has dealt with what came before. */
const PROBE = '{"type":"ping","of":"parley"}';

/**
 * A subscription to a mailbox's topic on the hub ([HB26]–[HB28]). It connects anew by itself: after a pause when it was lost or
 * refused, at once when the device comes online or the page comes back. While the device is offline it does not try.
 */
export class HubChannel implements MailboxChannel {
  readonly #options: ChannelOptions;
  readonly #topic: string;
  #socket: ChannelSocket | null = null;
  #isUp = false;
  #closed = false;
  /** Attempts since a connection last stayed. */
  #attempts = 0;
  #cancelPause: (() => void) | null = null;
  #cancelPing: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#topic = mailboxTopic(options.sessionId);
    for (const event of ['online', 'pageshow']) options.events.addEventListener(event, this.#comeBack);
    for (const event of ['offline', 'pagehide']) options.events.addEventListener(event, this.#goAway);
    if (options.isOnline()) this.#connect();
  }

  send(envelope: Uint8Array<ArrayBuffer>): void {
    const text = encodeBase64url(envelope);
    if (!this.#isUp || text.length > MAILBOX_LIMITS.liveCharacters) return;
    this.#socket?.send(JSON.stringify({ type: 'live', topic: this.#topic, envelope: text }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { events } = this.#options;
    for (const event of ['online', 'pageshow']) events.removeEventListener(event, this.#comeBack);
    for (const event of ['offline', 'pagehide']) events.removeEventListener(event, this.#goAway);
    this.#goAway();
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
    if (wasUp) this.#options.listener.down();
  };

  #connect(): void {
    this.#cancelPause?.();
    this.#cancelPause = null;
    let socket: ChannelSocket;
    try {
      socket = this.#options.connect();
    } catch {
      // An address or a policy that does not allow it; it may be another one after an update.
      this.#pause();
      return;
    }
    this.#socket = socket;
    // A connection that never opens says nothing either.
    this.#watch(socket, ADMITS_WITHIN);
    // A token that cannot be made now may be the next time.
    socket.onopen = () => void this.#subscribe(socket).catch(() => this.#lose(socket));
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      if (socket !== this.#socket) return;
      this.#stopWatch();
      if (typeof data === 'string') this.#read(socket, data);
    };
    socket.onclose = () => this.#lose(socket);
  }

  async #subscribe(socket: ChannelSocket): Promise<void> {
    const token = await this.#options.tokens.token();
    if (socket !== this.#socket) return;
    socket.send(JSON.stringify({ type: 'subscribe', topics: [this.#topic], token }));
    socket.send(PROBE);
    this.#watch(socket, ADMITS_WITHIN);
    this.#ping(socket);
  }

  #read(socket: ChannelSocket, text: string): void {
    const json = parseJson(text);
    if (typeof json !== 'object' || json === null || !('type' in json)) return;
    if (json.type === 'error' && 'code' in json && json.code === 'hub/token-refused') {
      this.#options.tokens.renew();
      this.#lose(socket);
    } else if (json.type === 'pong' && !this.#isUp) {
      this.#isUp = true;
      this.#options.listener.up();
    } else {
      const { data: frame } = mailboxFrame.safeParse(json);
      if (frame?.topic === this.#topic) this.#options.listener.frame(frame);
    }
  }

  #ping(socket: ChannelSocket): void {
    this.#cancelPing = this.#options.surroundings.after(PING_EVERY, () => {
      // Only what lasts is a success: a hub that accepts and hangs up at once is not asked twice a second.
      this.#attempts = 0;
      socket.send(PING);
      this.#watch(socket, ANSWERS_WITHIN);
      this.#ping(socket);
    });
  }

  #watch(socket: ChannelSocket, patience: number): void {
    // What was asked before has not been answered either.
    this.#cancelWatch ??= this.#options.surroundings.after(patience, () => this.#lose(socket));
  }

  #stopWatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
  }

  #lose(socket: ChannelSocket): void {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#pause();
  }

  #pause(): void {
    this.#options.listener.down();
    const { after, random } = this.#options.surroundings;
    const pause = pauseBefore(this.#attempts, random);
    this.#attempts += 1;
    this.#cancelPause = after(pause, () => this.#connect());
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
