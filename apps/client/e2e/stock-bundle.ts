import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

let stock: Promise<string> | undefined;

/** A script that defines the global `stock` with what `stock.ts` exports: Yjs and y-webrtc as npm has them. */
export function stockBundle(): Promise<string> {
  stock ??= bundle(fileURLToPath(new URL('stock.ts', import.meta.url)), 'stock');
  return stock;
}
