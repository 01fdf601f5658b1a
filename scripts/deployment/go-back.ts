import { rollBack, showServing, showVersion } from './commands.ts';
import type { Environment } from './environments.ts';
import type { DeployPorts } from './ports.ts';
import { readServing, readVersion, succeed } from './records.ts';
import { known, locateRelay } from './triggers.ts';

export interface Retreat {
  readonly environment: Environment;
  /** The id of the version that is to serve again; null for the last that served everybody before this one. */
  readonly to: string | null;
  /** Why, in a few words, as Cloudflare shows it beside the deployment. */
  readonly reason: string;
  /** Where the relay answers; null to take what wrangler says. */
  readonly address: string | null;
}

/** What became of going back. */
export interface Returned {
  /** `done`: it serves, and its smoke test passed. `unproved`: that did not pass. `failed`: something else serves. */
  readonly outcome: 'done' | 'unproved' | 'failed';
  /** What serves now, as `GET /health` should tell it; null when nobody can say. */
  readonly version: string | null;
}

/** Lets an earlier version serve everybody again, and tests whether it does. The database does not go back. */
export async function goBack(retreat: Retreat, ports: DeployPorts): Promise<Returned> {
  const { environment, to, reason, address } = retreat;
  const { wrangler, smoke, say } = ports;
  let version: string | null = null;
  try {
    if (!(await wrangler(rollBack(environment, to, reason))).ok) return { outcome: 'failed', version };
    const serving = readServing(await wrangler(showServing(environment)));
    if (serving === null || (to !== null && serving !== to)) return { outcome: 'failed', version };
    version = readVersion(succeed(await wrangler(showVersion(environment, serving)), 'Looking at it'));
    const url = known(address ?? (await locateRelay(environment, wrangler)));
    const works = await smoke({ url, version, override: null });
    return { outcome: works ? 'done' : 'unproved', version };
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n`);
    return { outcome: 'unproved', version };
  }
}
