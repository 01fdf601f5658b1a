#!/usr/bin/env node
/** The hub for Node: `parley-signaling` listens at ws://localhost:4444, or where its variables say. */
import { VariableError } from '../variables.ts';
import { HubServer } from './hub-server.ts';
import { readHubSettings } from '../settings.ts';

try {
  const server = new HubServer(readHubSettings(process.env));
  const port = await server.start();
  console.log(`The hub listens at ws://localhost:${port}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // A second one ends the process as if nobody listened.
      void server.stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  console.error(reasonOf(error));
  process.exit(1);
}

function reasonOf(error: unknown): string {
  if (error instanceof VariableError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'The port is taken. PORT names another one.';
  if (code === 'EACCES') return 'The port may not be used by this user. PORT names another one.';
  return message;
}
