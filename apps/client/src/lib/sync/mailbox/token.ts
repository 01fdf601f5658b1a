import { encodeBase64url } from '@parley/signaling/base64url';
import { TOKEN_LIFETIME, TOKEN_SKEW } from '@parley/signaling/token';

/** A key to sign tokens with. */
interface TokenKey {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: CryptoKey;
}

export interface TokenOptions {
  readonly sessionId: string;
  /** The relay's origin. */
  readonly relay: string;
  /** The writer's key; null for who has the view link only. */
  readonly writer: TokenKey | null;
  readonly reader: TokenKey;
  /** Milliseconds since 1970, as this device believes. */
  readonly now: () => number;
}

/** What a token is for: the session's mailbox, or the servers that help to connect ([IC1]). Neither opens the other's. */
export type TokenPurpose = 'mailbox' | 'ice';

/** A token is signed anew when it has less than this left, in seconds: it must not end on its way to a slow relay. */
const RENEW_BEFORE = 120;

/**
 * The tokens with which a client shows the relay what it may do ([MB1], [MB2], [IC1]): it signs them itself, and keeps each for as long
 * as it is good. A writer's tokens for the mailbox make the reader's key known to the relay.
 */
export class TokenSource {
  readonly #options: TokenOptions;
  /** How much later it is at the relay than this device believes, in milliseconds. */
  #ahead = 0;
  readonly #current = new Map<TokenPurpose, { readonly token: Promise<string>; readonly end: number }>();

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** A token that is good now, by the relay's clock as far as that is known. */
  token(purpose: TokenPurpose = 'mailbox'): Promise<string> {
    const now = Math.floor((this.#options.now() + this.#ahead) / 1000);
    const known = this.#current.get(purpose);
    // A clock that was set back makes a token that begins in the future.
    if (known && now < known.end - RENEW_BEFORE && now >= known.end - TOKEN_LIFETIME) return known.token;
    const token = this.#sign(now, purpose);
    this.#current.set(purpose, { token, end: now + TOKEN_LIFETIME });
    return token;
  }

  /** The relay does not take a current token: the next ones are others. */
  renew(): void {
    this.#current.clear();
  }

  /**
   * Corrects the clock by an answer of the relay.
   *
   * @param date the answer's `Date` header; whatever is none is ignored
   */
  correctClock(date: string | null): void {
    const told = Date.parse(date ?? '');
    if (Number.isNaN(told)) return;
    const ahead = told - this.#options.now();
    if (Math.abs(ahead - this.#ahead) > (TOKEN_SKEW * 1000) / 2) this.renew();
    this.#ahead = ahead;
  }

  #mailboxClaims(): object {
    const { writer, reader } = this.#options;
    return writer ? { scope: 'read write', reader: encodeBase64url(reader.publicKey) } : { scope: 'read' };
  }

  /** An EdDSA JWT (RFC 7519, RFC 8037). Written by hand, because a library for it is a sixth of this code's size. */
  async #sign(now: number, purpose: TokenPurpose): Promise<string> {
    const { sessionId, relay, writer, reader } = this.#options;
    const key = writer ?? reader;
    const header = {
      alg: 'EdDSA',
      jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey) },
    };
    const claims = {
      ...(purpose === 'ice' ? { scope: 'ice' } : this.#mailboxClaims()),
      sub: sessionId,
      aud: relay,
      iat: now,
      exp: now + TOKEN_LIFETIME,
    };
    const encoder = new TextEncoder();
    const signed = [header, claims]
      .map((part) => encodeBase64url(encoder.encode(JSON.stringify(part))))
      .join('.');
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, encoder.encode(signed));
    return `${signed}.${encodeBase64url(new Uint8Array(signature))}`;
  }
}
