import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

interface Chunk {
  file: string;
  imports?: string[];
  dynamicImports?: string[];
  isEntry?: boolean;
  src?: string;
}

const output = fileURLToPath(new URL('../.svelte-kit/output/client/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${output}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;

/** All that a chunk needs before it can run. */
function closure(keys: string[], found = new Set<string>()): Set<string> {
  for (const key of keys) {
    if (found.has(key)) continue;
    found.add(key);
    closure(manifest[key]?.imports ?? [], found);
  }
  return found;
}

/** Kilobytes (1,000 bytes) of JavaScript after gzip. */
function kilobytes(keys: Iterable<string>): number {
  let bytes = 0;
  for (const key of keys) {
    const { file } = manifest[key] ?? { file: '' };
    if (file.endsWith('.js')) bytes += gzipSync(readFileSync(output + file), { level: 9 }).length;
  }
  return bytes / 1000;
}

function key(pattern: RegExp): string {
  const keys = Object.keys(manifest).filter((name) => pattern.test(name));
  if (keys.length !== 1 || keys[0] === undefined) throw new Error(`${pattern} names ${keys.length} chunks`);
  return keys[0];
}

const nodeOf = (route: string): string => {
  // SvelteKit numbers its nodes: 0 the layout, 1 the error page, then the routes in their order.
  const routes = ['/', '/session/[id]'];
  return key(new RegExp(`/nodes/${routes.indexOf(route) + 2}\\.js$`));
};

const shell = closure([
  ...Object.keys(manifest).filter((name) => manifest[name]?.isEntry && /\/(start|app)\.js$/.test(name)),
  key(/\/nodes\/0\.js$/),
]);
const home = closure([nodeOf('/')], new Set(shell));
const session = closure([nodeOf('/session/[id]')], new Set(shell));
const lazily = (pattern: RegExp, loaded: Set<string>) =>
  [...closure([key(pattern)])].filter((name) => !loaded.has(name));

/** Mailbox, tabs and receipts. */
const connections = lazily(/sync\/connections\.ts$/, session);

for (const [what, limit, measure] of [
  ['home', 45, () => kilobytes(home)],
  ['session shell', 90, () => kilobytes(session)],
  ['editor', 85, () => kilobytes(lazily(/plan\/PlanEditor\.svelte$/, session))],
  ['connections', 42, () => kilobytes(connections)],
  ['mesh', 15, () => kilobytes(lazily(/sync\/mesh\/mesh\.ts$/, new Set([...session, ...connections])))],
] as const) {
  test(`budget: ${what} at most ${limit} kB of JavaScript, gzipped`, () => {
    const size = measure();
    test.info().annotations.push({ type: 'size', description: `${size.toFixed(1)} kB of ${limit}` });
    expect(size).toBeGreaterThan(3);
    expect(size).toBeLessThanOrEqual(limit);
  });
}
