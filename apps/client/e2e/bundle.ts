import { build } from 'vite';

/**
 * A script that defines a global `name` with what the module at `entry` exports, everything that it imports included.
 *
 * @param alias other files for packages that cannot be bundled as they are
 */
export async function bundle(
  entry: string,
  name: string,
  alias: Readonly<Record<string, string>> = {},
): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Yjs does not work with a second copy of itself.
    resolve: { dedupe: ['yjs', 'y-protocols', 'lib0'], alias },
    build: { write: false, lib: { entry, formats: ['iife'], name } },
  });
  const [result] = Array.isArray(output) ? output : [output];
  if (!result || !('output' in result)) throw new Error('the bundle was not built');
  return `${result.output[0].code}; globalThis.${name} = ${name};`;
}
