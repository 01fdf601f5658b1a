import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'parley-package-'));
const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
const run = promisify(execFile);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** npm with nothing but the network's absence and a cache that is empty. */
const npm = (...options: string[]) =>
  run('npm', [...options, '--offline', '--no-audit', '--no-fund', '--no-update-notifier'], {
    cwd: folder,
    env: { PATH, HOME: folder, npm_config_cache: join(folder, 'cache') },
  });

it('what is built can be packed, installed where nothing else is, without a network, and run', async () => {
  const built = join(folder, 'built');
  await run(process.execPath, [join(import.meta.dirname, 'build.ts'), built]);
  await npm('pack', built);
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  mkdirSync(join(folder, 'elsewhere'));
  await npm('install', '--prefix', join(folder, 'elsewhere'), join(folder, tarball));
  const modules = join(folder, 'elsewhere/node_modules');
  expect(readdirSync(join(modules, '@parley/signaling')).sort()).toEqual([
    'package.json',
    'parley-signaling.js',
  ]);
  // Nothing came along.
  expect(readdirSync(modules).filter((name) => !name.startsWith('.'))).toEqual(['@parley']);

  const hub = spawn(join(modules, '.bin/parley-signaling'), { env: { PATH, PORT: '0', VERSION: 'packed' } });
  await once(hub, 'spawn');
  try {
    const [line] = (await once(hub.stdout.setEncoding('utf8'), 'data')) as [string];
    const port = /^The hub listens at ws:\/\/localhost:(\d+)\n$/.exec(line)?.[1];
    const ask = async (path: string) => (await fetch(`http://localhost:${port}${path}`)).text();
    expect(JSON.parse(await ask('/health'))).toMatchObject({ status: 'ok', version: 'packed' });
    expect(await ask('/metrics')).toMatch(/^# HELP /m);
  } finally {
    const ended = once(hub, 'exit');
    hub.kill('SIGTERM');
    await ended;
  }
}, 120_000);
