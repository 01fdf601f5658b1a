import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** What the app's JavaScript may be, by what it is loaded for, in bytes after gzip. */
export const BUDGETS = {
  home: 45_000,
  'session shell': 90_000,
  editor: 85_000,
  /** Mailbox, tabs and receipts. */
  connections: 42_000,
  mesh: 15_000,
} as const;

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly isEntry?: boolean;
}

/** What the app's JavaScript is, in the same bytes: of what is loaded late, all that a session has not loaded before. */
export function measureBuild(): Record<keyof typeof BUDGETS, number> {
  const output = fileURLToPath(new URL('../.svelte-kit/output/client/', import.meta.url));
  const manifest = JSON.parse(readFileSync(`${output}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;
  /** Adds to `found` all that chunks need before they can run. */
  const closure = (keys: readonly string[], found = new Set<string>()): Set<string> => {
    for (const key of keys) {
      if (found.has(key)) continue;
      found.add(key);
      closure(manifest[key]?.imports ?? [], found);
    }
    return found;
  };
  const keyOf = (file: string): string => {
    const [key, ...others] = Object.keys(manifest).filter((name) => name.endsWith(`/${file}`));
    if (key === undefined || others.length > 0) throw new Error(`the build has not one chunk of ${file}`);
    return key;
  };
  const measure = (keys: Iterable<string>): number =>
    [...keys]
      .flatMap((key) => manifest[key]?.file ?? [])
      .filter((file) => file.endsWith('.js'))
      .reduce((sum, file) => sum + gzippedSize(readFileSync(output + file)), 0);

  const start = Object.keys(manifest).filter(
    (name) => manifest[name]?.isEntry && /\/(start|app)\.js$/.test(name),
  );
  // SvelteKit numbers its nodes: 0 the layout, 1 the error page, then the routes in their order.
  const shell = closure([...start, keyOf('nodes/0.js')]);
  const session = closure([keyOf('nodes/3.js')], new Set(shell));
  const lazily = (file: string, loaded: ReadonlySet<string>) =>
    [...closure([keyOf(file)])].filter((key) => !loaded.has(key));
  const connections = lazily('sync/connections.ts', session);
  return {
    home: measure(closure([keyOf('nodes/2.js')], new Set(shell))),
    'session shell': measure(session),
    editor: measure(lazily('plan/PlanEditor.svelte', session)),
    connections: measure(connections),
    mesh: measure(lazily('sync/mesh/mesh.ts', new Set([...session, ...connections]))),
  };
}

/** In bytes. */
export function gzippedSize(code: string | Uint8Array): number {
  return gzipSync(code, { level: 9 }).length;
}
