import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: { name: 'signaling', include: ['src/**/*.test.ts'] },
});
