import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hashSources } from './source-hash.ts';

const client = fileURLToPath(new URL('../apps/client/', import.meta.url));

/** Says which version the build is of, once it is whole: one that was interrupted looks whole as well. */
const mark = `${client}.svelte-kit/built-version`;

/**
 * Builds the client, unless the last build came from the same sources.
 *
 * @returns the build's version
 */
export function buildClient(): string {
  const version = hashSources();
  if (builtVersion() === version) return version;
  console.log('Building the client.');
  rmSync(mark, { force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    { cwd: client, encoding: 'utf8' },
  );
  // What the plugins say about their own timings is of no interest to who starts Parley.
  if (status !== 0) throw new Error(`The client could not be built.\n${stdout}${stderr}`);
  writeFileSync(mark, version);
  return version;
}

function builtVersion(): string | undefined {
  return existsSync(mark) && existsSync(`${client}build/_headers`) ? readFileSync(mark, 'utf8') : undefined;
}

if (import.meta.main) console.log(`Built version ${buildClient()}.`);
