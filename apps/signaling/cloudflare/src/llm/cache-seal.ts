import { encodeBase64url } from '@parley/signaling/base64url';

/** Where the answer to a request is kept, and what opens it; only the request leads to either. */
export interface CacheKeys {
  /** 256 bits, base64url: all that the cache is told. */
  readonly index: string;
  /** AES-256-GCM, not extractable. */
  readonly key: CryptoKey;
}

/** Length of the random nonce in front of what is sealed, in bytes. */
const NONCE = 12;

/**
 * Derives with HKDF-SHA256 (RFC 5869, without salt) from the hash of a request; `info` is a label and the session, so that
 * no two sessions have an index or a key in common ([LLM17]).
 *
 * @param request the exact bytes that a provider would get
 */
export async function deriveCacheKeys(
  request: Uint8Array<ArrayBuffer>,
  sessionId: string,
): Promise<CacheKeys> {
  const digest = await crypto.subtle.digest('SHA-256', request);
  const secret = await crypto.subtle.importKey('raw', digest, 'HKDF', false, ['deriveBits', 'deriveKey']);
  const derivation = (label: string) => ({
    ...{ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array() },
    info: new TextEncoder().encode(`${label}/${sessionId}`),
  });
  const cipher = { name: 'AES-GCM', length: 256 };
  const [index, key] = await Promise.all([
    crypto.subtle.deriveBits(derivation('parley/v1/llm-cache/index'), secret, 256),
    crypto.subtle.deriveKey(derivation('parley/v1/llm-cache/key'), secret, cipher, false, [
      'encrypt',
      'decrypt',
    ]),
  ]);
  return { index: encodeBase64url(new Uint8Array(index)), key };
}

/** @returns the nonce, then the ciphertext, then the tag of 16 bytes */
export async function sealAnswer(
  { key }: CacheKeys,
  answer: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, answer);
  const sealed = new Uint8Array(NONCE + ciphertext.byteLength);
  sealed.set(iv);
  sealed.set(new Uint8Array(ciphertext), NONCE);
  return sealed;
}

/** The answer that was sealed; null of what this key did not seal, or is not what it was. */
export async function openAnswer(
  { key }: CacheKeys,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const iv = sealed.subarray(0, NONCE);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed.subarray(NONCE)));
  } catch {
    return null;
  }
}
