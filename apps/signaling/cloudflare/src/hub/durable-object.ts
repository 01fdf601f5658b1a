import { DurableObject } from 'cloudflare:workers';
import {
  advanceHub,
  createHub,
  HUB_CLOSES,
  parseRememberedSocket,
  type Hub as HubState,
  type HubEvent,
  type RememberedSocket,
} from '@parley/signaling/hub';
import { PING_FRAME, PONG_FRAME } from '@parley/signaling/protocol';
import type { Env } from '../env.ts';
import { performEffects } from './perform-effects.ts';

/**
 * The hub as a Durable Object that hibernates: while nobody speaks it is not in memory, though its sockets stay open
 * and their pings are answered. What has to outlive that is in the sockets' attachments. It sets no timer and no
 * alarm, and awaits nothing: any of those would keep it awake.
 */
export class Hub extends DurableObject<Env> {
  /** Absent until a frame needs it: neither a connection nor a farewell has to wake all the sockets. */
  #hub: HubState<WebSocket> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_FRAME, PONG_FRAME));
  }

  /** Answers a WebSocket upgrade. */
  override fetch(): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    socket.serializeAttachment({ topics: [] } satisfies RememberedSocket);
    this.#tell({ type: 'connected', socket, topics: [] });
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): void {
    this.#hub ??= this.#restoreHub();
    this.#tell({ type: 'received', socket, frame, now: Date.now() });
  }

  override webSocketClose(socket: WebSocket): void {
    this.#tell({ type: 'disconnected', socket });
    // The runtime leaves it to the object to answer a close, or the client waits for its own time-out.
    socket.close();
  }

  override webSocketError(socket: WebSocket): void {
    this.#tell({ type: 'disconnected', socket });
  }

  /** Tells a hub that is in memory; another learns it from the sockets when it is restored. */
  #tell(event: HubEvent<WebSocket>): void {
    if (!this.#hub) return;
    for (const socket of performEffects(advanceHub(this.#hub, event))) {
      advanceHub(this.#hub, { type: 'disconnected', socket });
    }
  }

  #restoreHub(): HubState<WebSocket> {
    const hub = createHub<WebSocket>();
    for (const socket of this.ctx.getWebSockets()) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const remembered = parseRememberedSocket(socket.deserializeAttachment());
      if (remembered) advanceHub(hub, { type: 'connected', socket, topics: remembered.topics });
      else socket.close(HUB_CLOSES.forgotten.code, HUB_CLOSES.forgotten.reason);
    }
    return hub;
  }
}
