import * as z from 'zod/mini';
import { ENVELOPE_LIMIT } from './envelope.ts';

/** What the mailbox takes at once. */
export const MAILBOX_LIMITS = {
  /**
   * Bytes of one request: a snapshot, or an append with one envelope and its length. Several envelopes together, without their
   * lengths, have to fit into one commit of the relay: 2,700,000 bytes of them.
   */
  requestBytes: ENVELOPE_LIMIT,
  /** Envelopes in one append. */
  appendEnvelopes: 100,
  /** Bytes of entries in one answer to a pull, a snapshot apart; a larger entry is the only one with its bytes. */
  pullBytes: 4 * 1024 * 1024,
  /** Entries with their bytes in one answer to a pull. */
  pullEntries: 1_000,
  /** Hashes in one answer to a pull: who is further back than that gets the snapshot without them. */
  pullHashes: 10_000,
  /** Snapshots that are kept, the current one included. */
  snapshots: 5,
  /** An append of no more bytes than this is told with its envelopes, so that nobody has to ask for them. */
  notifiedBytes: 32 * 1024,
  /** Characters of base64url of one live envelope. */
  liveCharacters: 32 * 1024,
} as const;

/** Topics of the hub that begin like this are the mailbox's: subscribing takes a token, and only the relay publishes. */
export const MAILBOX_TOPIC_PREFIX = 'parley/mailbox/';

export function mailboxTopic(sessionId: string): string {
  return `${MAILBOX_TOPIC_PREFIX}${sessionId}`;
}

const count = z.int().check(z.nonnegative());
const id = z.string().check(z.regex(/^[\w-]{22}$/));
const hash = z.string().check(z.regex(/^[\w-]{43}$/));

/** The snapshot that the log goes on from. */
const currentSnapshot = z.object({ id, covers: count });

/**
 * The first part of the answer to `GET log?after=`: 4 bytes with its length, this as JSON, and then the bytes of what it
 * lists, in this order: tombstone, snapshot, entries.
 */
export const logHeader = z.object({
  /** The writer's raw public key, base64url: whoever reads checks it against the session id. */
  writer: hash,
  epoch: id,
  /** The last seq that was given; 0 before the first. */
  head: count,
  /** The current snapshot, whether its bytes are in this answer or not. */
  current: z.nullable(currentSnapshot),
  /** Size of the tombstone: the session was deleted, and nothing else is here any more. */
  tombstone: z.nullable(count),
  /**
   * Size of the current snapshot, when it is in this answer. The entries begin at `after + 1` then, as hashes up to what it
   * covers, so that who asked can extend its chain and compare; or, where it began at 0 or the hashes are not known or too
   * many, at `covers + 1`.
   */
  snapshot: z.nullable(count),
  /** Seq of the first entry; where there is none, the one it would have. */
  first: count,
  /** Each entry's size, or its hash where the snapshot of this answer covers it. Their seqs have no gap, hashes come first. */
  entries: z.array(z.union([count, hash])),
});

export type LogHeader = z.infer<typeof logHeader>;

/** The answer to `POST log`: the seqs of the envelopes, in the order in which they came. */
export const appendAnswer = z.object({ epoch: id, head: count, seqs: z.array(count) });

export type AppendAnswer = z.infer<typeof appendAnswer>;

/** The answer to `PUT snapshot`: the snapshot is the current one, now or already. */
export const snapshotAnswer = z.object({ epoch: id, head: count, current: currentSnapshot });

export type SnapshotAnswer = z.infer<typeof snapshotAnswer>;

/** The answer to `GET snapshots`: those that are kept, newest first. The bytes of one: `GET snapshots/<id>`. */
export const snapshotsAnswer = z.object({
  snapshots: z.array(
    z.object({
      id,
      covers: count,
      size: count,
      /** When it came, in milliseconds since 1970. */
      at: count,
    }),
  ),
});

export type SnapshotsAnswer = z.infer<typeof snapshotsAnswer>;

/** What the relay publishes to a mailbox's topic. */
export const mailboxFrame = z.discriminatedUnion('type', [
  /** The log has grown, or has another snapshot. Small envelopes come along, the last of them at `head`. */
  z.object({
    type: z.literal('mailbox'),
    topic: z.string(),
    epoch: id,
    head: count,
    current: z.nullable(currentSnapshot),
    /** base64url. */
    envelopes: z.array(z.string()),
  }),
  /** Somebody's presence, or a change that has not been stored yet. It comes from another subscriber, unchecked. */
  z.object({ type: z.literal('live'), topic: z.string(), envelope: z.string() }),
]);

export type MailboxFrame = z.infer<typeof mailboxFrame>;

/** Writes the answer to a pull. `bodies` are what `header` lists. */
export function encodeLog(header: LogHeader, bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const whole = new Uint8Array(4 + json.length + bodies.reduce((sum, body) => sum + body.length, 0));
  new DataView(whole.buffer).setUint32(0, json.length);
  whole.set(json, 4);
  let at = 4 + json.length;
  for (const body of bodies) {
    whole.set(body, at);
    at += body.length;
  }
  return whole;
}

/** One entry of the log, with its bytes where they are still kept. */
export type LogEntry =
  | { readonly seq: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly seq: number; readonly hash: string };

export interface Log {
  readonly header: LogHeader;
  readonly tombstone: Uint8Array<ArrayBuffer> | null;
  readonly snapshot: Uint8Array<ArrayBuffer> | null;
  readonly entries: readonly LogEntry[];
}

/** Reads the answer to a pull; null when it is none. */
export function decodeLog(bytes: Uint8Array<ArrayBuffer>): Log | null {
  if (bytes.length < 4) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const header = logHeader.safeParse(parseJson(bytes.subarray(4, 4 + length))).data;
  if (!header) return null;
  let at = 4 + length;
  const take = (size: number) => {
    const body = bytes.slice(at, at + size);
    at += size;
    return body;
  };
  const tombstone = header.tombstone === null ? null : take(header.tombstone);
  const snapshot = header.snapshot === null ? null : take(header.snapshot);
  const entries = header.entries.map((entry, index): LogEntry => {
    const seq = header.first + index;
    return typeof entry === 'string' ? { seq, hash: entry } : { seq, bytes: take(entry) };
  });
  return at === bytes.length ? { header, tombstone, snapshot, entries } : null;
}

/** Writes the body of `POST log`: every envelope behind 4 bytes with its length. */
export function encodeAppend(envelopes: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(envelopes.reduce((sum, envelope) => sum + 4 + envelope.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const envelope of envelopes) {
    view.setUint32(at, envelope.length);
    whole.set(envelope, at + 4);
    at += 4 + envelope.length;
  }
  return whole;
}

/** Reads the body of `POST log`; null when it is none, holds nothing or too many. The envelopes are views of `bytes`. */
export function decodeAppend(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const envelopes: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return null;
    const end = at + 4 + view.getUint32(at);
    if (end > bytes.length || envelopes.length === MAILBOX_LIMITS.appendEnvelopes) return null;
    envelopes.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return envelopes.length > 0 ? envelopes : null;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
