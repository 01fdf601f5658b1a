import { DurableObject } from 'cloudflare:workers';
import { PING_FRAME, PONG_FRAME } from '@parley/signaling/protocol';
import type { Env } from '../../apps/signaling/cloudflare/src/env.ts';

/** The floor of a hub that hibernates, for the benchmark: it accepts, remembers topics with the socket, and forwards. No rule is kept. */
export class Hub extends DurableObject<Env> {
  #rooms: Map<string, Set<WebSocket>> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_FRAME, PONG_FRAME));
  }

  override fetch(): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    socket.serializeAttachment([]);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, frame: string): void {
    const message = JSON.parse(frame) as { type: string; topic: string; topics: string[] };
    this.#rooms ??= this.#restore();
    if (message.type === 'ping') socket.send(PONG_FRAME);
    else if (message.type === 'subscribe') {
      for (const topic of message.topics) this.#enter(topic, socket);
      socket.serializeAttachment(message.topics);
    } else {
      const room = this.#rooms.get(message.topic) ?? new Set();
      const sent = `${frame.slice(0, -1)},"clients":${room.size}}`;
      for (const receiver of room) receiver.send(sent);
    }
  }

  override webSocketClose(socket: WebSocket): void {
    for (const room of this.#rooms?.values() ?? []) room.delete(socket);
    socket.close();
  }

  #restore(): Map<string, Set<WebSocket>> {
    this.#rooms = new Map();
    for (const socket of this.ctx.getWebSockets()) {
      for (const topic of socket.deserializeAttachment() as string[]) this.#enter(topic, socket);
    }
    return this.#rooms;
  }

  #enter(topic: string, socket: WebSocket): void {
    const room = this.#rooms?.get(topic) ?? new Set();
    this.#rooms?.set(topic, room.add(socket));
  }
}

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    if (request.headers.get('Upgrade') !== 'websocket') return Response.json({ status: 'ok' });
    return env.HUB.get(env.HUB.idFromName('bare')).fetch(request);
  },
} satisfies ExportedHandler<Env>;
