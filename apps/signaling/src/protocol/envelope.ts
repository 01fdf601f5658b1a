import { decodeBase64url, encodeBase64url } from './base64url.ts';

// Of its own, because a page that opens no envelope needs it as well.
export { identifyWriter } from './session-id.ts';

/**
 * An envelope: whatever leaves a device for the relay. All numbers are big-endian ([EN1]).
 *
 * ```
 *  offset  bytes
 *       0      1  version, 1
 *       1      1  kind
 *       2      2  length of the header in bytes, these four included
 *       4     22  session id, ASCII
 *      26     16  envelope id, random
 *      42     16  seen: epoch    ┐ the mailbox as the maker last saw it; all zero when it has seen nothing
 *      58      8  seen: seq      │
 *      66     32  seen: chain    ┘
 *      98      …  what the kind adds (snapshot, presence), and what later versions will
 *       h     12  nonce
 *    h+12    n+16  AES-256-GCM ciphertext and tag; the additional data is the whole header
 *        …     64  Ed25519 signature over "parley/v1/envelope" ‖ header ‖ SHA-256(nonce ‖ ciphertext)
 * ```
 */
export const ENVELOPE_VERSION = 1;

/** The kinds that this version knows, by the number that stands for them. Numbers are never given to another kind. */
export const ENVELOPE_KINDS = {
  1: 'update',
  2: 'snapshot',
  3: 'presence',
  4: 'notice',
  5: 'tombstone',
} as const;

/** Largest envelope, in bytes. */
export const ENVELOPE_LIMIT = 32 * 1024 * 1024;

/** What every envelope has besides its header and content, in bytes: nonce, tag, signature. */
export const ENVELOPE_OVERHEAD = 12 + 16 + 64;

/** Where the mailbox stood when somebody last looked. */
export interface Position {
  /** Which log: 16 random bytes, base64url. A log that is made anew has another. */
  readonly epoch: string;
  /** Of the last envelope seen; 0 before the first. */
  readonly seq: number;
  /** The chain up to `seq`: 32 bytes, base64url. See {@link extendChain}. */
  readonly chain: string;
}

interface CommonHeader {
  readonly version: number;
  readonly sessionId: string;
  /** 16 random bytes, base64url. */
  readonly id: string;
  readonly seen: Position | null;
}

export type EnvelopeHeader = CommonHeader &
  (
    | { readonly kind: 'update' | 'notice' | 'tombstone' }
    | {
        readonly kind: 'snapshot';
        /** Id of the snapshot that this one follows; null for the first. */
        readonly prev: string | null;
        /** It holds everything up to this seq. */
        readonly covers: number;
        /** The chain at `covers`, base64url. */
        readonly chain: string;
      }
    | {
        readonly kind: 'presence';
        /** Which key signed: that of the edit link or that of the view link. */
        readonly role: 'writer' | 'reader';
        /** Who sends: 16 random bytes a tab, base64url. */
        readonly sender: string;
        /** Greater with every presence of the same sender. */
        readonly counter: number;
        /** When it ends, in milliseconds since 1970. */
        readonly expires: number;
      }
    /** Made by a newer version: it can be checked and kept, not understood. */
    | { readonly kind: 'unknown'; readonly code: number }
  );

export type EnvelopeKind = EnvelopeHeader['kind'];

/** An envelope taken apart, neither verified nor decrypted. */
export interface Envelope {
  readonly header: EnvelopeHeader;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headerBytes: Uint8Array<ArrayBuffer>;
  /** Nonce and ciphertext. A view of `bytes`, as the signature is: large ones are not copied. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Why bytes are no envelope, or one that cannot be opened. */
export const ENVELOPE_ERRORS = {
  'envelope/malformed': 'These bytes are not an envelope.',
  'envelope/too-large': `An envelope may have ${ENVELOPE_LIMIT} bytes at most.`,
  'envelope/version': 'This envelope was made by a newer version.',
  'envelope/signature': 'The signature of this envelope is not that of the expected key.',
  'envelope/content': 'The content of this envelope cannot be decrypted with the key of the session.',
} as const;

export type EnvelopeErrorCode = keyof typeof ENVELOPE_ERRORS;

/** An envelope that is none, or not what it claims. Its message holds nothing of the input. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, options?: ErrorOptions) {
    super(ENVELOPE_ERRORS[code], options);
    this.code = code;
  }
}

export interface SealingKeys {
  /** AES-256-GCM, usage `encrypt`. */
  readonly contentKey: CryptoKey;
  /** Ed25519 private key: the writer's, or for presence the reader's. */
  readonly signingKey: CryptoKey;
}

/**
 * Encrypts and signs `content` ([EN2], [EN3]).
 *
 * @param nonce 12 random bytes, never used twice with the same content key
 * @throws {EnvelopeError} `envelope/too-large`
 * @throws {RangeError} for a header that cannot be written: a wrong length, a number that is not a safe integer
 */
export async function sealEnvelope(
  header: EnvelopeHeader,
  content: Uint8Array<ArrayBuffer>,
  { contentKey, signingKey }: SealingKeys,
  nonce: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (nonce.length !== NONCE_LENGTH) throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes`);
  const headerBytes = encodeHeader(header);
  if (headerBytes.length + content.length + ENVELOPE_OVERHEAD > ENVELOPE_LIMIT) {
    throw new EnvelopeError('envelope/too-large');
  }
  const ciphertext = new Uint8Array(
    await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: headerBytes },
      contentKey,
      content,
    ),
  );
  const body = concatenate(nonce, ciphertext);
  const signature = await crypto.subtle.sign('Ed25519', signingKey, await signedBytes(headerBytes, body));
  return concatenate(headerBytes, body, new Uint8Array(signature));
}

/**
 * Takes bytes apart ([EN1]). Nothing of them can be trusted before {@link verifyEnvelope} has said so.
 *
 * @throws {EnvelopeError} `envelope/malformed`, `envelope/too-large`, `envelope/version`
 */
export function parseEnvelope(bytes: Uint8Array<ArrayBuffer>): Envelope {
  if (bytes.length > ENVELOPE_LIMIT) throw new EnvelopeError('envelope/too-large');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < COMMON_LENGTH + ENVELOPE_OVERHEAD) throw new EnvelopeError('envelope/malformed');
  const version = view.getUint8(0);
  if (version > ENVELOPE_VERSION) throw new EnvelopeError('envelope/version');
  const headerLength = view.getUint16(2);
  if (version === 0 || headerLength < COMMON_LENGTH || bytes.length < headerLength + ENVELOPE_OVERHEAD) {
    throw new EnvelopeError('envelope/malformed');
  }
  const headerBytes = bytes.slice(0, headerLength);
  return {
    header: decodeHeader(headerBytes),
    bytes,
    headerBytes,
    body: bytes.subarray(headerLength, -SIGNATURE_LENGTH),
    signature: bytes.subarray(-SIGNATURE_LENGTH),
  };
}

/** Whether the envelope was signed with the private half of `publicKey` ([EN3]). */
export async function verifyEnvelope(envelope: Envelope, publicKey: CryptoKey): Promise<boolean> {
  const { headerBytes, body, signature } = envelope;
  return crypto.subtle.verify('Ed25519', publicKey, signature, await signedBytes(headerBytes, body));
}

/**
 * Decrypts an envelope ([EN2]). Verify it first.
 *
 * @throws {EnvelopeError} `envelope/content`
 */
export async function openEnvelope(
  { headerBytes, body }: Envelope,
  contentKey: CryptoKey,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const content = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: body.subarray(0, NONCE_LENGTH), additionalData: headerBytes },
      contentKey,
      body.subarray(NONCE_LENGTH),
    );
    return new Uint8Array(content);
  } catch (cause) {
    throw new EnvelopeError('envelope/content', { cause });
  }
}

/** SHA-256 of a whole envelope, base64url: what the log and the chain know it by. */
export async function hashEnvelope(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64url(await sha256(bytes));
}

/** The chain before the first envelope: 32 zero bytes, base64url. */
export const EMPTY_CHAIN = encodeBase64url(new Uint8Array(32));

/**
 * The chain one envelope further ([EN4]): SHA-256(chain ‖ hash of the envelope). Every client computes it for itself; two
 * that agree on it at one seq were given the same log up to there.
 *
 * @param hash what {@link hashEnvelope} gave, base64url
 */
export async function extendChain(chain: string, hash: string): Promise<string> {
  return encodeBase64url(await sha256(concatenate(fixed(chain, 32), fixed(hash, 32))));
}

/**
 * A raw Ed25519 public key, to verify with.
 *
 * @param raw 32 bytes
 */
export async function importVerifyKey(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', raw, 'Ed25519', true, ['verify']);
}

const NONCE_LENGTH = 12;
const SIGNATURE_LENGTH = 64;
const COMMON_LENGTH = 98;
const SNAPSHOT_LENGTH = COMMON_LENGTH + 16 + 8 + 32;
const PRESENCE_LENGTH = COMMON_LENGTH + 1 + 16 + 8 + 8;
const ROLES = { 1: 'writer', 2: 'reader' } as const;
const DOMAIN = new TextEncoder().encode('parley/v1/envelope');

async function signedBytes(
  headerBytes: Uint8Array<ArrayBuffer>,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return concatenate(DOMAIN, headerBytes, await sha256(body));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function encodeHeader(header: EnvelopeHeader): Uint8Array<ArrayBuffer> {
  if (header.version !== ENVELOPE_VERSION) throw new RangeError('this version writes version 1 only');
  const writer = new HeaderWriter(lengthOf(header));
  writer.uint8(header.version);
  writer.uint8(codeOf(header));
  writer.uint16(writer.bytes.length);
  if (!/^[\w-]{22}$/.test(header.sessionId))
    throw new RangeError('a session id has 22 characters of base64url');
  writer.raw(new TextEncoder().encode(header.sessionId));
  writer.raw(fixed(header.id, 16));
  writer.raw(header.seen ? fixed(header.seen.epoch, 16) : new Uint8Array(16));
  writer.uint64(header.seen?.seq ?? 0);
  writer.raw(header.seen ? fixed(header.seen.chain, 32) : new Uint8Array(32));
  if (header.kind === 'snapshot') {
    writer.raw(header.prev === null ? new Uint8Array(16) : fixed(header.prev, 16));
    writer.uint64(header.covers);
    writer.raw(fixed(header.chain, 32));
  } else if (header.kind === 'presence') {
    writer.uint8(header.role === 'writer' ? 1 : 2);
    writer.raw(fixed(header.sender, 16));
    writer.uint64(header.counter);
    writer.uint64(header.expires);
  }
  return writer.bytes;
}

function decodeHeader(bytes: Uint8Array<ArrayBuffer>): EnvelopeHeader {
  const reader = new HeaderReader(bytes);
  const version = reader.uint8();
  const code = reader.uint8();
  reader.uint16();
  const sessionId = new TextDecoder('latin1').decode(reader.raw(22));
  if (!/^[\w-]{22}$/.test(sessionId)) throw new EnvelopeError('envelope/malformed');
  const id = encodeBase64url(reader.raw(16));
  const epoch = reader.raw(16);
  const seq = reader.uint64();
  const chain = reader.raw(32);
  const isBlank = seq === 0 && isZero(epoch) && isZero(chain);
  // Who knows an epoch knows a log; anything in between is damage.
  if (!isBlank && isZero(epoch)) throw new EnvelopeError('envelope/malformed');
  const seen = isBlank ? null : { epoch: encodeBase64url(epoch), seq, chain: encodeBase64url(chain) };
  const common = { version, sessionId, id, seen };
  const kind = (ENVELOPE_KINDS as Partial<Record<number, keyof typeof KIND_CODES>>)[code];
  if (kind === undefined) return { ...common, kind: 'unknown', code };
  if (kind === 'snapshot') {
    const prev = reader.raw(16);
    const snapshot = { covers: reader.uint64(), chain: encodeBase64url(reader.raw(32)) };
    reader.end();
    return { ...common, kind, prev: isZero(prev) ? null : encodeBase64url(prev), ...snapshot };
  }
  if (kind === 'presence') {
    const role = (ROLES as Partial<Record<number, 'writer' | 'reader'>>)[reader.uint8()];
    if (!role) throw new EnvelopeError('envelope/malformed');
    const sender = encodeBase64url(reader.raw(16));
    const presence = { role, sender, counter: reader.uint64(), expires: reader.uint64() };
    reader.end();
    return { ...common, kind, ...presence };
  }
  reader.end();
  return { ...common, kind };
}

const KIND_CODES = { update: 1, snapshot: 2, presence: 3, notice: 4, tombstone: 5 } as const;

function codeOf(header: EnvelopeHeader): number {
  return header.kind === 'unknown' ? header.code : KIND_CODES[header.kind];
}

function lengthOf({ kind }: EnvelopeHeader): number {
  if (kind === 'snapshot') return SNAPSHOT_LENGTH;
  return kind === 'presence' ? PRESENCE_LENGTH : COMMON_LENGTH;
}

class HeaderWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  uint16(value: number): void {
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  uint64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('a count is a safe integer');
    this.#view.setBigUint64(this.#at, BigInt(value));
    this.#at += 8;
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

class HeaderReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  uint64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new EnvelopeError('envelope/malformed');
    return Number(value);
  }

  raw(length: number): Uint8Array<ArrayBuffer> {
    const from = this.#take(length);
    return this.#bytes.slice(from, from + length);
  }

  /** A header of this version has nothing behind what its kind holds. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new EnvelopeError('envelope/malformed');
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw new EnvelopeError('envelope/malformed');
    this.#at += length;
    return from;
  }
}

/** base64url of exactly `length` bytes. */
function fixed(text: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64url(text);
  if (bytes?.length !== length) throw new RangeError(`expected ${length} bytes of base64url`);
  return bytes;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function concatenate(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
