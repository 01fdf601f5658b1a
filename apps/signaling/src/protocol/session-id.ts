import { encodeBase64url } from './base64url.ts';

/** The session id that a writer's public key certifies: 22 characters of base64url(SHA-256(raw public key)) ([LK1]). */
export async function identifyWriter(publicKey: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', publicKey))).slice(0, 22);
}
