import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { refuseVisitor } from '../access.ts';
import { Connections } from '../connections.ts';
import { prefixOf } from '../ip-prefix.ts';
import type { ProblemCode } from '../protocol/problems.ts';
import { SIGNALING_LIMITS } from '../protocol/signaling.ts';
import { StandaloneHub } from '../standalone-hub.ts';
import { HubSocket, type SocketOwner } from './hub-socket.ts';
import { answerRequest, refuseUpgrade } from './answers.ts';
import type { Measured } from './metrics.ts';
import { HUB_PATH, type HubSettings } from '../settings.ts';
import { textFrame } from './text-frame.ts';
import { keyOf, pathOf, visitorOf } from './visit.ts';

/** How often it is looked after sockets that say nothing, in milliseconds ([HB35]). */
const LOOK_EVERY = 30_000;

/** How long sockets may take to answer a farewell, in milliseconds. */
export const FAREWELL_WITHIN = 2_000;

function destroyStream(this: Duplex): void {
  this.destroy();
}

/** The hub as a server of its own, under Node. */
export class HubServer {
  readonly #settings: HubSettings;
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    WebSocket: HubSocket,
    // A frame is made once for all receivers; compressed, it would be made anew for each.
    perMessageDeflate: false,
    // The hub answers what is too large. This is for what it should not even have to take in.
    maxPayload: 16 * SIGNALING_LIMITS.frameBytes,
  });
  readonly #hub = new StandaloneHub<HubSocket>({
    send: (receivers, text) => this.#send(receivers, text),
    close: (socket, code, reason) => socket.close(code, reason),
  });
  readonly #owner: SocketOwner = {
    received: (socket, frame) => this.#hub.receive(socket, frame, performance.now()),
    gone: (socket) => this.#hub.disconnect(socket),
  };
  readonly #connections: Connections;
  readonly #refused = new Map<string, number>();
  #dropped = 0;
  #look: NodeJS.Timeout | undefined;

  constructor(settings: HubSettings) {
    this.#settings = settings;
    this.#connections = new Connections(settings.connectionsPerPrefix);
    this.#server = createServer((request, response) =>
      answerRequest(request, response, settings, () => this.#measure()),
    );
    this.#server.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
  }

  /**
   * Begins to listen.
   *
   * @returns the port
   * @throws {Error} Node's own, with its `code`, when the port cannot be had
   */
  async start(): Promise<number> {
    const { port, host } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host ?? undefined, resolve);
    });
    this.#look = setInterval(() => {
      for (const socket of this.#upgrades.clients) socket.look();
    }, LOOK_EVERY);
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Takes nobody in any more, bids everybody farewell and resolves when all have gone ([HB34]). */
  async stop(): Promise<void> {
    clearInterval(this.#look);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#hub.stop();
    const patience = setTimeout(() => {
      for (const socket of this.#upgrades.clients) socket.terminate();
      this.#server.closeAllConnections();
    }, FAREWELL_WITHIN);
    await closed;
    clearTimeout(patience);
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Whoever hangs up while being answered would end the process.
    stream.on('error', destroyStream);
    const code = this.#refuse(request);
    if (code) return this.#turnAway(stream, code);
    const leave = this.#connections.take(prefixOf(visitorOf(request, this.#settings.addressHeader)));
    if (!leave) return this.#turnAway(stream, 'relay/too-many-connections');
    let isIn = false;
    this.#upgrades.handleUpgrade(request, stream, head, (socket) => {
      isIn = true;
      // `ws` has one of its own.
      stream.off('error', destroyStream);
      this.#hub.connect(socket);
      socket.begin(this.#owner, stream, leave);
    });
    // What is no handshake is refused at once.
    if (!isIn) leave();
  }

  #refuse(request: IncomingMessage): ProblemCode | null {
    if (!HUB_PATH.test(pathOf(request))) return 'relay/not-found';
    return refuseVisitor(this.#settings.access, {
      origin: request.headers.origin ?? null,
      // No page comes from this server.
      at: null,
      key: keyOf(request),
    });
  }

  #turnAway(stream: Duplex, code: ProblemCode): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    refuseUpgrade(stream, code);
  }

  #send(receivers: readonly HubSocket[], text: string): HubSocket[] {
    const frame = textFrame(text);
    return receivers.filter((receiver) => {
      if (receiver.write(frame)) return false;
      if (receiver.isBehind) {
        this.#dropped += 1;
        receiver.terminate();
      }
      return true;
    });
  }

  #measure(): Measured {
    const { user, system } = process.cpuUsage();
    return {
      ...{ sockets: this.#hub.sockets, topics: this.#hub.topics, counts: this.#hub.counts },
      ...{ refused: this.#refused, dropped: this.#dropped },
      ...{ memory: process.memoryUsage.rss(), cpu: (user + system) / 1_000_000 },
    };
  }
}
