import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hashSources } from './source-hash.ts';

const client = fileURLToPath(new URL('../apps/client/', import.meta.url));

/**
 * Builds the client, unless the last build came from the same sources.
 *
 * @returns the build's version
 */
export function buildClient(): string {
  const version = hashSources();
  if (builtVersion() === version) return version;
  console.log('Building the client.');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    { cwd: client, encoding: 'utf8' },
  );
  // What the plugins say about their own timings is of no interest to who starts Parley.
  if (status !== 0) throw new Error(`The client could not be built.\n${stdout}${stderr}`);
  return version;
}

/** SvelteKit writes the version's name into the build; it is what the build's sources were hashed to. */
function builtVersion(): string | undefined {
  const file = `${client}build/_app/version.json`;
  // The page itself is written after it, and the headers after that.
  if (!existsSync(file) || !existsSync(`${client}build/_headers`)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

if (import.meta.main) console.log(`Built version ${buildClient()}.`);
