/**
 * `pnpm rollback [--env staging|production] [version id]`: what served before serves again, or the version with this id
 * (`wrangler versions list`). The database stays as it is, and so do the classes of the Durable Objects.
 */
import { parseArgs } from 'node:util';
import { rollBack } from './deployment/commands.ts';
import { isEnvironment } from './deployment/environments.ts';
import { readSettings } from './deployment/settings.ts';
import { spawnWrangler } from './deployment/wrangler.ts';
import { smokeTest } from './smoke/smoke.ts';

/** Cloudflare tells all its places within seconds. */
const PATIENCE = 30_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { env: { type: 'string', default: 'production' } },
});
const environment = values.env;
const [version = null, ...others] = positionals;
if (!isEnvironment(environment) || others.length > 0) {
  console.error('Usage: pnpm rollback [--env staging|production] [version id]');
  process.exit(2);
}
const { address, accessKey } = readSettings(process.env);
const wrangler = spawnWrangler({ say: (text) => void process.stdout.write(text) });
const { ok } = await wrangler(rollBack(environment, version, 'by hand'));
if (ok && address === null) console.log('RELAY_URL is not set, so what serves now was not tested.');
const works =
  ok &&
  (address === null ||
    (await smokeTest({
      ...{ url: address, version: null, override: null, patience: PATIENCE },
      ...{ accessKey, say: console.log },
    })));
process.exitCode = works ? 0 : 1;
