import { ObservableV2 } from 'lib0/observable';
import type { HubSocket, HubUser } from '../hub-socket.ts';

/** The sockets that {@link WebsocketClient} may use, by the name that y-webrtc is given as an address. */
export const hubs = new Map<string, Pick<HubSocket, 'attach' | 'send'>>();

interface Frame {
  readonly type: string;
  readonly topics?: readonly string[];
}

/**
 * Takes the place of the class of that name in `lib0/websocket`, which y-webrtc's connection to its hub derives from: the socket is the
 * one that the mailbox uses, too.
 */
export class WebsocketClient
  extends ObservableV2<{
    connect: () => void;
    disconnect: () => void;
    message: (message: object) => void;
  }>
  implements HubUser
{
  readonly url: string;
  connected = false;
  readonly #topics = new Set<string>();
  #detach: (() => void) | null = null;
  #isDestroyed = false;

  /** @param url a key of {@link hubs} */
  constructor(url: string) {
    super();
    this.url = url;
    // Those who derive from it begin to listen after this.
    queueMicrotask(() => {
      if (!this.#isDestroyed) this.#detach = hubs.get(url)?.attach(this) ?? null;
    });
  }

  send(frame: Frame): void {
    if (frame.type === 'subscribe') for (const topic of frame.topics ?? []) this.#topics.add(topic);
    hubs.get(this.url)?.send(JSON.stringify(frame));
  }

  /** Others go on using the socket: what it was subscribed to for this one's sake ends. */
  override destroy(): void {
    this.#isDestroyed = true;
    if (this.#topics.size > 0) this.send({ type: 'unsubscribe', topics: [...this.#topics] });
    this.#detach?.();
    this.connected = false;
    super.destroy();
  }

  up(): void {
    this.connected = true;
    this.emit('connect', []);
  }

  down(): void {
    if (!this.connected) return;
    this.connected = false;
    this.emit('disconnect', []);
  }

  message(json: unknown): void {
    if (typeof json === 'object' && json !== null) this.emit('message', [json]);
  }
}
