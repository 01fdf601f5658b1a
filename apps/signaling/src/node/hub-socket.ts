import type { Duplex } from 'node:stream';
import { WebSocket, type RawData } from 'ws';
import type { ReceivedFrame } from '../hub.ts';
import { SIGNALING_LIMITS } from '../protocol/signaling.ts';

/** Who is told what becomes of a socket. */
export interface SocketOwner {
  received(socket: HubSocket, frame: ReceivedFrame): void;
  /** It has closed, however that came. Told once. */
  gone(socket: HubSocket): void;
}

/** A client's socket under Node. There are thousands, so it is no object beside that of `ws`, and has no functions of its own. */
export class HubSocket extends WebSocket {
  #owner: SocketOwner | null = null;
  /** What the connection runs over. It is written to directly, a whole frame at a time, which needs a connection without compression. */
  #stream: Duplex | null = null;
  /** Whether something came since this was last asked. */
  #wasHeard = true;
  #leave: (() => void) | null = null;

  /**
   * Begins to tell its owner what comes. To be called once, before anything can have come.
   *
   * @param leave to be called when it has gone
   */
  begin(owner: SocketOwner, stream: Duplex, leave: () => void): void {
    this.#owner = owner;
    this.#stream = stream;
    this.#leave = leave;
    this.on('message', HubSocket.#tellFrame);
    this.on('pong', HubSocket.#noteAnswer);
    this.on('error', HubSocket.#ignore);
    this.on('close', HubSocket.#tellEnd);
  }

  /** Whether more waits to be sent than may ([HB33]). */
  get isBehind(): boolean {
    return (this.#stream?.writableLength ?? 0) > SIGNALING_LIMITS.backlogBytes;
  }

  /**
   * Sends a frame as {@link textFrame} makes it. Several of one turn of the event loop go out together.
   *
   * @returns false if the socket is closing, has closed or is behind: the frame is lost
   */
  write(frame: Buffer): boolean {
    const stream = this.#stream;
    // What was held back only to go out together with the rest is not behind yet.
    if (this.isBehind) stream?.uncork();
    if (!stream || this.readyState !== WebSocket.OPEN || this.isBehind) return false;
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    stream.write(frame);
    return true;
  }

  /** Asks whether anybody is there; ends a socket from which nothing at all has come since it was last asked. */
  look(): void {
    // A farewell would wait for an answer.
    if (!this.#wasHeard) return this.terminate();
    this.#wasHeard = false;
    this.ping();
  }

  static #tellFrame(this: WebSocket, data: RawData, isBinary: boolean): void {
    if (!(this instanceof HubSocket)) return;
    this.#wasHeard = true;
    // `ws` gives one buffer unless it is told otherwise.
    const frame = data as Buffer;
    this.#owner?.received(this, isBinary ? frame : frame.toString());
  }

  static #noteAnswer(this: WebSocket): void {
    if (this instanceof HubSocket) this.#wasHeard = true;
  }

  /** What is no WebSocket frame closes the socket, which is told next. */
  static #ignore(): void {}

  static #tellEnd(this: WebSocket): void {
    if (!(this instanceof HubSocket)) return;
    this.#leave?.();
    this.#owner?.gone(this);
  }
}
