import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { deploy } from './deploy.ts';
import type { SmokeTarget } from './ports.ts';
import { EMPTY_ACCOUNT, type Account } from './test/account.ts';
import { spawnWrangler } from './wrangler.ts';

/** An account in a file, and the program that deploys to it. */
function open(given: Partial<Account>) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-account-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'account.json');
  writeFileSync(file, JSON.stringify({ ...EMPTY_ACCOUNT, ...given }));
  vi.stubEnv('FAKE_ACCOUNT', file);
  onTestFinished(() => void vi.unstubAllEnvs());
  let said = '';
  const wrangler = spawnWrangler({
    say: (text) => (said += text),
    program: join(import.meta.dirname, 'test/wrangler.ts'),
  });
  return { wrangler, said: () => said, read: () => JSON.parse(readFileSync(file, 'utf8')) as Account };
}

it('a deployment through a process, whose smoke test fails, ends with what served before', async () => {
  const { wrangler, said, read } = open({
    ...{ databases: ['parley-staging'], deployments: [{ before: 100 }], migration: 'v1' },
  });
  const order = { environment: 'staging', version: 'abc', address: null, steps: [], location: null } as const;
  const smoke = ({ version }: SmokeTarget) => Promise.resolve(version !== 'abc');
  expect(await deploy(order, { wrangler, smoke, say: () => undefined })).toMatchObject({
    ...{ ok: false, address: 'https://relay.example.workers.dev', returned: { outcome: 'done' } },
  });
  expect(read().deployments).toEqual([{ before: 100 }, { next: 100 }, { before: 100 }]);
  expect(said()).toContain('Deployed triggers');
  // What the account has besides is nobody's business who reads a log.
  expect(said()).not.toContain('parley-staging');
});

it('what the process writes down when it fails is read', async () => {
  const { wrangler } = open({});
  expect(await wrangler(['deployments', 'status', '--json'])).toEqual({
    ok: false,
    printed: '',
    records: [
      { type: 'command-failed', code: 10_007, message: 'This Worker does not exist on your account.' },
    ],
  });
});
