import { applyTriggers } from './commands.ts';
import type { Environment } from './environments.ts';
import { DeploymentError } from './error.ts';
import { findAddress, succeed } from './records.ts';
import type { Wrangler } from './wrangler.ts';

/**
 * Applies the addresses and the hourly job, which no version carries. They fit the version that serves as well as the next.
 *
 * @returns where the relay answers, by what wrangler says about it
 * @throws {DeploymentError} `deployment/wrangler-failed`
 */
export async function locateRelay(environment: Environment, wrangler: Wrangler): Promise<string | null> {
  return findAddress(succeed(await wrangler(applyTriggers(environment)), 'Applying its triggers').printed);
}

/** @throws {DeploymentError} `deployment/no-address` for null */
export function known(address: string | null): string {
  if (address !== null) return address;
  throw new DeploymentError(
    'deployment/no-address',
    'wrangler does not say where the relay answers. Set RELAY_URL to its address.',
  );
}
