import { CHUNKS, splitMessage } from './chunks.ts';

/** In bytes. */
const OUTGOING = {
  /** The browser is given no more while so much waits in it, and more again from the second on. */
  high: 1_048_576,
  low: 262_144,
  /** So much may wait in all. One message of any size may wait alone. */
  waiting: 2 * CHUNKS.message,
} as const;

/** What a data channel is used for here. */
export type SendingChannel = Pick<RTCDataChannel, 'readyState' | 'bufferedAmount' | 'send'> & {
  bufferedAmountLowThreshold: number;
  onbufferedamountlow: ((event: never) => void) | null;
};

/** What waits to be sent over a data channel, in its order, as fast as the browser takes it. */
export class Outgoing {
  readonly #channel: SendingChannel;
  readonly #onFailed: () => void;
  #messages: Uint8Array<ArrayBuffer>[] = [];
  #frames: Iterator<Uint8Array<ArrayBuffer>> | null = null;
  #waiting = 0;

  /** @param onFailed the channel has taken something and then refused, or too much waits: the other side misses something */
  constructor(channel: SendingChannel, onFailed: () => void) {
    this.#channel = channel;
    this.#onFailed = onFailed;
    channel.bufferedAmountLowThreshold = OUTGOING.low;
    channel.onbufferedamountlow = () => this.#flush();
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#waiting > 0 && this.#waiting + message.length > OUTGOING.waiting) {
      this.#onFailed();
      return;
    }
    this.#messages.push(message);
    this.#waiting += message.length;
    this.#flush();
  }

  /** Sends nothing more. */
  close(): void {
    this.#channel.onbufferedamountlow = null;
    [this.#messages, this.#frames] = [[], null];
  }

  #flush(): void {
    while (this.#channel.readyState === 'open' && this.#channel.bufferedAmount < OUTGOING.high) {
      const frame = this.#next();
      if (!frame) return;
      try {
        this.#channel.send(frame);
      } catch {
        // It has closed a moment ago, or its buffer is full after all.
        this.#onFailed();
        return;
      }
    }
  }

  #next(): Uint8Array<ArrayBuffer> | null {
    for (;;) {
      const frame = this.#frames?.next();
      if (frame && !frame.done) return frame.value;
      const message = this.#messages.shift();
      this.#frames = message ? splitMessage(message) : null;
      if (!message) return null;
      this.#waiting -= message.length;
    }
  }
}
