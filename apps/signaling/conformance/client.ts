/** A ping that the hub answers itself, after all that came before; the exact one of y-webrtc may be answered by its runtime. */
const BARRIER = '{ "type": "ping" }';

/** A client's WebSocket to the hub under test. Whatever arrives waits until it is asked for. */
export class Client {
  readonly #socket: WebSocket;
  readonly #arrived: string[] = [];
  #wake: () => void = () => undefined;
  /** How the hub closed the socket. */
  readonly closed: Promise<{ code: number; reason: string }>;

  /** @throws {Error} when there is no WebSocket to be had */
  static async connect(url: string): Promise<Client> {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${url.split('?')[0]}`)));
    });
    return client;
  }

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.#arrived.push(String(data));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => {
        resolve({ code, reason });
        this.#wake();
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  sendRaw(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  send(message: unknown): void {
    this.sendRaw(JSON.stringify(message));
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    await this.closed;
  }

  /** The next frame as it came, as soon as it is there; undefined once the socket has closed. */
  async nextRaw(): Promise<string | undefined> {
    for (;;) {
      const frame = this.#arrived.shift();
      if (frame !== undefined) return frame;
      if (this.#socket.readyState === WebSocket.CLOSED) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async next(): Promise<unknown> {
    const frame = await this.nextRaw();
    return frame === undefined ? undefined : JSON.parse(frame);
  }

  /** All that the hub had for this socket until it has read everything sent before, or has closed it. */
  async settle(): Promise<unknown[]> {
    if (this.isOpen) this.sendRaw(BARRIER);
    const frames: unknown[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame === undefined || JSON.stringify(frame) === '{"type":"pong"}') return frames;
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
