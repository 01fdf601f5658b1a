import { advanceHub, createHub, type HubEvent, type ReceivedFrame } from './hub.ts';

/** How a runtime reaches its sockets. */
export interface Reach<Socket> {
  /** Sends one text frame to all of them, and answers with those that cannot be reached any more, or are dropped ([HB33]). */
  send(receivers: readonly Socket[], frame: string): readonly Socket[];
  close(socket: Socket, code: number, reason: string): void;
}

/** What a hub has done since it was made. */
export interface HubCounts {
  /** Frames that came, whatever they were. */
  received: number;
  /** Frames that went out, counted once for every receiver. */
  sent: number;
  /** Sockets that the hub has closed, by reason. */
  readonly closed: Map<string, number>;
}

/**
 * The hub of a runtime that keeps its memory as long as its sockets, and that has no mailbox: what would open one is refused
 * like a wrong token ([HB38]).
 */
export class StandaloneHub<Socket> {
  readonly counts: HubCounts = { received: 0, sent: 0, closed: new Map() };
  readonly #hub = createHub<Socket>();
  readonly #reach: Reach<Socket>;

  constructor(reach: Reach<Socket>) {
    this.#reach = reach;
  }

  /** Sockets that are connected. */
  get sockets(): number {
    return this.#hub.members.size;
  }

  /** Topics that somebody listens to. */
  get topics(): number {
    return this.#hub.subscribers.size;
  }

  connect(socket: Socket): void {
    this.#tell({ type: 'connected', socket, topics: [], readerOf: [] });
  }

  /** @param now milliseconds, of a clock that never goes back */
  receive(socket: Socket, frame: ReceivedFrame, now: number): void {
    this.counts.received += 1;
    this.#tell({ type: 'received', socket, frame, now });
  }

  disconnect(socket: Socket): void {
    this.#tell({ type: 'disconnected', socket });
  }

  /** Bids every socket farewell ([HB34]). */
  stop(): void {
    this.#tell({ type: 'stopping' });
  }

  #tell(event: HubEvent<Socket>): void {
    for (const effect of advanceHub(this.#hub, event)) {
      switch (effect.type) {
        case 'send': {
          this.counts.sent += effect.receivers.length;
          const lost = this.#reach.send(effect.receivers, effect.frame);
          for (const socket of lost) this.disconnect(socket);
          break;
        }
        case 'authorize': {
          const now = event.type === 'received' ? event.now : 0;
          this.#tell({ ...effect, type: 'authorized', verdict: 'bad', now });
          break;
        }
        case 'close':
          this.counts.closed.set(effect.reason, (this.counts.closed.get(effect.reason) ?? 0) + 1);
          this.#reach.close(effect.socket, effect.code, effect.reason);
          break;
        case 'remember':
          // The hub is not forgotten before the sockets are.
          break;
      }
    }
  }
}
