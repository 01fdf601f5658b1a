import { z } from 'zod';
import {
  countDropped,
  fullAllowance,
  goodConduct,
  spend,
  spendFrame,
  strike,
  type Allowance,
  type Conduct,
} from './conduct.ts';
import {
  errorFrame,
  LIVE_FRAME_START,
  MAILBOX_LIMITS,
  MAILBOX_TOPIC_PREFIX,
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
  /** A token could not be looked at, so nobody knows whether it is good: the client is to come back. */
  unavailable: { code: 1013, reason: 'hub/unavailable' },
  /** It asked for a mailbox of which another hub hears: the client is to connect anew, at the address of the session. */
  elsewhere: { code: 1012, reason: 'hub/elsewhere' },
  /** The hub's process is told to end: the client is to come back after a random pause. */
  stopping: { code: 1001, reason: 'hub/stopping' },
} as const;

/**
 * What happens to the hub. `Socket` is whatever the adapter tells sockets apart by; the hub only compares it.
 * Times (`now`) are in milliseconds, since any moment.
 */
export type HubEvent<Socket> =
  /** A socket came, or came back from hibernation with what was to be remembered. */
  | ({ type: 'connected'; socket: Socket } & HeldTopics)
  | { type: 'received'; socket: Socket; frame: ReceivedFrame; now: number }
  /** The answer to an `authorize` effect. */
  | { type: 'authorized'; socket: Socket; ticket: number; verdict: Verdict; now: number }
  /** The relay publishes a frame to the topic of a mailbox. */
  | { type: 'published'; topic: string; frame: string }
  | { type: 'disconnected'; socket: Socket }
  /** The process is about to end. */
  | { type: 'stopping' };

/** A text frame, or a binary one, of which nothing but the size counts. */
export type ReceivedFrame = string | { readonly byteLength: number };

/** Whose key made the token, if it opens what was asked; `unknown` when that was not to be had, `elsewhere` where another hub serves the session. */
export type Verdict = 'writer' | 'reader' | 'bad' | 'unknown' | 'elsewhere';

/** What a socket listens to. */
export interface HeldTopics {
  readonly topics: readonly string[];
  /** Those of them, all of mailboxes, that a reader's token opened ([HB32]). */
  readonly readerOf: readonly string[];
}

/** What the adapter has to do, in this order. */
export type HubEffect<Socket> =
  /** Send one text frame, the same to all. */
  | { type: 'send'; receivers: readonly Socket[]; frame: string }
  /** Keep a socket's topics, all of them, so that they outlive this object. */
  | ({ type: 'remember'; socket: Socket } & HeldTopics)
  /** Find out whether the token opens this session for reading, and tell it with the ticket in an `authorized` event. */
  | { type: 'authorize'; socket: Socket; ticket: number; sessionId: string; token: string }
  /** Close a socket. The hub has forgotten it already. */
  | { type: 'close'; socket: Socket; code: number; reason: string };

interface Member {
  readonly topics: Set<string>;
  /** Null instead of an empty one, which would take memory with every socket. */
  readerOf: Set<string> | null;
  readonly conduct: Conduct;
  /** A subscribe whose token is being looked at. What the socket sends meanwhile waits, so that its order stays. */
  pending: {
    readonly ticket: number;
    readonly topics: ReadonlySet<string>;
    /** The one among them that the token is for. */
    readonly mailbox: string;
    readonly waiting: string[];
  } | null;
}

/** Who is connected, and who listens to what. Only this file looks inside. */
export interface Hub<Socket> {
  readonly members: Map<Socket, Member>;
  readonly subscribers: Map<string, Set<Socket>>;
  /** What the readers of a mailbox may still send, by topic: of those topics only in which a reader has sent something. */
  readonly readersLive: Map<string, Allowance>;
  /** The number of the next `authorize` effect. */
  nextTicket: number;
}

/** A hub without sockets. */
export function createHub<Socket>(): Hub<Socket> {
  return { members: new Map(), subscribers: new Map(), readersLive: new Map(), nextTicket: 0 };
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
      hub.members.set(event.socket, {
        topics: new Set(),
        readerOf: event.readerOf.length === 0 ? null : new Set(event.readerOf),
        conduct: goodConduct(),
        pending: null,
      });
      for (const topic of event.topics) listen(hub, event.socket, topic);
      return [];
    case 'received':
      return receive(hub, event.socket, event.frame, event.now);
    case 'authorized':
      return settle(hub, event);
    case 'published': {
      const receivers = [...(hub.subscribers.get(event.topic) ?? [])];
      return receivers.length === 0 ? [] : [{ type: 'send', receivers, frame: event.frame }];
    }
    case 'disconnected':
      forget(hub, event.socket);
      return [];
    case 'stopping': {
      const sockets = [...hub.members.keys()];
      for (const socket of sockets) forget(hub, socket);
      return sockets.map((socket) => ({ type: 'close', socket, ...HUB_CLOSES.stopping }));
    }
  }
}

/**
 * What to keep of a socket: at most 16,384 bytes as a structured clone. A topic of a mailbox is ASCII, which takes one byte a
 * character, so that both its places together take no more than the two that {@link SIGNALING_LIMITS.topicsBytes} counts.
 */
export interface RememberedSocket extends HeldTopics {
  /** The relay's origin, as the socket reached it: whom its tokens have to be for. */
  readonly origin: string;
}

const remembered = z.object({
  topics: z.array(z.string()),
  readerOf: z.array(z.string()),
  origin: z.string(),
});

/** Reads back what was kept of a socket; `undefined` when it is nothing that a hub wrote. */
export function parseRememberedSocket(value: unknown): RememberedSocket | undefined {
  return remembered.safeParse(value).data;
}

function receive<Socket>(
  hub: Hub<Socket>,
  socket: Socket,
  frame: ReceivedFrame,
  now: number,
): HubEffect<Socket>[] {
  const member = hub.members.get(socket);
  if (!member) return [];
  const refuse = (code: SignalingErrorCode) => refuseFrame(hub, socket, member, code, now);

  const isLive = typeof frame === 'string' && frame.startsWith(LIVE_FRAME_START);
  if (!spendFrame(member.conduct, isLive ? 'live' : 'frames', now)) {
    return countDropped(member.conduct) ? refuse('hub/too-fast') : [];
  }
  if (isTooLarge(frame)) return refuse('hub/frame-too-large');
  if (typeof frame !== 'string') return refuse('hub/binary-frame');
  if (!member.pending) return obey(hub, socket, member, frame, now);
  if (!mayWait(member.pending.waiting, frame)) {
    return countDropped(member.conduct) ? refuse('hub/too-fast') : [];
  }
  member.pending.waiting.push(frame);
  return [];
}

/** Whether one more frame may wait for a verdict ([HB30]). */
function mayWait(waiting: readonly string[], frame: string): boolean {
  const characters = waiting.reduce((sum, { length }) => sum + length, frame.length);
  return waiting.length < SIGNALING_LIMITS.waitingFrames && characters <= SIGNALING_LIMITS.waitingCharacters;
}

/** Does what one text frame says. */
function obey<Socket>(
  hub: Hub<Socket>,
  socket: Socket,
  member: Member,
  frame: string,
  now: number,
): HubEffect<Socket>[] {
  const refuse = (code: SignalingErrorCode) => refuseFrame(hub, socket, member, code, now);
  const message = parseClientFrame(frame);
  if (typeof message === 'string') return refuse(message);
  if ((message.type === 'live') !== frame.startsWith(LIVE_FRAME_START)) return refuse('hub/malformed');

  switch (message.type) {
    case 'subscribe': {
      const topics = new Set([...member.topics, ...message.topics]);
      const broken = brokenLimit(topics);
      if (broken) return refuse(broken);
      if (topics.size === member.topics.size) return [];
      const mailboxes = [...topics].filter((topic) => isReserved(topic) && !member.topics.has(topic));
      if (mailboxes.length === 0) return subscribe(hub, socket, member, topics);
      // A token is for one session.
      const [mailbox = ''] = mailboxes;
      const sessionId = mailbox.slice(MAILBOX_TOPIC_PREFIX.length);
      const { token } = message;
      if (mailboxes.length > 1 || !/^[\w-]{22}$/.test(sessionId) || typeof token !== 'string') {
        return refuse('hub/token-refused');
      }
      const ticket = hub.nextTicket++;
      member.pending = { ticket, topics, mailbox, waiting: [] };
      return [{ type: 'authorize', socket, ticket, sessionId, token }];
    }
    case 'unsubscribe': {
      const held = member.topics.size;
      for (const topic of message.topics) unlisten(hub, socket, topic);
      if (member.topics.size === held) return [];
      return [remember(socket, member)];
    }
    case 'publish': {
      if (isReserved(message.topic)) return refuse('hub/reserved-topic');
      if (!member.topics.has(message.topic)) return refuse('hub/not-subscribed');
      const receivers = [...(hub.subscribers.get(message.topic) ?? [])];
      return [{ type: 'send', receivers, frame: addClients(frame, receivers.length) }];
    }
    case 'live': {
      const { topic, envelope } = message;
      if (!isReserved(topic)) return refuse('hub/malformed');
      if (!member.topics.has(topic)) return refuse('hub/not-subscribed');
      if (envelope.length > MAILBOX_LIMITS.liveCharacters) return refuse('hub/live-too-large');
      if (member.readerOf?.has(topic) && !spendReadersLive(hub, topic, now)) {
        return countDropped(member.conduct) ? refuse('hub/too-fast') : [];
      }
      const receivers = [...(hub.subscribers.get(topic) ?? [])].filter((receiver) => receiver !== socket);
      return receivers.length === 0 ? [] : [{ type: 'send', receivers, frame }];
    }
    case 'ping':
      return [{ type: 'send', receivers: [socket], frame: PONG_FRAME }];
  }
}

/** Ends the wait for a token's verdict: subscribes or refuses, and then does what was sent meanwhile. */
function settle<Socket>(
  hub: Hub<Socket>,
  { socket, ticket, verdict, now }: Extract<HubEvent<Socket>, { type: 'authorized' }>,
): HubEffect<Socket>[] {
  const member = hub.members.get(socket);
  if (member?.pending?.ticket !== ticket) return [];
  const { topics, mailbox, waiting } = member.pending;
  member.pending = null;
  if (verdict === 'reader') (member.readerOf ??= new Set()).add(mailbox);
  if (verdict === 'unknown' || verdict === 'elsewhere') {
    forget(hub, socket);
    return [{ type: 'close', socket, ...HUB_CLOSES[verdict === 'unknown' ? 'unavailable' : 'elsewhere'] }];
  }
  const effects =
    verdict === 'bad'
      ? refuseFrame(hub, socket, member, 'hub/token-refused', now)
      : subscribe(hub, socket, member, topics);
  for (const [index, frame] of waiting.entries()) {
    const current = hub.members.get(socket);
    if (!current) break;
    if (current.pending) {
      current.pending.waiting.push(...waiting.slice(index));
      break;
    }
    effects.push(...obey(hub, socket, member, frame, now));
  }
  return effects;
}

function subscribe<Socket>(
  hub: Hub<Socket>,
  socket: Socket,
  member: Member,
  topics: ReadonlySet<string>,
): HubEffect<Socket>[] {
  for (const topic of topics) listen(hub, socket, topic);
  return [remember(socket, member)];
}

function remember<Socket>(socket: Socket, { topics, readerOf }: Member): HubEffect<Socket> {
  return { type: 'remember', socket, topics: [...topics], readerOf: [...(readerOf ?? [])] };
}

/** Takes one live frame from what all readers of a mailbox share ([HB32]); false when there is none left. */
function spendReadersLive<Socket>({ readersLive }: Hub<Socket>, topic: string, now: number): boolean {
  const allowance = readersLive.get(topic) ?? fullAllowance('readersLive');
  readersLive.set(topic, allowance);
  return spend(allowance, 'readersLive', now);
}

function isReserved(topic: string): boolean {
  return topic.startsWith(MAILBOX_TOPIC_PREFIX);
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
  const member = hub.members.get(socket);
  member?.topics.delete(topic);
  member?.readerOf?.delete(topic);
  const subscribers = hub.subscribers.get(topic);
  subscribers?.delete(socket);
  if (subscribers?.size !== 0) return;
  hub.subscribers.delete(topic);
  hub.readersLive.delete(topic);
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

function isTooLarge(frame: ReceivedFrame): boolean {
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
