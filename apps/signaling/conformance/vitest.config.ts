import { defineConfig } from 'vitest/config';

/** The rules of the hub over a real WebSocket, the same for every runtime; or for the one hub at `HUB_URL`. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: 'conformance',
    include: [process.env['HUB_URL'] === undefined ? '*.test.ts' : 'url.ts'],
    testTimeout: 30_000,
  },
});
