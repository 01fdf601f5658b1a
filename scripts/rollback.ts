/**
 * `pnpm rollback [--env staging|production] [version id]`: what served before serves again, or the version with this id
 * (`wrangler versions list`), and is tested. The database stays as it is, and so do the classes of the Durable Objects.
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isEnvironment } from './deployment/environments.ts';
import { goBack } from './deployment/go-back.ts';
import { readSettings } from './deployment/settings.ts';
import { tellReturn } from './deployment/tell.ts';
import { spawnWrangler } from './deployment/wrangler.ts';
import { smokeTest, SPREADING } from './smoke/smoke.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { env: { type: 'string', default: 'production' } },
});
const environment = values.env;
const [to = null, ...others] = positionals;
if (!isEnvironment(environment) || others.length > 0) {
  console.error('Usage: pnpm rollback [--env staging|production] [version id]');
  process.exit(2);
}

try {
  const { address, accessKey } = readSettings(process.env);
  // wrangler insists on the folder of the client's build, though going back takes nothing from it.
  mkdirSync(new URL('../apps/client/build', import.meta.url), { recursive: true });
  const say = (text: string) => void process.stdout.write(text);
  const returned = await goBack(
    { environment, to, reason: 'by hand', address },
    {
      wrangler: spawnWrangler({ say }),
      smoke: (target) =>
        smokeTest({ ...target, accessKey, patience: SPREADING, say: (line) => say(`${line}\n`) }),
      say,
    },
  );
  tellReturn(returned);
  process.exitCode = returned.outcome === 'done' ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
