/** `pnpm dev`: the client with hot reload at http://localhost:5173, in front of the Worker at http://localhost:8787. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildClient } from './build.ts';
import { startRelay } from './relay.ts';
import { prepareVariables } from './variables/prepare.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));

const { variables, advisor } = await prepareVariables(process.env);
// The Worker serves the assets of a build, and does not start without one.
const version = buildClient();
const state = fileURLToPath(new URL('../.parley/', import.meta.url));
// Vite passes requests on with the origin that the browser sees.
const vars = { ALLOWED_ORIGINS: 'http://localhost:5173' };
const relay = await startRelay({ port: 8787, state, version, vars, secrets: variables });
console.log(advisor);
const vite = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'dev'], {
  cwd: fileURLToPath(new URL('../apps/client/', import.meta.url)),
  stdio: 'inherit',
});
process.on('exit', () => vite.kill());
vite.once('exit', () => process.exit(0));
void relay.exited.then(() => process.exit(1));
