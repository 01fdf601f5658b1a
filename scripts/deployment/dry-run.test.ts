import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it, vi } from 'vitest';
import { deployPlainly, uploadVersion } from './commands.ts';
import { ENVIRONMENTS, isEnvironment } from './environments.ts';
import { spawnWrangler } from './wrangler.ts';

interface Settings {
  readonly name: string;
  readonly d1_databases: readonly { readonly database_name: string; readonly database_id?: string }[];
}

const file = join(import.meta.dirname, '../../apps/signaling/cloudflare/wrangler.jsonc');
const { config } = ts.parseConfigFileTextToJson(file, readFileSync(file, 'utf8')) as {
  config: Settings & { env: Record<string, Settings> };
};
const wrangler = spawnWrangler({ say: () => undefined });
/** The Worker's tests need no build of the client, and a dry run needs no account. */
const DRY = ['--dry-run', '--assets', 'test/site'];

describe.each(Object.keys(ENVIRONMENTS).filter(isEnvironment))('%s', (environment) => {
  const { worker, database } = ENVIRONMENTS[environment];

  it.each([
    ['deploy', deployPlainly(environment, 'abc')],
    ['versions upload', uploadVersion(environment, 'abc')],
  ])('`wrangler %s` takes its configuration in a dry run', async (_, options) => {
    vi.stubEnv('CLOUDFLARE_API_TOKEN', undefined);
    const { ok, printed } = await wrangler([...options, ...DRY]);
    expect(printed).toContain(`env.DB (${database})`);
    expect(printed).toContain('--dry-run: exiting now.');
    expect(ok).toBe(true);
    vi.unstubAllEnvs();
  });

  it('names the same Worker and database as the scripts, and no account’s id', () => {
    const { name, d1_databases } = config.env[environment] ?? {};
    expect(name).toBe(worker);
    expect(d1_databases?.map(({ database_name, database_id }) => [database_name, database_id])).toEqual([
      [database, undefined],
    ]);
  });

  it('binds what the Worker is developed with', () => {
    const given: Settings | undefined = config.env[environment];
    for (const [key, settings] of Object.entries(config)) {
      // The others are inherited, or are nothing that the Worker gets.
      if (!/^(?:durable_objects|d1_databases|vars|ratelimits|analytics_engine_datasets)$/.test(key)) continue;
      expect([key, bindingsOf(given?.[key as keyof Settings])]).toEqual([key, bindingsOf(settings)]);
    }
  });
});

/** The names by which the Worker knows what these settings give it. */
function bindingsOf(settings: unknown): string[] {
  const text = JSON.stringify(settings ?? null);
  const names = [...text.matchAll(/"(?:binding|name)":"(\w+)"/g)].map(([, name]) => name ?? '');
  return names.length > 0 ? names.sort() : Object.keys(settings ?? {});
}
