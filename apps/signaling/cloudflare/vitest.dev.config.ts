import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** What only a relay under a real `wrangler dev` can show. One file after another: the idle minute has to be idle. */
export default defineConfig({
  root: join(import.meta.dirname, '../../..'),
  test: {
    name: 'relay under wrangler dev',
    include: ['apps/signaling/cloudflare/test-dev/*.test.ts', 'spikes/public-signaling-test/*.test.js'],
    globalSetup: [join(import.meta.dirname, 'test-dev/relay-process.ts')],
    fileParallelism: false,
  },
});
