import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // By itself it leaves one processor to others, which is half of a machine with two.
    maxWorkers: '100%',
    projects: [
      'apps/client/vitest.config.ts',
      'apps/signaling/vitest.config.ts',
      'apps/signaling/cloudflare/vitest.config.ts',
      'apps/signaling/cloudflare/vitest.node.config.ts',
      'apps/signaling/cloudflare/vitest.dev.config.ts',
    ],
  },
});
