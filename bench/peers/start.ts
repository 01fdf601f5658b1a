import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Peer {
  readonly url: string;
  readonly pid: number;
  /** Lets it give back the memory that it can spare: of {@link startSignaling}'s servers only. */
  collect(): Promise<void>;
  stop(): void;
}

/** A Hocuspocus server with SQLite, in a process of its own. `folder` keeps its file. */
export function startHocuspocus(port: number, folder: string): Promise<Peer> {
  const script = fileURLToPath(new URL('hocuspocus.ts', import.meta.url));
  return startServer([script, String(port), join(folder, 'hocuspocus.sqlite')], port, {});
}

/** y-websocket's own server, without a store: it keeps documents in memory. */
export function startYWebsocket(port: number): Promise<Peer> {
  // Its package exports everything but the server.
  const script = fileURLToPath(new URL('../node_modules/y-websocket/bin/server.cjs', import.meta.url));
  return startServer([script], port, { PORT: String(port), HOST: '127.0.0.1' });
}

/** The signaling servers that are compared: ours as it is built, y-webrtc's own, and one that keeps no rule. */
export const SIGNALING_SERVERS = {
  parley: '../../apps/signaling/build/parley-signaling.js',
  'y-webrtc': '../node_modules/y-webrtc/bin/server.js',
  bare: 'bare-hub.ts',
} as const;

export function startSignaling(kind: keyof typeof SIGNALING_SERVERS, port: number): Promise<Peer> {
  const script = fileURLToPath(new URL(SIGNALING_SERVERS[kind], import.meta.url));
  const collect = fileURLToPath(new URL('collect.js', import.meta.url));
  const args = ['--expose-gc', '--import', collect, script, String(port)];
  return startServer(args, port, { PORT: String(port) });
}

/** The AI provider of the benchmark, which streams by a clock. */
export function startPacedProvider(port: number): Promise<Peer> {
  return startServer([fileURLToPath(new URL('paced-provider.ts', import.meta.url)), String(port)], port, {});
}

/** Portkey's gateway for AI providers, without its page that shows what passes. */
export function startPortkey(port: number): Promise<Peer> {
  const script = fileURLToPath(
    new URL('../node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url),
  );
  return startServer([script, `--port=${port}`, '--headless'], port, {});
}

/** Starts a program, unless said otherwise this one's Node, that listens on the port in the end. */
export async function startServer(
  args: string[],
  port: number,
  env: Record<string, string>,
  program = process.execPath,
): Promise<Peer> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  const stop = () => child.kill('SIGKILL');
  process.on('exit', stop);
  const collect = async () => {
    const collected = once(child, 'message');
    child.send('collect');
    await collected;
  };
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    if (await listens(port)) return { url: `ws://127.0.0.1:${port}`, pid: child.pid ?? 0, collect, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  stop();
  throw new Error(`${args.join(' ')} did not start`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
