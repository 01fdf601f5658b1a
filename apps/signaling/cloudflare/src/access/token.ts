import { decodeBase64url } from '@parley/signaling/base64url';
import { identifyWriter, importVerifyKey } from '@parley/signaling/envelope';
import {
  TOKEN_LIFETIME,
  TOKEN_SKEW,
  tokenClaims,
  type TokenClaims,
  type TokenScope,
} from '@parley/signaling/token';
import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose';
import * as z from 'zod/mini';
import type { Caller } from '../mailbox/mailbox.ts';
import { RelayProblem } from '../relay-problem.ts';

/** What a token is asked to open. */
export interface Asked {
  /** The session that the token has to be for; null where it is the token that names it. */
  readonly sessionId: string | null;
  /** This relay's origin. */
  readonly audience: string;
  readonly scope: TokenScope;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Longest token that is looked at, in characters. Ours have about 600. */
const TOKEN_CHARACTERS = 4_096;

const header = z.object({
  alg: z.literal('EdDSA'),
  // Nothing else: what the signature is checked with are the 32 bytes of `x`.
  jwk: z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
});

/**
 * The token of an `Authorization` header.
 *
 * @throws {RelayProblem} `access/token-missing`, `access/token-malformed`
 */
export function readBearer(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') throw new RelayProblem('access/token-missing');
  const token = /^Bearer +([\w.-]+) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw new RelayProblem('access/token-malformed');
  return token;
}

/**
 * Who made a token, if it opens what is asked ([MB1], [MB2]). What can be told without a key comes first and has codes of its
 * own, since it says nothing about the session; a bad signature is `mailbox/not-found`, as is a key that is not the
 * session's ([MB3]), which the mailbox finds out.
 *
 * @throws {RelayProblem} `access/token-malformed`, `access/token-expired`, `access/token-audience`, `access/scope`,
 *   `mailbox/not-found`
 */
export async function verifyToken(token: string, asked: Asked): Promise<Omit<Caller, 'prefix'>> {
  const before = known.get(token);
  const { claims, publicKey } = before ?? readToken(token);
  const seconds = asked.now / 1000;
  if (claims.iat > seconds + TOKEN_SKEW || claims.exp <= seconds - TOKEN_SKEW) {
    throw new RelayProblem('access/token-expired');
  }
  if (claims.aud !== asked.audience || claims.sub !== (asked.sessionId ?? claims.sub)) {
    throw new RelayProblem('access/token-audience');
  }
  // None is `llm`, so that a token given to some LLM client opens nothing else.
  if (!(claims.scope ?? 'llm').split(' ').includes(asked.scope)) throw new RelayProblem('access/scope');
  const { isWriter } = before ?? (await verifyWriter(token, { claims, publicKey }));
  return {
    sessionId: claims.sub,
    role: isWriter ? 'writer' : 'reader',
    publicKey: publicKey.text,
    reader: isWriter && claims.reader !== undefined ? { key: claims.reader, at: claims.iat } : null,
  };
}

/** What a token says, and who signed it. */
interface Token {
  readonly claims: TokenClaims;
  readonly publicKey: { readonly text: string; readonly raw: Uint8Array<ArrayBuffer> };
}

/** Tokens whose signature was found good: one that comes again is the same to the letter. What else it takes to open something is looked at each time. */
const known = new Map<string, Token & { readonly isWriter: boolean }>();

/** How many tokens are remembered. They have about 600 characters each. */
const KNOWN = 1_000;

/** Whether a token is signed with the key of its session's writer, or with another one. */
async function verifyWriter(token: string, said: Token): Promise<{ readonly isWriter: boolean }> {
  const { claims, publicKey } = said;
  await verifySignature(token, publicKey.raw);
  const verified = { ...said, isWriter: (await identifyWriter(publicKey.raw)) === claims.sub };
  const [oldest] = known.keys();
  if (known.size >= KNOWN && oldest !== undefined) known.delete(oldest);
  known.set(token, verified);
  return verified;
}

/** What a token says, believed or not. */
function readToken(token: string): Token {
  if (token.length > TOKEN_CHARACTERS) throw new RelayProblem('access/token-malformed');
  try {
    const text = header.parse(decodeProtectedHeader(token)).jwk.x;
    const claims = tokenClaims.parse(decodeJwt(token));
    const raw = decodeBase64url(text);
    const { iat, exp } = claims;
    if (raw?.length === 32 && Number.isSafeInteger(iat) && exp > iat && exp - iat <= TOKEN_LIFETIME) {
      return { claims, publicKey: { text, raw } };
    }
  } catch (cause) {
    throw new RelayProblem('access/token-malformed', null, { cause });
  }
  throw new RelayProblem('access/token-malformed');
}

async function verifySignature(token: string, raw: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await compactVerify(token, await importVerifyKey(raw), { algorithms: ['EdDSA'] });
  } catch (cause) {
    // A key that is no point of the curve fails in WebCrypto, in its own words.
    if (cause instanceof errors.JOSEError || cause instanceof DOMException) {
      throw new RelayProblem('mailbox/not-found', null, { cause });
    }
    throw cause;
  }
}
