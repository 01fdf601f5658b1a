import { fileURLToPath } from 'node:url';
import { build } from 'vite';

let bundle: Promise<string> | undefined;

/** A script that defines the global `stock` with what `stock.ts` exports: Yjs and y-webrtc as npm has them. */
export function stockBundle(): Promise<string> {
  bundle ??= build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      lib: { entry: fileURLToPath(new URL('stock.ts', import.meta.url)), formats: ['iife'], name: 'stock' },
    },
  }).then((output) => {
    const [result] = Array.isArray(output) ? output : [output];
    if (!result || !('output' in result)) throw new Error('the bundle was not built');
    return `${result.output[0].code}; globalThis.stock = stock;`;
  });
  return bundle;
}
