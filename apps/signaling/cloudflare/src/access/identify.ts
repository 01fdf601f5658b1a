import type { TokenScope } from '@parley/signaling/token';
import type { Context } from 'hono';
import type { Caller } from '../mailbox/mailbox.ts';
import { prefixOf } from '@parley/signaling/ip-prefix';
import { readBearer, verifyToken } from './token.ts';

/**
 * Who asks, by the token of the request ([MB1]). It has to be for the session that the route names as `session`; where the route
 * names none, the token does.
 *
 * @throws {RelayProblem} what {@link readBearer} and {@link verifyToken} throw
 */
export async function identify({ req }: Pick<Context, 'req'>, scope: TokenScope): Promise<Caller> {
  const caller = await verifyToken(readBearer(req.header('Authorization')), {
    sessionId: req.param('session') ?? null,
    audience: new URL(req.url).origin,
    scope,
    now: Date.now(),
  });
  return { ...caller, prefix: prefixOf(req.header('CF-Connecting-IP')) };
}
