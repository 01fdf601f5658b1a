/** `pnpm start`: builds what has changed and runs Parley on this machine, with its data in the checkout. */
import { fileURLToPath } from 'node:url';
import { buildClient } from './build.ts';
import { PortTakenError, runHourlyJob, startRelay } from './relay.ts';
import { prepareVariables } from './variables/prepare.ts';

const HOUR = 3_600_000;

const port = Number(process.env['PORT'] ?? 8787);
if (!Number.isInteger(port) || port < 1 || port > 65_535) {
  console.error(`PORT is "${process.env['PORT']}", which is no port. Give a number from 1 to 65535.`);
  process.exit(1);
}

// Also while it starts: leaving takes the relay along.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));

try {
  const { variables, advisor } = await prepareVariables(process.env);
  const version = buildClient();
  const state = fileURLToPath(new URL('../.parley/', import.meta.url));
  const relay = await startRelay({ port, state, version, secrets: variables });
  console.log(`\nParley runs at ${relay.url}\n${advisor}\nIts data is in .parley/. Stop it with Ctrl+C.`);
  // At once as well: a machine that is turned off every evening may never run for an hour.
  runJob(relay.url);
  setInterval(runJob, HOUR, relay.url);
  await relay.exited;
  console.error('The relay has stopped by itself.');
  process.exit(1);
} catch (error) {
  if (error instanceof PortTakenError) {
    console.error(
      `${error.message} Stop what uses it, or choose another one: PORT=${port + 1} npx --yes pnpm@12 start`,
    );
  } else {
    console.error(error instanceof Error ? error.message : error);
  }
  process.exit(1);
}

/** Of a job that failed, one line is enough: the next one does its work as well. */
function runJob(url: string): void {
  runHourlyJob(url).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
  });
}
