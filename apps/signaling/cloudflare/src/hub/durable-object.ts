import { DurableObject } from 'cloudflare:workers';
import {
  advanceHub,
  createHub,
  HUB_CLOSES,
  parseRememberedSocket,
  type Hub as HubState,
  type HubEffect,
  type HubEvent,
  type RememberedSocket,
  type Verdict,
} from '@parley/signaling/hub';
import { PING_FRAME, PONG_FRAME } from '@parley/signaling/protocol';
import { verifyToken } from '../access/token.ts';
import type { Env } from '../env.ts';
import { openMailbox } from '../mailbox/open-mailbox.ts';
import { logError } from '../operations/log.ts';
import { RelayProblem } from '../relay-problem.ts';
import { hubOf } from './hub-of.ts';
import { originOf, performEffects } from './perform-effects.ts';

/**
 * The hub as a Durable Object that hibernates: while nobody speaks it is not in memory, though its sockets stay open
 * and their pings are answered. What has to outlive that is in the sockets' attachments. It sets no timer and no
 * alarm, which would keep it awake, and awaits nothing but, for the moment that takes, what a token opens.
 */
export class Hub extends DurableObject<Env> {
  /** Absent until a frame needs it: neither a connection nor a farewell has to wake all the sockets. */
  #hub: HubState<WebSocket> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_FRAME, PONG_FRAME));
  }

  /** Answers a WebSocket upgrade. */
  override fetch(request: Request): Response {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    const { origin } = new URL(request.url);
    socket.serializeAttachment({ topics: [], readerOf: [], origin } satisfies RememberedSocket);
    this.#tell({ type: 'connected', socket, topics: [], readerOf: [] });
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): void {
    this.#hub ??= this.#restoreHub();
    this.#tell({ type: 'received', socket, frame, now: Date.now() });
  }

  /** Publishes a frame of the relay's own to the topic of a mailbox ([HB27]). Called by the Worker. */
  publish(topic: string, frame: string): void {
    this.#hub ??= this.#restoreHub();
    this.#tell({ type: 'published', topic, frame });
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
    const unreachable = performEffects(advanceHub(this.#hub, event), (effect) =>
      this.ctx.waitUntil(this.#authorize(effect)),
    );
    for (const socket of unreachable) advanceHub(this.#hub, { type: 'disconnected', socket });
  }

  /** Finds out what a token opens ([HB26]), and tells the hub. */
  async #authorize(effect: Extract<HubEffect<WebSocket>, { type: 'authorize' }>): Promise<void> {
    const { socket, ticket } = effect;
    const verdict = await this.#judge(effect);
    this.#tell({ type: 'authorized', socket, ticket, verdict, now: Date.now() });
  }

  async #judge({
    socket,
    sessionId,
    token,
  }: Extract<HubEffect<WebSocket>, { type: 'authorize' }>): Promise<Verdict> {
    try {
      // Subscribed here, it would hear nothing of what the mailbox tells ([HB41]).
      if (!hubOf(this.env, sessionId).id.equals(this.ctx.id)) return 'elsewhere';
      const asked = { sessionId, audience: originOf(socket), scope: 'read', now: Date.now() } as const;
      const caller = await verifyToken(token, asked);
      await openMailbox(this.env).authorize({ ...caller, prefix: null });
      return caller.role;
    } catch (error) {
      if (error instanceof RelayProblem && error.code !== 'relay/unavailable') return 'bad';
      logError('hub token', error instanceof RelayProblem ? error.cause : error);
      return 'unknown';
    }
  }

  #restoreHub(): HubState<WebSocket> {
    const hub = createHub<WebSocket>();
    for (const socket of this.ctx.getWebSockets()) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const remembered = parseRememberedSocket(socket.deserializeAttachment());
      if (remembered) advanceHub(hub, { type: 'connected', socket, ...remembered });
      else socket.close(HUB_CLOSES.forgotten.code, HUB_CLOSES.forgotten.reason);
    }
    return hub;
  }
}
