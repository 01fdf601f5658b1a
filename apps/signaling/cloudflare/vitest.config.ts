import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    cloudflareTest({
      remoteBindings: false,
      wrangler: { configPath: 'wrangler.jsonc' },
      // The Worker's tests need no build of the client.
      miniflare: { assets: { directory: 'test/site', binding: 'ASSETS' } },
    }),
  ],
  test: { name: 'relay', include: ['src/**/*.test.ts'] },
});
