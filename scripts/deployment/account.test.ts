import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { uploadVersion } from './commands.ts';
import { deploy, type Order } from './deploy.ts';
import type { SmokeTarget } from './ports.ts';
import { needsPlainDeploy } from './records.ts';
import { openCloudflare } from './test/cloudflare.ts';
import { spawnWrangler, type Wrangler } from './wrangler.ts';

const migrations = join(import.meta.dirname, '../../apps/signaling/cloudflare/migrations');
const ADDRESS = 'https://parley-staging.example.workers.dev';

/** The real wrangler, in front of a stand-in for Cloudflare's API. */
async function open() {
  const { url, account, close } = await openCloudflare();
  onTestFinished(close);
  vi.stubEnv('CLOUDFLARE_API_BASE_URL', url);
  vi.stubEnv('CLOUDFLARE_API_TOKEN', 'token');
  vi.stubEnv('CLOUDFLARE_ACCOUNT_ID', 'account');
  onTestFinished(() => void vi.unstubAllEnvs());
  // wrangler insists on the folder, whatever is in it.
  mkdirSync(join(import.meta.dirname, '../../apps/client/build'), { recursive: true });
  let said = '';
  const spawned = spawnWrangler({ say: (text) => (said += text) });
  // The Worker's tests need no build of the client.
  const wrangler: Wrangler = (options) =>
    spawned(
      /^(?:versions upload|deploy) /.test(options.join(' '))
        ? [...options, '--assets', 'test/site']
        : options,
    );
  return { account, wrangler, said: () => said };
}

it('an account gets its first version, goes back from its second, and needs a plain deploy for other classes', async () => {
  const { account, wrangler, said } = await open();
  const order: Order = { environment: 'staging', version: 'one', address: null, steps: [0], location: null };
  const tested: SmokeTarget[] = [];
  const verdicts: boolean[] = [];
  const smoke = (target: SmokeTarget) => {
    tested.push(target);
    return Promise.resolve(verdicts.shift() ?? true);
  };
  const ports = { wrangler, say: () => undefined, smoke };

  expect(await deploy(order, ports), said()).toMatchObject({ ok: true, way: 'plain', address: ADDRESS });
  const [database] = account.databases;
  expect(database).toMatchObject({ name: 'parley-staging', migrations: readdirSync(migrations).sort() });
  const [[first, upload] = []] = account.versions;
  expect(upload?.bindings).toContainEqual({ name: 'DB', type: 'd1', id: database?.uuid });
  expect(upload?.bindings).toContainEqual({ name: 'VERSION', type: 'plain_text', text: 'one' });
  // What somebody set by hand stays.
  expect(upload?.keep_bindings).toEqual(expect.arrayContaining(['plain_text', 'secret_text']));

  verdicts.push(true, false);
  expect(await deploy({ ...order, version: 'two' }, ports), said()).toMatchObject({
    ...{ ok: false, way: 'gradual', address: ADDRESS, returned: { outcome: 'done', version: 'one' } },
  });
  expect(tested.at(-1)).toEqual({ url: ADDRESS, version: 'one', override: null });
  const [, [second] = []] = account.versions;
  expect(account.deployments).toEqual([
    { [String(first)]: 100 },
    { [String(first)]: 100, [String(second)]: 0 },
    { [String(second)]: 100 },
    { [String(first)]: 100 },
  ]);

  account.migration = 'another';
  expect(needsPlainDeploy(await wrangler(uploadVersion('staging', 'three')))).toBe(true);
  // By hand, to a version that never was.
  const rollback = [join(import.meta.dirname, '../rollback.ts'), '--env', 'staging', 'unknown'];
  await expect(promisify(execFile)(process.execPath, rollback)).rejects.toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('Going back failed') as string },
  });
  expect(account.deployments.at(-1)).toEqual({ [String(first)]: 100 });
  expect(account.unknown).toEqual([]);
  // A token needs a permission for each of these, and for nothing else.
  expect([...account.parts].sort()).toEqual(['d1', 'workers']);
}, 600_000);
