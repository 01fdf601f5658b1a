import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BUDGETS, gzippedSize, measureBuild } from '../apps/client/e2e/budgets.ts';
import { bundle } from '../apps/client/e2e/bundle.ts';
import { meshModules } from '../apps/client/mesh-modules.ts';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const client = createRequire(new URL('../apps/client/package.json', import.meta.url));

/** y-webrtc as npm has it: what it ships for CommonJS, which our patch leaves alone; with one copy of Yjs. */
export const stockModules = {
  'y-webrtc': client.resolve('y-webrtc'),
  yjs: fileURLToPath(import.meta.resolve('yjs')),
};

/** The size of the mesh's code: a table. */
export async function measureSize(): Promise<string> {
  const { chunk, parley, stock } = await measureSizes();
  const kilobytes = (size: number) => `${(size / 1000).toFixed(1)} kB`;
  const against = (size: number) => `${(size / stock).toFixed(2)}×`;
  const limit = `${kilobytes(BUDGETS.mesh)}${chunk > BUDGETS.mesh ? ' — missed' : ''}`;
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
    gzippedSize(await bundle(fileOf(`page/size/${entry}.ts`), 'bundled', modules));
  return {
    chunk: measureBuild().mesh,
    parley: (await size('parley', meshModules)) - (await size('session', meshModules)),
    stock: (await size('stock', stockModules)) - (await size('session', stockModules)),
  };
}
