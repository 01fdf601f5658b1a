/**
 * `pnpm relay:setup [--env staging|production] [--location weur|…]`: signs in to Cloudflare if need be, makes the databases that are
 * missing, and brings them up to date. It can be run again at any time. Deploying does the same for its own environment.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { prepareDatabase } from './deployment/database.ts';
import { ENVIRONMENTS, isEnvironment } from './deployment/environments.ts';
import { readSettings } from './deployment/settings.ts';
import { OWN_WRANGLER, spawnWrangler } from './deployment/wrangler.ts';

const { values } = parseArgs({ options: { env: { type: 'string' }, location: { type: 'string' } } });
const wrangler = spawnWrangler({ say: (text) => void process.stdout.write(text) });

try {
  const { location } = readSettings({
    ...process.env,
    ...(values.location === undefined ? {} : { D1_LOCATION: values.location }),
  });
  const environments = Object.keys(ENVIRONMENTS).filter(
    (name) => values.env === undefined || name === values.env,
  );
  if (environments.length === 0) throw new Error(`There is no environment “${values.env}”.`);
  await signIn();
  for (const environment of environments.filter(isEnvironment)) {
    await prepareDatabase(environment, wrangler, location);
    console.log(
      `\nThe database of ${environment} is ready, and no file has to be changed: pnpm deploy:${environment}\n`,
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** A token of the environment is enough; otherwise wrangler asks, in a browser. */
async function signIn(): Promise<void> {
  if (process.env['CLOUDFLARE_API_TOKEN']) return;
  const { ok } = await wrangler(['whoami', '--json']);
  if (ok) return;
  if (!process.stdin.isTTY) {
    throw new Error(
      'Nobody is signed in to Cloudflare. Set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID: docs/operations.md.',
    );
  }
  const { status } = spawnSync(process.execPath, [OWN_WRANGLER, 'login'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('Nobody has signed in to Cloudflare.');
}
