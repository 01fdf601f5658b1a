import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

let stock: Promise<string> | undefined;

/**
 * A script that defines the global `stock` with what `stock.ts` exports: Yjs and y-webrtc as npm has them. Of y-webrtc that is what it
 * ships for CommonJS: the patch leaves that alone.
 */
export function stockBundle(): Promise<string> {
  const file = (name: string) => fileURLToPath(import.meta.resolve(name));
  stock ??= bundle(fileURLToPath(new URL('stock.ts', import.meta.url)), 'stock', {
    'y-webrtc': file('y-webrtc').replace('/src/y-webrtc.js', '/dist/y-webrtc.cjs'),
    // One copy, whether it is imported or required.
    yjs: file('yjs'),
  });
  return stock;
}
