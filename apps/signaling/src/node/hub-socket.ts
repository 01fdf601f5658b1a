import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { SIGNALING_LIMITS } from '../protocol/signaling.ts';

/** A client's socket under Node. */
export class HubSocket {
  readonly #connection: WebSocket;
  /** What the connection runs over. It is written to directly, a whole frame at a time, which needs a connection without compression. */
  readonly #stream: Duplex;
  /** Whether something came since this was last asked. */
  #wasHeard = true;

  constructor(connection: WebSocket, stream: Duplex) {
    this.#connection = connection;
    this.#stream = stream;
  }

  /** Whether more waits to be sent than may ([HB33]). */
  get isBehind(): boolean {
    return this.#stream.writableLength > SIGNALING_LIMITS.backlogBytes;
  }

  /**
   * Sends a frame as {@link textFrame} makes it. Several of one turn of the event loop go out together.
   *
   * @returns false if the socket is closing, has closed or is behind: the frame is lost
   */
  send(frame: Buffer): boolean {
    // What was held back only to go out together with the rest is not behind yet.
    if (this.isBehind) this.#stream.uncork();
    if (this.#connection.readyState !== WebSocket.OPEN || this.isBehind) return false;
    if (this.#stream.writableCorked === 0) {
      this.#stream.cork();
      setImmediate(() => this.#stream.uncork());
    }
    this.#stream.write(frame);
    return true;
  }

  close(code: number, reason: string): void {
    this.#connection.close(code, reason);
  }

  /** Ends it without a farewell, which would wait behind what waits already. */
  drop(): void {
    this.#connection.terminate();
  }

  hear(): void {
    this.#wasHeard = true;
  }

  /** Asks whether anybody is there; drops a socket from which nothing at all has come since it was last asked. */
  look(): void {
    if (!this.#wasHeard) return this.drop();
    this.#wasHeard = false;
    this.#connection.ping();
  }
}
