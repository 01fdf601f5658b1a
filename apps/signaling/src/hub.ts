import { z } from 'zod';
import { countDropped, goodConduct, spendFrame, strike, type Conduct } from './conduct.ts';
import {
  errorFrame,
  parseClientFrame,
  PONG_FRAME,
  SIGNALING_LIMITS,
  type SignalingErrorCode,
} from './protocol/index.ts';

/** Why the hub closes a socket: WebSocket close code and reason. */
export const HUB_CLOSES = {
  /** It kept sending what the hub refuses. */
  tooManyStrikes: { code: 1008, reason: 'hub/too-many-strikes' },
  /** It sent a frame over the limit. At once, because every such frame has taken up memory already. */
  frameTooLarge: { code: 1009, reason: 'hub/frame-too-large' },
  /** An adapter woke and cannot read what it remembered of the socket: the client is to connect and subscribe anew. */
  forgotten: { code: 1012, reason: 'hub/forgotten' },
} as const;

/**
 * What happens to the hub. `Socket` is whatever the adapter tells sockets apart by; the hub only compares it.
 * Times (`now`) are in milliseconds, since any moment.
 */
export type HubEvent<Socket> =
  /** A socket came, or came back from hibernation with the topics that were to be remembered. */
  | { type: 'connected'; socket: Socket; topics: readonly string[] }
  | { type: 'received'; socket: Socket; frame: string | ArrayBuffer; now: number }
  | { type: 'disconnected'; socket: Socket };

/** What the adapter has to do, in this order. */
export type HubEffect<Socket> =
  /** Send one text frame, the same to all. */
  | { type: 'send'; receivers: readonly Socket[]; frame: string }
  /** Keep a socket's topics, all of them, so that they outlive this object. */
  | { type: 'remember'; socket: Socket; topics: readonly string[] }
  /** Close a socket. The hub has forgotten it already. */
  | { type: 'close'; socket: Socket; code: number; reason: string };

interface Member {
  readonly topics: Set<string>;
  readonly conduct: Conduct;
}

/** Who is connected, and who listens to what. Only this file looks inside. */
export interface Hub<Socket> {
  readonly members: Map<Socket, Member>;
  readonly subscribers: Map<string, Set<Socket>>;
}

/** A hub without sockets. */
export function createHub<Socket>(): Hub<Socket> {
  return { members: new Map(), subscribers: new Map() };
}

/**
 * Tells the hub what happened and answers with what to do about it. It changes `hub`, performs nothing itself, and
 * throws for no input. Events of a socket that it does not know (any more) are ignored. The rules
 * are those of the hub in docs/spec.md, [HB1] and after.
 */
export function advanceHub<Socket>(hub: Hub<Socket>, event: HubEvent<Socket>): HubEffect<Socket>[] {
  switch (event.type) {
    case 'connected':
      forget(hub, event.socket);
      hub.members.set(event.socket, { topics: new Set(), conduct: goodConduct() });
      for (const topic of event.topics) listen(hub, event.socket, topic);
      return [];
    case 'received':
      return receive(hub, event.socket, event.frame, event.now);
    case 'disconnected':
      forget(hub, event.socket);
      return [];
  }
}

/** What to keep of a socket for a `remember` effect: at most 16,384 bytes as a structured clone. */
export interface RememberedSocket {
  readonly topics: readonly string[];
}

const remembered = z.object({ topics: z.array(z.string()) });

/** Reads back what was kept of a socket; `undefined` when it is nothing that a hub wrote. */
export function parseRememberedSocket(value: unknown): RememberedSocket | undefined {
  return remembered.safeParse(value).data;
}

function receive<Socket>(
  hub: Hub<Socket>,
  socket: Socket,
  frame: string | ArrayBuffer,
  now: number,
): HubEffect<Socket>[] {
  const member = hub.members.get(socket);
  if (!member) return [];
  const refuse = (code: SignalingErrorCode) => refuseFrame(hub, socket, member, code, now);

  if (!spendFrame(member.conduct, now)) return countDropped(member.conduct) ? refuse('hub/too-fast') : [];
  if (isTooLarge(frame)) return refuse('hub/frame-too-large');
  if (typeof frame !== 'string') return refuse('hub/binary-frame');
  const message = parseClientFrame(frame);
  if (typeof message === 'string') return refuse(message);

  switch (message.type) {
    case 'subscribe': {
      const topics = new Set([...member.topics, ...message.topics]);
      const broken = brokenLimit(topics);
      if (broken) return refuse(broken);
      if (topics.size === member.topics.size) return [];
      for (const topic of topics) listen(hub, socket, topic);
      return [{ type: 'remember', socket, topics: [...member.topics] }];
    }
    case 'unsubscribe': {
      const held = member.topics.size;
      for (const topic of message.topics) unlisten(hub, socket, topic);
      if (member.topics.size === held) return [];
      return [{ type: 'remember', socket, topics: [...member.topics] }];
    }
    case 'publish': {
      if (!member.topics.has(message.topic)) return refuse('hub/not-subscribed');
      const receivers = [...(hub.subscribers.get(message.topic) ?? [])];
      return [{ type: 'send', receivers, frame: addClients(frame, receivers.length) }];
    }
    case 'ping':
      return [{ type: 'send', receivers: [socket], frame: PONG_FRAME }];
  }
}

/** Answers a frame with an error and a strike, and closes the socket when that was one too many. */
function refuseFrame<Socket>(
  hub: Hub<Socket>,
  socket: Socket,
  member: Member,
  code: SignalingErrorCode,
  now: number,
): HubEffect<Socket>[] {
  const effects: HubEffect<Socket>[] = [{ type: 'send', receivers: [socket], frame: errorFrame(code) }];
  const isLast = strike(member.conduct, now);
  if (code === 'hub/frame-too-large') effects.push({ type: 'close', socket, ...HUB_CLOSES.frameTooLarge });
  else if (isLast) effects.push({ type: 'close', socket, ...HUB_CLOSES.tooManyStrikes });
  else return effects;
  forget(hub, socket);
  return effects;
}

function listen<Socket>(hub: Hub<Socket>, socket: Socket, topic: string): void {
  hub.members.get(socket)?.topics.add(topic);
  const subscribers = hub.subscribers.get(topic);
  if (subscribers) subscribers.add(socket);
  else hub.subscribers.set(topic, new Set([socket]));
}

function unlisten<Socket>(hub: Hub<Socket>, socket: Socket, topic: string): void {
  hub.members.get(socket)?.topics.delete(topic);
  const subscribers = hub.subscribers.get(topic);
  subscribers?.delete(socket);
  if (subscribers?.size === 0) hub.subscribers.delete(topic);
}

function forget<Socket>(hub: Hub<Socket>, socket: Socket): void {
  for (const topic of hub.members.get(socket)?.topics ?? []) unlisten(hub, socket, topic);
  hub.members.delete(socket);
}

/** Which limit a socket that held these topics would break. */
function brokenLimit(topics: ReadonlySet<string>): SignalingErrorCode | undefined {
  if (topics.size > SIGNALING_LIMITS.topics) return 'hub/too-many-topics';
  let bytes = 0;
  for (const topic of topics) {
    if (topic.length > SIGNALING_LIMITS.topicCharacters) return 'hub/topic-too-long';
    bytes += 2 * topic.length;
  }
  return bytes > SIGNALING_LIMITS.topicsBytes ? 'hub/topics-too-large' : undefined;
}

const utf8 = new TextEncoder();

function isTooLarge(frame: string | ArrayBuffer): boolean {
  const { frameBytes } = SIGNALING_LIMITS;
  if (typeof frame !== 'string') return frame.byteLength > frameBytes;
  // A UTF-16 code unit becomes one to three bytes: only a frame in between has to be measured.
  if (frame.length > frameBytes) return true;
  return frame.length * 3 > frameBytes && utf8.encode(frame).byteLength > frameBytes;
}

/**
 * Adds the number of receivers to a publish, as its last member: the rest of the text stays as the client wrote it,
 * is not serialised again (deep nesting would overflow the stack, and `1e20` grow fourfold), and a `clients` of the
 * client's own is overruled, because `JSON.parse` takes the last of equal names.
 */
function addClients(frame: string, clients: number): string {
  return `${frame.slice(0, frame.lastIndexOf('}'))},"clients":${clients}}`;
}
