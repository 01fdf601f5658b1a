import { encodeBase64url } from '@parley/signaling/base64url';
import { MAILBOX_LIMITS, mailboxFrame, mailboxTopic } from '@parley/signaling/mailbox';
import type { HubSocket, HubUser } from '../hub-socket.ts';
import type { Surroundings } from '../surroundings.ts';
import type { ChannelListener, MailboxChannel } from './ports.ts';

export interface ChannelOptions {
  readonly sessionId: string;
  readonly listener: ChannelListener;
  readonly hub: Pick<HubSocket, 'attach' | 'send' | 'renew'>;
  /** Where tokens come from; see `TokenSource`. */
  readonly tokens: { token(): Promise<string>; renew(): void };
  readonly surroundings: Pick<Surroundings, 'after'>;
}

/** How long the hub may take to admit this client, in milliseconds. */
const ADMITS_WITHIN = 35_000;

/** A ping that the hub has to read: its answer tells that the hub has dealt with what came before. */
const PROBE = '{"type":"ping","of":"parley"}';

/** A subscription to a mailbox's topic on the hub ([HB26]–[HB28]). It is made anew whenever the connection is. */
export class HubChannel implements MailboxChannel, HubUser {
  readonly #options: ChannelOptions;
  readonly #topic: string;
  #isUp = false;
  #closed = false;
  /** Counts the connections, to know late words of an earlier one. */
  #connection = 0;
  #cancelWatch: (() => void) | null = null;
  readonly #detach: () => void;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#topic = mailboxTopic(options.sessionId);
    this.#detach = options.hub.attach(this);
  }

  send(envelope: Uint8Array<ArrayBuffer>): void {
    const text = encodeBase64url(envelope);
    if (!this.#isUp || text.length > MAILBOX_LIMITS.liveCharacters) return;
    this.#options.hub.send(JSON.stringify({ type: 'live', topic: this.#topic, envelope: text }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#detach();
    this.#options.hub.send(JSON.stringify({ type: 'unsubscribe', topics: [this.#topic] }));
    const wasUp = this.#isUp;
    this.#forget();
    if (wasUp) this.#options.listener.down();
  }

  up(): void {
    this.#forget();
    const connection = this.#connection;
    this.#cancelWatch = this.#options.surroundings.after(ADMITS_WITHIN, () => this.#options.hub.renew());
    // A token that cannot be made now may be the next time.
    this.#subscribe(connection).catch(() => {
      if (connection === this.#connection) this.#options.hub.renew();
    });
  }

  down(): void {
    this.#forget();
    this.#options.listener.down();
  }

  message(json: unknown): void {
    if (typeof json !== 'object' || json === null || !('type' in json)) return;
    if (json.type === 'error' && 'code' in json && json.code === 'hub/token-refused') {
      this.#options.tokens.renew();
      this.#options.hub.renew();
    } else if (json.type === 'pong' && !this.#isUp) {
      this.#isUp = true;
      this.#cancelWatch?.();
      this.#options.listener.up();
    } else {
      const { data: frame } = mailboxFrame.safeParse(json);
      if (frame?.topic === this.#topic) this.#options.listener.frame(frame);
    }
  }

  async #subscribe(connection: number): Promise<void> {
    const { tokens, hub } = this.#options;
    const token = await tokens.token();
    if (connection !== this.#connection) return;
    hub.send(JSON.stringify({ type: 'subscribe', topics: [this.#topic], token }));
    hub.send(PROBE);
  }

  #forget(): void {
    this.#connection += 1;
    this.#isUp = false;
    this.#cancelWatch?.();
  }
}
