import * as z from 'zod/mini';

/** What a token may open. Without a scope it opens `llm` only, so that one given to some LLM client opens nothing else. */
export const TOKEN_SCOPES = ['read', 'write', 'ice', 'llm'] as const;

export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Longest life of a token, in seconds. */
export const TOKEN_LIFETIME = 600;

/** How far the clocks of client and relay may differ, in seconds. */
export const TOKEN_SKEW = 60;

/**
 * The claims of a token: an EdDSA JWT that the client signs itself, with `jwk` (the public key) in its header. The writer
 * key's token is known by its key, which the session id certifies; the reader key's by what a writer's token said of it.
 */
export const tokenClaims = z.object({
  /** The session. */
  sub: z.string().check(z.regex(/^[\w-]{22}$/)),
  /** The relay's origin. */
  aud: z.string(),
  /** Seconds since 1970. */
  iat: z.number(),
  /** Seconds since 1970, at most {@link TOKEN_LIFETIME} after `iat`. */
  exp: z.number(),
  /** Some of {@link TOKEN_SCOPES}, with spaces between them. */
  scope: z.optional(z.string()),
  /** In a writer's token: the reader key of the session's view link, 32 bytes of base64url. The latest one counts. */
  reader: z.optional(z.string().check(z.regex(/^[\w-]{43}$/))),
});

export type TokenClaims = z.infer<typeof tokenClaims>;
