import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  // wrangler takes a few seconds to bundle, and more on a busy machine.
  test: { name: 'scripts', include: ['**/*.test.ts'], testTimeout: 120_000 },
});
