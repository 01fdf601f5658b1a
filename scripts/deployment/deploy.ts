import { deployPlainly, shiftTraffic, showServing, uploadVersion } from './commands.ts';
import { prepareDatabase } from './database.ts';
import { ENVIRONMENTS, type Environment } from './environments.ts';
import { DeploymentError } from './error.ts';
import { goBack, type Returned } from './go-back.ts';
import type { DeployPorts, SmokeTarget } from './ports.ts';
import { findAddress, needsPlainDeploy, readServing, succeed, type WranglerOutcome } from './records.ts';
import { known, locateRelay } from './triggers.ts';
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

export interface Deployed {
  /** Whether the version serves and its smoke test passed. */
  readonly ok: boolean;
  /** How: a version that got its traffic step by step, or all at once. */
  readonly way: 'gradual' | 'plain';
  readonly address: string | null;
  /** Why not, in a sentence. */
  readonly reason: string | null;
  /** What became of going back; null when nobody tried, because all is well or nothing was there before. */
  readonly returned: Returned | null;
}

/**
 * Deploys a version: database, upload, traffic step by step, smoke test. When the traffic or a smoke test fails, what served before
 * serves again, and is tested as well. The database does not go back; its migrations only ever add.
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
  const said = before === null ? null : await locateRelay(environment, wrangler);
  let address = order.address ?? said;
  if (before !== null) known(address);
  try {
    if (before !== null && next !== null) {
      await rollOut(order, ports, { before, next, url: known(address) });
    } else {
      say(`${before === null ? 'Nothing is there yet' : 'Durable Objects change'}: a plain deploy.\n`);
      const outcome = succeed(await wrangler(deployPlainly(environment, version)), 'wrangler deploy');
      address ??= outcome.records.flatMap(addressOf)[0] ?? findAddress(outcome.printed);
    }
    await check(ports, { url: known(address), version, override: null });
    return { ok: true, way, address, reason: null, returned: null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${reason}\n`);
    const retreat = { environment, to: before, reason: `${version} failed`, address };
    return {
      ok: false,
      way,
      address,
      reason,
      returned: before === null ? null : await goBack(retreat, ports),
    };
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

interface Shift {
  readonly before: string;
  readonly next: string;
  readonly url: string;
}

async function rollOut(
  { environment, version, steps }: Order,
  ports: DeployPorts,
  { before, next, url }: Shift,
): Promise<void> {
  const shift = async (percent: number) =>
    succeed(
      await ports.wrangler(shiftTraffic(environment, before, next, percent)),
      `Giving it ${percent} % of the traffic`,
    );
  const override = { worker: ENVIRONMENTS[environment].worker, version: next };
  for (const percent of steps) {
    await shift(percent);
    await check(ports, { url, version, override });
  }
  await shift(100);
}

async function check({ smoke }: DeployPorts, target: SmokeTarget): Promise<void> {
  if (await smoke(target)) return;
  throw new DeploymentError('deployment/smoke-failed', `The smoke test of ${target.url} failed.`);
}

function addressOf(record: WranglerOutcome['records'][number]): string[] {
  if (record.type !== 'deploy') return [];
  return record.targets?.flatMap((target) => findAddress(target) ?? []) ?? [];
}
