import { defineConfig } from 'vitest/config';
import { meshModules } from './mesh-modules.ts';

export default defineConfig({
  test: {
    name: 'client',
    include: ['src/**/*.test.ts'],
    // Otherwise Node resolves what it imports, and knows nothing of the aliases.
    server: { deps: { inline: ['y-webrtc'] } },
  },
  resolve: { alias: { $lib: new URL('src/lib', import.meta.url).pathname, ...meshModules } },
});
