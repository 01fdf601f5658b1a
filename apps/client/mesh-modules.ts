import { fileURLToPath } from 'node:url';

const mesh = (file: string) => fileURLToPath(new URL(`src/lib/sync/mesh/${file}`, import.meta.url));

/** What y-webrtc is given in place of modules that it imports: docs/decisions/0008-mesh-with-its-own-peer.md */
export const meshModules = {
  'simple-peer/simplepeer.min.js': mesh('peer.ts'),
  'lib0/websocket': mesh('websocket.ts'),
};
