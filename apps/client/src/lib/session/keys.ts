import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import { identifyWriter } from '@parley/signaling/session-id';
import { SessionError } from './errors.ts';

/** Length of the edit and view secrets and of every derived secret, in bytes. */
export const SECRET_LENGTH = 32;

/** Fills a new array of `length` bytes with randomness. */
export type RandomBytes = (length: number) => Uint8Array<ArrayBuffer>;

/** The browser's cryptographically secure randomness. */
export const secureRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

interface SigningKey {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Ed25519 private key, not extractable, usage `sign`. */
  readonly privateKey: CryptoKey;
}

/** What a view link opens: reading, and being present. */
export interface ViewKeys {
  /** The view secret, 32 bytes: what a view link carries. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** AES-256-GCM, not extractable, for the content of envelopes. */
  readonly contentKey: CryptoKey;
  readonly reader: SigningKey;
}

/** What an edit link opens: everything. */
export interface EditKeys {
  readonly sessionId: string;
  readonly writer: SigningKey;
  readonly mesh: {
    /** Name of the y-webrtc room. The relay sees it. */
    readonly room: string;
    /** Password of the y-webrtc room. The relay never sees it. */
    readonly password: string;
  };
  readonly view: ViewKeys;
}

/**
 * Derives all keys of a session from its edit secret ([LK2], [LK3]).
 *
 * @param secret 32 bytes
 * @throws {SessionError} `browser/insecure` without WebCrypto, `browser/too-old` without Ed25519
 */
export async function deriveEditKeys(secret: Uint8Array<ArrayBuffer>): Promise<EditKeys> {
  const [writerSeed, room, password, viewSecret] = await Promise.all([
    deriveSecret(secret, 'parley/v1/writer'),
    deriveSecret(secret, 'parley/v1/mesh/room'),
    deriveSecret(secret, 'parley/v1/mesh/password'),
    deriveSecret(secret, 'parley/v1/view'),
  ]);
  const [writer, view] = await Promise.all([importSigningKey(writerSeed), deriveViewKeys(viewSecret)]);
  return {
    sessionId: await identifyWriter(writer.publicKey),
    writer,
    mesh: { room: encodeBase64url(room), password: encodeBase64url(password) },
    view,
  };
}

/**
 * Derives what a view link opens from the view secret ([LK3]). There is no way from here to the edit secret.
 *
 * @param secret 32 bytes
 * @throws {SessionError} `browser/insecure` without WebCrypto, `browser/too-old` without Ed25519
 */
export async function deriveViewKeys(secret: Uint8Array<ArrayBuffer>): Promise<ViewKeys> {
  const [content, readerSeed] = await Promise.all([
    deriveSecret(secret, 'parley/v1/content'),
    deriveSecret(secret, 'parley/v1/reader'),
  ]);
  const [contentKey, reader] = await Promise.all([
    subtle().importKey('raw', content, 'AES-GCM', false, ['encrypt', 'decrypt']),
    importSigningKey(readerSeed),
  ]);
  return { secret, contentKey, reader };
}

/** HKDF-SHA256 (RFC 5869) without salt; `info` is the label, 32 bytes come out. */
async function deriveSecret(
  secret: Uint8Array<ArrayBuffer>,
  label: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (secret.length !== SECRET_LENGTH) throw new RangeError(`a secret has ${SECRET_LENGTH} bytes`);
  const key = await subtle().importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const info = new TextEncoder().encode(label);
  const bits = await subtle().deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    key,
    SECRET_LENGTH * 8,
  );
  return new Uint8Array(bits);
}

/** PKCS#8 of an Ed25519 private key (RFC 8410 §7) up to its 32 bytes. */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

async function importSigningKey(seed: Uint8Array<ArrayBuffer>): Promise<SigningKey> {
  const pkcs8 = new Uint8Array([...PKCS8_PREFIX, ...seed]);
  try {
    // WebCrypto tells the public key of a private one only by exporting it.
    const extractable = await subtle().importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
    const { x } = await subtle().exportKey('jwk', extractable);
    const publicKey = decodeBase64url(x ?? '');
    if (publicKey?.length !== 32) throw new SessionError('browser/too-old');
    return { publicKey, privateKey: await subtle().importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']) };
  } catch (error) {
    if (error instanceof SessionError) throw error;
    throw new SessionError('browser/too-old', { cause: error });
  }
}

function subtle(): SubtleCrypto {
  // Missing on plain http, except on localhost, whatever the type says.
  const { subtle } = crypto as Partial<Crypto>;
  if (!subtle) throw new SessionError('browser/insecure');
  return subtle;
}
