/** `pnpm smoke <url> [--version <version>]`: whether a relay works. `RELAY_ACCESS_KEY` opens one that is for its own people only. */
import { parseArgs } from 'node:util';
import { readSettings } from './deployment/settings.ts';
import { smokeTest } from './smoke/smoke.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { version: { type: 'string' } },
});
const [url, ...others] = positionals;
if (url === undefined || !/^https?:$/.test(URL.parse(url)?.protocol ?? '') || others.length > 0) {
  console.error('Usage: pnpm smoke https://relay.example [--version <version>]');
  process.exit(2);
}
const works = await smokeTest({
  ...{ url, version: values.version ?? null, override: null, patience: 0 },
  accessKey: readSettings(process.env).accessKey,
  say: console.log,
});
process.exitCode = works ? 0 : 1;
