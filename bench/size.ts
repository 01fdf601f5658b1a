import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle } from '../apps/client/e2e/bundle.ts';
import { meshModules } from '../apps/client/mesh-modules.ts';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const client = createRequire(new URL('../apps/client/package.json', import.meta.url));

/** y-webrtc as npm has it: what it ships for CommonJS, which our patch leaves alone; with one copy of Yjs. */
export const stockModules = {
  'y-webrtc': client.resolve('y-webrtc'),
  yjs: fileURLToPath(import.meta.resolve('yjs')),
};

/** What the mesh's chunk may be, in bytes after gzip: `e2e/budgets.spec.ts` holds it to that. */
const CHUNK_LIMIT = 15_000;

/** The size of the mesh's code: a table. */
export async function measureSize(): Promise<string> {
  const { chunk, parley, stock } = await measureSizes();
  const kilobytes = (size: number) => `${(size / 1000).toFixed(1)} kB`;
  const against = (size: number) => `${(size / stock).toFixed(2)}×`;
  const limit = `${kilobytes(CHUNK_LIMIT)}${chunk > CHUNK_LIMIT ? ' — missed' : ''}`;
  return [
    '| | gzip | against stock | limit |\n| --- | --- | --- | --- |',
    `| The stock y-webrtc, added to a bundle of a session | ${kilobytes(stock)} | 1.00× | |`,
    `| Parley’s mesh, added to the same | ${kilobytes(parley)} | ${against(parley)} | |`,
    `| The mesh’s chunk in the app’s build | ${kilobytes(chunk)} | ${against(chunk)} | ${limit} |`,
  ].join('\n');
}

/** Bytes of code after gzip. */
interface MeshSizes {
  /** Of the chunk that the app's build has for its mesh, with all that it needs and the session has not loaded by then. */
  readonly chunk: number;
  /** What a bundle of a session grows by when a mesh is added to it. */
  readonly parley: number;
  readonly stock: number;
}

async function measureSizes(): Promise<MeshSizes> {
  const size = async (entry: string, modules: Readonly<Record<string, string>>) =>
    gzip(await bundle(fileOf(`page/size/${entry}.ts`), 'bundled', modules));
  return {
    chunk: measureChunk(),
    parley: (await size('parley', meshModules)) - (await size('session', meshModules)),
    stock: (await size('stock', stockModules)) - (await size('session', stockModules)),
  };
}

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

function measureChunk(): number {
  const output = fileOf('../apps/client/.svelte-kit/output/client/');
  const manifest = JSON.parse(readFileSync(`${output}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;
  const needs = (key: string, found = new Set<string>()): Set<string> => {
    if (found.has(key)) return found;
    found.add(key);
    for (const name of manifest[key]?.imports ?? []) needs(name, found);
    return found;
  };
  const keyOf = (file: string) => {
    const key = Object.keys(manifest).find((name) => name.endsWith(file));
    if (key === undefined) throw new Error(`the build has no chunk of ${file}`);
    return key;
  };
  const loaded = needs(keyOf('sync/connections.ts'));
  // SvelteKit numbers its routes after its layout and its error page, in their order: a session's is the second.
  needs(keyOf('nodes/3.js'), loaded);
  return [...needs(keyOf('sync/mesh/mesh.ts'))]
    .filter((key) => !loaded.has(key))
    .map((key) => manifest[key]?.file ?? '')
    .filter((file) => file.endsWith('.js'))
    .reduce((sum, file) => sum + gzip(readFileSync(output + file)), 0);
}

const gzip = (code: string | Buffer) => gzipSync(code, { level: 9 }).length;
