import { createRequire } from 'node:module';
import { build } from 'vite';

/** A script that defines a global `name` with what the module at `entry` exports, everything it imports included. */
export async function bundle(entry: string, name: string): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Yjs does not work with a second copy of itself.
    resolve: {
      dedupe: ['yjs', 'y-protocols', 'lib0'],
      // Its ES module imports a file that is not in the package (0.7.16).
      alias: { 'libsodium-wrappers': createRequire(import.meta.url).resolve('libsodium-wrappers') },
    },
    build: { write: false, lib: { entry, formats: ['iife'], name } },
  });
  const [result] = Array.isArray(output) ? output : [output];
  if (!result || !('output' in result)) throw new Error('the bundle was not built');
  return `${result.output[0].code}; globalThis.${name} = ${name};`;
}
