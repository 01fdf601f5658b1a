import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What decides the client's build. Tests do not. */
const sources = [
  'apps/client/package.json',
  'apps/client/mesh-modules.ts',
  'apps/client/src',
  'apps/client/static',
  'apps/client/svelte.config.js',
  'apps/client/site-headers.js',
  'apps/client/vite.config.ts',
  'apps/client/wrangler.jsonc',
  'apps/signaling/src/back-off.ts',
  'apps/signaling/src/protocol',
  'pnpm-lock.yaml',
  'scripts/source-hash.ts',
];

/**
 * The version of the client's build: 16 hexadecimal digits of a SHA-256 over its sources, their paths and the
 * relay address compiled into it. The same sources give the same version on any machine, and a change
 * of any of them another one, so that an installed app notices an update.
 */
export function hashSources(relayUrl = process.env['PUBLIC_RELAY_URL'] ?? ''): string {
  const hash = createHash('sha256').update(relayUrl);
  for (const file of sources.flatMap((path) => listFiles(join(root, path))).sort()) {
    hash.update(`\0${relative(root, file).split(sep).join('/')}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

function listFiles(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      if (/\.test\.ts$/.test(entry.name)) return [];
      return listFiles(join(path, entry.name));
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTDIR') return [path];
    if (code === 'ENOENT') return [];
    throw error;
  }
}
