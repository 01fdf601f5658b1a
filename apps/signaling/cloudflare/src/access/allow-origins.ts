import { readAccess } from '@parley/signaling/access';
import { ACCESS_HEADER } from '@parley/signaling/access-key';
import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Env } from '../env.ts';

/** Headers that pages may send and read besides those of all routes; `any` that they may send. */
export interface AllowedHeaders {
  readonly sent: 'any';
  readonly read: readonly string[];
}

/**
 * Lets the pages of `ALLOWED_ORIGINS` use routes as the relay's own do ([RL9]). The resource policy that all answers have
 * (same-origin) does not stop this: it is for requests without CORS only.
 */
export function allowOrigins(methods: string[], headers?: AllowedHeaders): MiddlewareHandler {
  return cors({
    origin: (origin, c: Context<{ Bindings: Env }>) =>
      readAccess(c.env).origins.includes(origin) ? origin : null,
    allowMethods: methods,
    // With none named, those that the page asks for are allowed.
    allowHeaders: headers ? [] : ['Authorization', 'Content-Type', ACCESS_HEADER],
    exposeHeaders: ['Date', 'Retry-After', ...(headers?.read ?? [])],
    maxAge: 7_200,
  });
}
