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
  const { claims, publicKey } = readToken(token);
  const seconds = asked.now / 1000;
  if (claims.iat > seconds + TOKEN_SKEW || claims.exp <= seconds - TOKEN_SKEW) {
    throw new RelayProblem('access/token-expired');
  }
  if (claims.aud !== asked.audience || claims.sub !== (asked.sessionId ?? claims.sub)) {
    throw new RelayProblem('access/token-audience');
  }
  // None is `llm`, so that a token given to some LLM client opens nothing else.
  if (!(claims.scope ?? 'llm').split(' ').includes(asked.scope)) throw new RelayProblem('access/scope');
  const isWriter = await isWritersToken(token, publicKey.raw, claims.sub);
  return {
    sessionId: claims.sub,
    role: isWriter ? 'writer' : 'reader',
    publicKey: publicKey.text,
    reader: isWriter && claims.reader !== undefined ? { key: claims.reader, at: claims.iat } : null,
  };
}

/** Tokens whose signature was found good, and whether it is the writer's. Nothing else about them is remembered. */
const known = new Map<string, boolean>();

/** How many tokens are remembered. They have about 600 characters each. */
const KNOWN = 1_000;

/** Whether a token is signed with the key of its session's writer. One that was looked at before is the same to the letter, and need not be again. */
async function isWritersToken(
  token: string,
  raw: Uint8Array<ArrayBuffer>,
  sessionId: string,
): Promise<boolean> {
  const before = known.get(token);
  if (before !== undefined) return before;
  await verifySignature(token, raw);
  const isWriter = (await identifyWriter(raw)) === sessionId;
  const [oldest] = known.keys();
  if (known.size >= KNOWN && oldest !== undefined) known.delete(oldest);
  known.set(token, isWriter);
  return isWriter;
}

/** What a token says, believed or not. */
function readToken(token: string): {
  claims: TokenClaims;
  publicKey: { text: string; raw: Uint8Array<ArrayBuffer> };
} {
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
