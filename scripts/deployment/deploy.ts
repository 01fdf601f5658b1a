import {
  applyTriggers,
  deployPlainly,
  rollBack,
  shiftTraffic,
  showServing,
  uploadVersion,
} from './commands.ts';
import { prepareDatabase } from './database.ts';
import { ENVIRONMENTS, type Environment } from './environments.ts';
import { DeploymentError } from './error.ts';
import { findAddress, needsPlainDeploy, readServing, type WranglerOutcome } from './records.ts';
import type { Wrangler } from './wrangler.ts';

export interface Order {
  readonly environment: Environment;
  /** What `GET /health` is to answer, at most 25 characters. */
  readonly version: string;
  /** Where the relay answers; null to take what wrangler says. */
  readonly address: string | null;
  /** The shares of traffic, in percent, that a new version gets before it gets all, each with a smoke test. */
  readonly steps: readonly number[];
  /** Where a new database is to be, such as `weur`; null for wherever this runs. */
  readonly location: string | null;
}

/** What a smoke test is to look at. */
export interface SmokeTarget {
  readonly url: string;
  /** What has to be there; null for whatever is. */
  readonly version: string | null;
  /** A version that shares the traffic, and is to answer all of the test. */
  readonly override: { readonly worker: string; readonly version: string } | null;
}

export interface DeployPorts {
  readonly wrangler: Wrangler;
  /** Whether what answers there works. */
  readonly smoke: (target: SmokeTarget) => Promise<boolean>;
  readonly say: (text: string) => void;
}

export interface Deployed {
  /** Whether the version serves and its smoke test passed. */
  readonly ok: boolean;
  /** How: a version that got its traffic step by step, or all at once. */
  readonly way: 'gradual' | 'plain';
  readonly address: string | null;
  /** Why not, in a sentence. */
  readonly reason: string | null;
  /** What became of going back: nobody tried, nothing was there before, or whether it worked. */
  readonly rollback: 'not needed' | 'nothing before' | 'done' | 'failed';
}

/**
 * Deploys a version: database, upload, traffic step by step, smoke test. When anything after the upload fails, what served before
 * serves again. The database does not go back; its migrations only ever add.
 *
 * @throws {DeploymentError} when it fails before anything that serves was changed
 */
export async function deploy(order: Order, ports: DeployPorts): Promise<Deployed> {
  const { environment, version } = order;
  const { wrangler, say } = ports;
  const before = readServing(await wrangler(showServing(environment)));
  await prepareDatabase(environment, wrangler, order.location);
  const next = before === null ? null : await upload(order, wrangler);
  const way = next === null ? 'plain' : 'gradual';
  let address = order.address;
  try {
    if (before !== null && next !== null) {
      address = await rollOut(order, ports, before, next);
    } else {
      say(`${before === null ? 'Nothing is there yet' : 'Durable Objects change'}: a plain deploy.\n`);
      const outcome = succeed(await wrangler(deployPlainly(environment, version)), 'wrangler deploy');
      address ??= outcome.records.flatMap(addressOf)[0] ?? findAddress(outcome.printed);
    }
    await check(ports, { url: known(address), version, override: null });
    return { ok: true, way, address, reason: null, rollback: 'not needed' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${reason}\n`);
    const rollback = before === null ? 'nothing before' : await goBack(order, ports, before);
    return { ok: false, way, address, reason, rollback };
  }
}

/** The id of the uploaded version; null when it has to be deployed plainly. */
async function upload({ environment, version }: Order, wrangler: Wrangler): Promise<string | null> {
  const outcome = await wrangler(uploadVersion(environment, version));
  if (needsPlainDeploy(outcome)) return null;
  const id = succeed(outcome, 'The upload').records.find(({ type }) => type === 'version-upload');
  if (id?.type === 'version-upload') return id.version_id;
  throw new DeploymentError('deployment/unreadable', 'wrangler does not say which version it has uploaded.');
}

/** @returns where the relay answers */
async function rollOut(order: Order, ports: DeployPorts, before: string, next: string): Promise<string> {
  const { environment, version, steps } = order;
  const { wrangler } = ports;
  const shift = async (percent: number) =>
    succeed(await wrangler(shiftTraffic(environment, before, next, percent)), `Giving it ${percent} %`);
  // First, since this says where to test. What it applies fits the version before as well.
  const triggers = succeed(await wrangler(applyTriggers(environment)), 'Applying its triggers');
  const url = known(order.address ?? findAddress(triggers.printed));
  const override = { worker: ENVIRONMENTS[environment].worker, version: next };
  for (const percent of steps) {
    await shift(percent);
    await check(ports, { url, version, override });
  }
  await shift(100);
  return url;
}

async function goBack(order: Order, ports: DeployPorts, before: string): Promise<'done' | 'failed'> {
  const { environment, version } = order;
  const reason = `${version} failed its smoke test`;
  const { ok } = await ports.wrangler(rollBack(environment, before, reason));
  ports.say(ok ? 'What served before serves again.\n' : 'What served before could not be brought back.\n');
  return ok ? 'done' : 'failed';
}

async function check({ smoke }: DeployPorts, target: SmokeTarget): Promise<void> {
  if (await smoke(target)) return;
  throw new DeploymentError('deployment/smoke-failed', `The smoke test of ${target.url} failed.`);
}

function succeed(outcome: WranglerOutcome, what: string): WranglerOutcome {
  if (outcome.ok) return outcome;
  throw new DeploymentError('deployment/wrangler-failed', `${what} failed.`);
}

function known(address: string | null): string {
  if (address !== null) return address;
  throw new DeploymentError(
    'deployment/no-address',
    'wrangler does not say where the relay answers. Set RELAY_URL to its address.',
  );
}

function addressOf(record: WranglerOutcome['records'][number]): string[] {
  if (record.type !== 'deploy') return [];
  return record.targets?.flatMap((target) => findAddress(target) ?? []) ?? [];
}
