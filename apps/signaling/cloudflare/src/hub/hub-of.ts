import { readWholeNumber } from '@parley/signaling/variables';
import type { Env } from '../env.ts';
import type { Hub } from './durable-object.ts';
import { hubNameOf } from './hub-name.ts';

/** More than anybody needs: an object that serves nobody costs nothing, but each is a place to look at. */
const MOST_SHARDS = 1_000;

/**
 * The hub that serves a session, or all who name none ([HB41]).
 *
 * @throws {VariableError} `SIGNALING_SHARDS`
 */
export function hubOf(env: Env, sessionId: string | undefined): DurableObjectStub<Hub> {
  const shards = readWholeNumber('SIGNALING_SHARDS', env.SIGNALING_SHARDS, 1, MOST_SHARDS);
  return env.HUB.get(env.HUB.idFromName(hubNameOf(sessionId, shards)));
}
