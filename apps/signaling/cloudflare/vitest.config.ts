import { join } from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

const migrations = await readD1Migrations(join(import.meta.dirname, 'migrations'));

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    cloudflareTest({
      remoteBindings: false,
      wrangler: { configPath: 'wrangler.jsonc' },
      miniflare: {
        // The Worker's tests need no build of the client.
        assets: { directory: 'test/site', binding: 'ASSETS' },
        bindings: { MIGRATIONS: migrations },
      },
    }),
  ],
  test: {
    name: 'relay',
    include: ['src/**/*.test.ts'],
    exclude: ['src/**/*.node.test.ts'],
    globalSetup: ['test/turn-service.ts', 'test/provider/setup.ts'],
    setupFiles: ['test/apply-migrations.ts'],
    // Some rules are about megabytes, which take their time on a busy machine.
    testTimeout: 60_000,
  },
});
