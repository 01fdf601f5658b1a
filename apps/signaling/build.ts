/**
 * `pnpm --filter @parley/signaling build [folder]`: the hub for Node as one file that needs nothing but Node, `build/parley-signaling.js`
 * or in another folder. With the package.json beside it, the folder is a package for `npx` and `npm pack`.
 */
import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import own from './package.json' with { type: 'json' };

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, 'build'));
const result = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/node/main.ts'],
  outfile: join(folder, 'parley-signaling.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // ws is CommonJS, and requires modules of Node.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  // Faster parts of ws that nobody installs with it.
  external: ['bufferutil', 'utf-8-validate'],
  metafile: true,
});
const manifest = {
  name: own.name,
  version: own.version,
  type: 'module',
  bin: { 'parley-signaling': 'parley-signaling.js' },
  engines: { node: '>=22' },
};
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const [file, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.log(`${relative(process.cwd(), join(import.meta.dirname, file))} (${bytes} bytes)`);
}
