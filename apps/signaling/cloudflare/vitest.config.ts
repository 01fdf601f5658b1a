import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

const migrations = await readD1Migrations(join(import.meta.dirname, 'migrations'));

/** The relay's own configuration at another place: beside it may be a .dev.vars, whose variables are not for tests. */
function copyConfig(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'wrangler.jsonc');
  copyFileSync(join(import.meta.dirname, 'wrangler.jsonc'), path);
  return path;
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    cloudflareTest({
      main: join(import.meta.dirname, 'src/worker.ts'),
      remoteBindings: false,
      wrangler: { configPath: copyConfig() },
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
