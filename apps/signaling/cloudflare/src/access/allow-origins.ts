import { readAccess } from '@parley/signaling/access';
import { ACCESS_HEADER } from '@parley/signaling/access-key';
import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Env } from '../env.ts';

/**
 * Lets the pages of `ALLOWED_ORIGINS` use routes as the relay's own do ([RL9]). The resource policy that all answers have
 * (same-origin) does not stop this: it is for requests without CORS only.
 */
export function allowOrigins(methods: string[]): MiddlewareHandler {
  return cors({
    origin: (origin, c: Context<{ Bindings: Env }>) =>
      readAccess(c.env).origins.includes(origin) ? origin : null,
    allowMethods: methods,
    allowHeaders: ['Authorization', 'Content-Type', ACCESS_HEADER],
    exposeHeaders: ['Date', 'Retry-After'],
    maxAge: 7_200,
  });
}
