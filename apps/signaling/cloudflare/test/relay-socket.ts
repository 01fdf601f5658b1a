import { exports } from 'cloudflare:workers';

/** A ping that the hub answers itself, after all that came before; the exact one of y-webrtc is answered without it. */
const BARRIER = '{ "type": "ping" }';

/** A client's WebSocket to the relay under test. Whatever arrives waits until it is asked for. */
export class RelaySocket {
  readonly #socket: WebSocket;
  readonly #arrived: string[] = [];
  #wake: () => void = () => undefined;
  /** How the relay closed the socket. */
  readonly closed: Promise<{ code: number; reason: string }>;

  /** Connects through the Worker, to `/signaling` or another path. */
  static async connect(path = '/signaling', { answersClose = true } = {}): Promise<RelaySocket> {
    const response = await exports.default.fetch(`https://relay.example${path}`, {
      headers: { Upgrade: 'websocket' },
    });
    if (!response.webSocket) throw new Error(`no WebSocket but ${response.status}`);
    return new RelaySocket(response.webSocket, answersClose);
  }

  constructor(socket: WebSocket, answersClose: boolean) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.#arrived.push(String(data));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
    socket.accept({ allowHalfOpen: !answersClose });
  }

  sendRaw(frame: string | ArrayBuffer): void {
    this.#socket.send(frame);
  }

  send(message: unknown): void {
    this.sendRaw(JSON.stringify(message));
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** The next frame, as soon as it is there. */
  async next(): Promise<unknown> {
    for (;;) {
      const frame = this.#arrived.shift();
      if (frame !== undefined) return JSON.parse(frame);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** All that the hub had for this socket until it has read everything sent before. */
  async settle(): Promise<unknown[]> {
    this.sendRaw(BARRIER);
    const frames: unknown[] = [];
    for (;;) {
      const frame = await this.next();
      if (JSON.stringify(frame) === '{"type":"pong"}') return frames;
      frames.push(frame);
    }
  }

  /** Subscribes, and waits until that is in force. */
  async subscribe(...topics: string[]): Promise<void> {
    this.send({ type: 'subscribe', topics });
    const frames = await this.settle();
    if (frames.length > 0) throw new Error(`refused: ${JSON.stringify(frames)}`);
  }
}
