/** `pnpm --filter @parley/signaling build`: the hub for Node as one file that needs nothing but Node, `build/parley-signaling.js`. */
import { join } from 'node:path';
import { build } from 'esbuild';

const result = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/node/main.ts'],
  outfile: 'build/parley-signaling.js',
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
for (const [file, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.log(`${join('apps/signaling', file)} (${bytes} bytes)`);
}
