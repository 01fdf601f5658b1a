import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'signaling',
    include: [
      'apps/signaling/src/**/*.test.ts',
      'apps/signaling/*.test.ts',
      'spikes/flyio-signaling/*.test.js',
    ],
  },
});
