import { z } from 'zod';
import { MAILBOX_LIMITS } from './mailbox.ts';

/**
 * What the hub lets one socket do, and all readers of a mailbox together. A client that stays within these numbers is never refused; they leave a stock
 * y-webrtc client in a full mesh of thirty people a factor of about ten.
 */
export const SIGNALING_LIMITS = {
  /** Size of one frame, in bytes of UTF-8. */
  frameBytes: 65_536,
  /** Topics a socket may hold at once. */
  topics: 64,
  /** Length of one topic, in UTF-16 code units (`String.length`). */
  topicCharacters: 256,
  /**
   * Size of all topics a socket holds, in bytes, at two bytes for every UTF-16 code unit: that is how structured
   * clone stores a string as soon as one of its characters is outside Latin-1. What a Durable Object remembers of a
   * socket may not exceed 16,384 bytes; the rest of those is left for framing and for what is added later.
   */
  topicsBytes: 12_288,
  /** Frames a socket may send in the long run, per second. */
  framesPerSecond: 50,
  /**
   * Frames a socket may send at once. Refilled in `framesBurst / framesPerSecond` = 10 seconds, which is also
   * {@link SIGNALING_LIMITS.forgivenAfterMs} and the idle time after which a Durable Object may hibernate: an
   * allowance that is forgotten in hibernation was full already.
   */
  framesBurst: 500,
  /** Live frames a socket may send in the long run, per second. */
  livePerSecond: 30,
  /** Live frames a socket may send at once. Refilled in 10 seconds, too, for the same reason. */
  liveBurst: 300,
  /** Live frames that all readers of one mailbox together may send in the long run, per second, however many sockets they have. */
  readersLivePerSecond: 30,
  /** Live frames that all of them may send at once. Refilled in 10 seconds, too, for the same reason. */
  readersLiveBurst: 300,
  /** Frames of a socket that wait while its token is looked at. */
  waitingFrames: 64,
  /** Characters (UTF-16 code units) of all of them. The largest frame may wait alone. */
  waitingCharacters: 65_536,
  /**
   * Bytes that may wait to be sent to one socket. One that is further behind is dropped. Sixteen of the largest frames: more than
   * comes together while a phone changes its network for a few seconds.
   */
  backlogBytes: 1_048_576,
  /** Strikes after which a socket is closed. */
  strikes: 10,
  /** Time without a strike after which a socket's earlier ones are forgiven, in milliseconds. */
  forgivenAfterMs: 10_000,
} as const;

/** Why the hub refused a frame: the stable `code` of an error frame, and its sentence. Neither ever echoes input. */
export const SIGNALING_ERRORS = {
  'hub/binary-frame': 'Frames have to be text; this one was binary.',
  'hub/frame-too-large': `A frame may have ${SIGNALING_LIMITS.frameBytes} bytes at most.`,
  'hub/live-too-large': `A live envelope may have ${MAILBOX_LIMITS.liveCharacters} characters at most.`,
  'hub/malformed': 'The frame is not a message of the signaling protocol.',
  'hub/not-json': 'The frame is not JSON.',
  'hub/not-subscribed': 'Publishing to a topic needs a subscription to it.',
  'hub/reserved-topic': 'Only the relay publishes to the topic of a mailbox.',
  'hub/token-refused': 'Subscribing to the topic of a mailbox needs a token that opens it for reading.',
  'hub/too-fast': `A socket may send ${SIGNALING_LIMITS.framesPerSecond} frames a second, all readers of a mailbox ${SIGNALING_LIMITS.readersLivePerSecond} live ones; this one was dropped.`,
  'hub/too-many-topics': `A socket may hold ${SIGNALING_LIMITS.topics} topics at most.`,
  'hub/topic-too-long': `A topic may have ${SIGNALING_LIMITS.topicCharacters} characters at most.`,
  'hub/topics-too-large': `The topics of a socket may take ${SIGNALING_LIMITS.topicsBytes} bytes at most.`,
  'hub/unknown-type': 'The hub knows subscribe, unsubscribe, publish, live and ping.',
} as const;

export type SignalingErrorCode = keyof typeof SIGNALING_ERRORS;

/** The frames that y-webrtc sends and expects every 15 seconds, byte for byte. */
export const PING_FRAME = '{"type":"ping"}';
export const PONG_FRAME = '{"type":"pong"}';

/** How a live frame begins. It counts by this alone, so that a flood need not be parsed to be counted. */
export const LIVE_FRAME_START = '{"type":"live",';

/**
 * A list of topics, checked as one value: element by element, a hostile list of thirty thousand wrong topics would
 * cost thirty thousand error objects.
 */
const topics = z.custom<readonly string[]>(
  (value) => Array.isArray(value) && value.every((topic) => typeof topic === 'string' && topic !== ''),
);

/** What a client may say to the hub: y-webrtc's signaling protocol, and `live`. Fields that are not named here are ignored. */
const clientMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscribe'),
    topics,
    /** Opens the mailbox whose topic is among them. Another client may have a use of its own for the name. */
    token: z.optional(z.unknown()),
  }),
  z.object({ type: z.literal('unsubscribe'), topics }),
  z.object({ type: z.literal('publish'), topic: z.string().min(1) }),
  z.object({
    type: z.literal('live'),
    topic: z.string().min(1),
    envelope: z.string().regex(/^[A-Za-z0-9_-]+$/),
  }),
  z.object({ type: z.literal('ping') }),
]);

export type ClientMessage = z.infer<typeof clientMessage>;

/** Reads one text frame of a client: its message, or the code of what is wrong with it. */
export function parseClientFrame(frame: string): ClientMessage | SignalingErrorCode {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    return 'hub/not-json';
  }
  const { success, data, error } = clientMessage.safeParse(json);
  if (success) return data;
  // The only union is the one over `type`.
  return error.issues.some(({ code }) => code === 'invalid_union') ? 'hub/unknown-type' : 'hub/malformed';
}

/** The frame that tells a client which error it made. */
export function errorFrame(code: SignalingErrorCode): string {
  return JSON.stringify({ type: 'error', code, message: SIGNALING_ERRORS[code] });
}
