import { applyMigrations, createDatabase, listDatabases } from './commands.ts';
import { ENVIRONMENTS, type Environment } from './environments.ts';
import { DeploymentError } from './error.ts';
import { readDatabases } from './records.ts';
import type { Wrangler } from './wrangler.ts';

/**
 * Makes the environment's database unless the account has it, and applies the migrations that it lacks. Doing it again changes nothing.
 *
 * @param location where a new database is to be, such as `weur`; null for wherever wrangler runs
 * @throws {DeploymentError} `deployment/wrangler-failed`
 */
export async function prepareDatabase(
  environment: Environment,
  wrangler: Wrangler,
  location: string | null,
): Promise<void> {
  const existing = readDatabases(await wrangler(listDatabases));
  if (!existing.includes(ENVIRONMENTS[environment].database)) {
    await require(wrangler(createDatabase(environment, location)), 'The database could not be made.');
  }
  await require(wrangler(applyMigrations(environment)), 'The database could not be brought up to date.');
}

async function require(call: ReturnType<Wrangler>, otherwise: string): Promise<void> {
  if (!(await call).ok) throw new DeploymentError('deployment/wrangler-failed', otherwise);
}
