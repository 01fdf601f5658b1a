import { hasAccess, readAccess, refuseVisitor } from '@parley/signaling/access';
import { ACCESS_HEADER, ACCESS_PARAMETER } from '@parley/signaling/access-key';
import { prefixOf } from '@parley/signaling/ip-prefix';
import type { Context, MiddlewareHandler } from 'hono';
import type { Env } from '../env.ts';
import { RelayProblem } from '../relay-problem.ts';

/** Seconds after which somebody who connects too often is to try again: the period of the binding. */
const RETRY_AFTER = 60;

/** Lets in requests that bring an access key, where the relay wants one ([HB36]). Behind what answers preflights, which bring none. */
export const requireAccess: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  if (!hasAccess(readAccess(c.env), c.req.header(ACCESS_HEADER) ?? null)) {
    throw new RelayProblem('access/key-refused');
  }
  await next();
};

/**
 * Looks at a WebSocket before it is let in ([HB36], [HB37], [HB40]).
 *
 * @throws {RelayProblem} `access/origin-refused`, `access/key-refused`, `relay/too-many-connections`
 */
export async function admitSocket({ env, req }: Context<{ Bindings: Env }>): Promise<void> {
  const refusal = refuseVisitor(readAccess(env), {
    origin: req.header('Origin') ?? null,
    at: new URL(req.url).origin,
    key: req.header(ACCESS_HEADER) ?? req.query(ACCESS_PARAMETER) ?? null,
  });
  if (refusal) throw new RelayProblem(refusal);
  const prefix = prefixOf(req.header('CF-Connecting-IP'));
  if (prefix === null || !env.CONNECTIONS) return;
  const { success } = await env.CONNECTIONS.limit({ key: prefix });
  if (!success) throw new RelayProblem('relay/too-many-connections', RETRY_AFTER);
}
