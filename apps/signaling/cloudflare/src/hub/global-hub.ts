import type { Env } from '../env.ts';
import type { Hub } from './durable-object.ts';

/** The one hub that serves them all, until it is spread over several. */
export function globalHub(env: Env): DurableObjectStub<Hub> {
  return env.HUB.get(env.HUB.idFromName('global-signaling'));
}
