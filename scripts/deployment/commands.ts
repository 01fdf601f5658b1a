import { ENVIRONMENTS, type Environment } from './environments.ts';

/** The calls of wrangler that deploying takes, as its options. */

/**
 * Durable Objects take a new version at once, so that a smoke test meets what was deployed. By itself, Cloudflare leaves them up to five
 * minutes with the old one. Their sockets are dropped either way; clients come back.
 */
const AT_ONCE = ['--durable-objects-code-update-mode', 'immediate'];

export const listDatabases = ['d1', 'list', '--json'];

/** @param location where the database is to be, such as `weur`; null for wherever wrangler runs */
export function createDatabase(environment: Environment, location: string | null): string[] {
  const near = location === null ? [] : ['--location', location];
  // Which file names the database is not wrangler's to change.
  return ['d1', 'create', ENVIRONMENTS[environment].database, '--update-config=false', ...near];
}

export function applyMigrations(environment: Environment): string[] {
  return ['d1', 'migrations', 'apply', 'DB', '--remote', '--env', environment];
}

export function showServing(environment: Environment): string[] {
  return ['deployments', 'status', '--json', '--env', environment];
}

/** @param id of a version */
export function showVersion(environment: Environment, id: string): string[] {
  return ['versions', 'view', id, '--json', '--env', environment];
}

/** A version that serves nobody yet. */
export function uploadVersion(environment: Environment, version: string): string[] {
  return ['versions', 'upload', '--env', environment, '--var', `VERSION:${version}`, '--tag', version];
}

/** A version that serves everybody at once. */
export function deployPlainly(environment: Environment, version: string): string[] {
  return ['deploy', '--env', environment, '--var', `VERSION:${version}`, '--tag', version, ...AT_ONCE];
}

/** Shifts `percent` of the traffic to the version `next`; the version `before` gets the rest. */
export function shiftTraffic(
  environment: Environment,
  before: string,
  next: string,
  percent: number,
): string[] {
  const shares = percent === 100 ? [`${next}@100%`] : [`${before}@${100 - percent}%`, `${next}@${percent}%`];
  return ['versions', 'deploy', ...shares, '--yes', '--env', environment, ...AT_ONCE];
}

/** Addresses and the hourly job, which no version carries. */
export function applyTriggers(environment: Environment): string[] {
  return ['triggers', 'deploy', '--env', environment];
}

/** @param id of a version that has been deployed; null for the last that served everybody before this one */
export function rollBack(environment: Environment, id: string | null, reason: string): string[] {
  const target = id === null ? [] : [id];
  return ['rollback', ...target, '--yes', '--message', reason, '--env', environment, ...AT_ONCE];
}
