import type { IceAnswer } from '@parley/signaling/ice';
import { Hono } from 'hono';
import { requireAccess } from '../access/admit.ts';
import { allowOrigins } from '../access/allow-origins.ts';
import { identify } from '../access/identify.ts';
import type { Env } from '../env.ts';
import { dayOf, DAY } from '../mailbox/day.ts';
import { mailboxOptions } from '../mailbox/open-mailbox.ts';
import { payForTurn } from '../mailbox/settlement.ts';
import { logError } from '../operations/log.ts';
import { RelayProblem } from '../relay-problem.ts';
import { readIceSettings } from './settings.ts';
import { requestTurn, TurnError } from './turn.ts';

/** How long TURN credentials are good, in seconds. Whoever is connected through TURN connects anew after that. */
const TURN_LIFETIME = 6 * 3_600;

/** How long the answer without them is worth keeping when the service gave none, in milliseconds. */
const TURN_PAUSE = 600_000;

/** `/api/ice`: which servers help an editor's browser to connect to the others' ([IC1] to [IC6]). */
export const iceRoutes = new Hono<{ Bindings: Env }>();

iceRoutes.use(allowOrigins(['GET']), requireAccess);

iceRoutes.get('/', async (c) => {
  const { role, prefix } = await identify(c, 'ice');
  // Any key but the writer's is one answer. The database need not be asked: the id certifies the key.
  if (role !== 'writer') throw new RelayProblem('mailbox/not-found');
  return Response.json(await answerIce(c.env, prefix, Date.now()), {
    headers: { 'Cache-Control': 'no-store' },
  });
});

async function answerIce(env: Env, prefix: string | null, now: number): Promise<IceAnswer> {
  const { stun, turn } = readIceSettings(env);
  const iceServers = stun.length > 0 ? [{ urls: [...stun] }] : [];
  if (!turn) return { iceServers, expires: null };
  try {
    await payForTurn(mailboxOptions(env), prefix);
    const relays = await requestTurn(turn, TURN_LIFETIME);
    return { iceServers: [...iceServers, ...relays], expires: now + TURN_LIFETIME * 1000 };
  } catch (error) {
    if (error instanceof RelayProblem && error.code === 'relay/budget-spent') {
      return { iceServers, expires: (dayOf(now) + 1) * DAY };
    }
    if (!(error instanceof TurnError)) throw error;
    logError('turn', error);
    return { iceServers, expires: now + TURN_PAUSE };
  }
}
