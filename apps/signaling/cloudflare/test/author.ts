import { encodeBase64url } from '@parley/signaling/base64url';
import {
  EMPTY_CHAIN,
  ENVELOPE_VERSION,
  identifyWriter,
  sealEnvelope,
  type EnvelopeHeader,
} from '@parley/signaling/envelope';
import type { TokenClaims } from '@parley/signaling/token';
import { SignJWT } from 'jose';
import type { Caller } from '../src/mailbox/mailbox.ts';

interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly raw: Uint8Array<ArrayBuffer>;
  /** The public key, base64url. */
  readonly publicKey: string;
}

/** Where the relay under test is, as tokens say it. */
export const RELAY_ORIGIN = 'https://relay.example';

/** Somebody with the keys of a session, who seals envelopes and makes tokens as a client does. */
export class Author {
  readonly sessionId: string;
  readonly writer: KeyPair;
  readonly reader: KeyPair;
  readonly #contentKey: CryptoKey;

  /** Somebody with a session that nobody else has. */
  static async create(): Promise<Author> {
    const writer = await createKeyPair();
    const contentKey = await crypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, ['encrypt']);
    return new Author(await identifyWriter(writer.raw), writer, await createKeyPair(), contentKey);
  }

  constructor(sessionId: string, writer: KeyPair, reader: KeyPair, contentKey: CryptoKey) {
    this.sessionId = sessionId;
    this.writer = writer;
    this.reader = reader;
    this.#contentKey = contentKey;
  }

  /** An envelope with `size` bytes of content. */
  update(size = 10, header: Partial<EnvelopeHeader> = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.seal({ kind: 'update', ...header }, size);
  }

  snapshot(
    prev: string | null,
    covers: number,
    size = 20,
    header: Partial<EnvelopeHeader> = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.seal({ kind: 'snapshot', prev, covers, chain: EMPTY_CHAIN, ...header }, size);
  }

  tombstone(): Promise<Uint8Array<ArrayBuffer>> {
    return this.seal({ kind: 'tombstone' }, 0);
  }

  presence(): Promise<Uint8Array<ArrayBuffer>> {
    const sender = encodeBase64url(randomBytes(16));
    return this.seal({ kind: 'presence', role: 'writer', sender, counter: 1, expires: 1 }, 5);
  }

  async seal(
    header: Partial<EnvelopeHeader>,
    size: number,
    signingKey: CryptoKey = this.writer.privateKey,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const whole = {
      ...{ version: ENVELOPE_VERSION, sessionId: this.sessionId, id: newId(), seen: null },
      ...header,
    } as EnvelopeHeader;
    return sealEnvelope(
      whole,
      randomBytes(size),
      { contentKey: this.#contentKey, signingKey },
      randomBytes(12),
    );
  }

  /** Whom the mailbox sees when this author's token is good. */
  caller(role: 'writer' | 'reader' = 'writer', prefix: string | null = null): Caller {
    const reader = role === 'writer' ? { key: this.reader.publicKey, at: 1 } : null;
    return { sessionId: this.sessionId, role, publicKey: this[role].publicKey, reader, prefix };
  }

  token(
    role: 'writer' | 'reader' = 'writer',
    claims: Partial<Record<keyof TokenClaims, unknown>> = {},
    options: { readonly header?: object; readonly key?: CryptoKey } = {},
  ): Promise<string> {
    const { privateKey, publicKey } = this[role];
    const seconds = Math.floor(Date.now() / 1000);
    const payload: Record<string, unknown> = {
      ...{ sub: this.sessionId, aud: RELAY_ORIGIN, iat: seconds, exp: seconds + 600, scope: 'read write' },
      ...(role === 'writer' ? { reader: this.reader.publicKey } : {}),
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({
        alg: 'EdDSA',
        jwk: { kty: 'OKP', crv: 'Ed25519', x: publicKey },
        ...options.header,
      })
      .sign(options.key ?? privateKey);
  }
}

/** 16 random bytes, base64url. */
export function newId(): string {
  return encodeBase64url(randomBytes(16));
}

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // WebCrypto gives 65,536 at once.
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

async function createKeyPair(): Promise<KeyPair> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new TypeError('not a key pair');
  const exported = await crypto.subtle.exportKey('raw', pair.publicKey);
  if (!(exported instanceof ArrayBuffer)) throw new TypeError('not raw');
  const raw = new Uint8Array(exported);
  return { privateKey: pair.privateKey, raw, publicKey: encodeBase64url(raw) };
}
