import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // What the Worker logs is of interest where something failed.
    silent: 'passed-only',
    projects: [
      'apps/client/vitest.config.ts',
      'apps/signaling/vitest.config.ts',
      'apps/signaling/conformance/vitest.config.ts',
      'apps/signaling/cloudflare/vitest.config.ts',
      'apps/signaling/cloudflare/vitest.node.config.ts',
      'apps/signaling/cloudflare/vitest.dev.config.ts',
      'scripts/vitest.config.ts',
    ],
  },
});
