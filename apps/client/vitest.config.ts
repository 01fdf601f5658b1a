import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'client', include: ['src/**/*.test.ts'] },
  resolve: { alias: { $lib: new URL('src/lib', import.meta.url).pathname } },
});
