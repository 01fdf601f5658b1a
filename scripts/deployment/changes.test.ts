import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { listChanges, needDeployment } from './changes.ts';

it.each([
  'apps/client/src/app.html',
  'apps/signaling/cloudflare/migrations/0001_mailbox.sql',
  'patches/y-webrtc@10.3.0.patch',
  'pnpm-lock.yaml',
  'tsconfig.base.json',
  'scripts/build.ts',
  '.github/workflows/deploy-signaling.yml',
  'something-new',
  'apps/client/docs/page.ts',
])('%s is deployed, or decides about it', (file) => {
  expect(needDeployment(['docs/spec.md', file])).toBe(true);
});

it('documents, benchmarks and spikes alone are not', () => {
  const files = [
    'README.md',
    'docs/images/a.png',
    'bench/run.ts',
    'spikes/deno-signaling/main.ts',
    '.ci/run',
  ];
  expect(needDeployment([...files, '.github/workflows/ci.yml'])).toBe(false);
  expect(needDeployment([])).toBe(false);
});

it('what differs is found, with the old name of what was renamed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-changes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const git = (...options: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...options], {
      ...{ cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    });
  const commit = () => {
    git('add', '--all');
    git('commit', '--quiet', '--no-gpg-sign', '--message', 'a');
    return git('rev-parse', 'HEAD').trim();
  };
  git('init', '--quiet');
  mkdirSync(join(folder, 'apps'));
  writeFileSync(join(folder, 'apps/ä b'), 'the same');
  const first = commit();
  mkdirSync(join(folder, 'docs'));
  renameSync(join(folder, 'apps/ä b'), join(folder, 'docs/b'));
  const second = commit();
  expect(listChanges(folder, first)).toEqual(['apps/ä b', 'docs/b']);
  expect(listChanges(folder, second)).toEqual([]);
  // What GitHub says of a branch that is new, of a start by hand, and of a commit that is gone.
  for (const unknown of ['0'.repeat(40), '', 'a'.repeat(40), '--output=x'])
    expect(listChanges(folder, unknown)).toBeNull();
});
