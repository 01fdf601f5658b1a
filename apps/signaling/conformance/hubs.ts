import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { startRelay } from '../../../scripts/relay.ts';

/** A hub that runs. */
export interface RunningHub {
  /** Where it takes WebSockets. */
  readonly url: string;
  /** Ends it at once, as `kill -9` does. */
  kill(): Promise<void>;
}

/** A hub that is one process of its own. */
export interface HubProcess extends RunningHub {
  /** Tells it to end, by SIGTERM, and waits until it has; with the code that it exits with. */
  terminate(): Promise<number | null>;
}

/** How one kind of hub is started: on this port, or else on any that is free. */
export type StartHub<Hub extends RunningHub = RunningHub> = (port?: number) => Promise<Hub>;

/** The hub under Node, as the one file that is built of it. */
export const startNode: StartHub<HubProcess> = (port) => {
  const folder = join(import.meta.dirname, '..');
  execFileSync(process.execPath, ['build.ts'], { cwd: folder });
  return startProcess(process.execPath, [join(folder, 'build/parley-signaling.js')], port);
};

/** The hub under Deno, which is a program that an npm package brings. */
export const startDeno: StartHub<HubProcess> = (port) => {
  const deno = join(dirname(createRequire(import.meta.url).resolve('deno/package.json')), 'deno');
  const main = join(import.meta.dirname, '../../../spikes/deno-signaling/main.ts');
  return startProcess(deno, ['run', '--no-prompt', '--allow-net', '--allow-env', main], port);
};

/** The hub in a Durable Object, under `wrangler dev`. */
export const startWorkerd: StartHub = async (port = 0) => {
  const state = mkdtempSync(join(tmpdir(), 'parley-hub-'));
  const assets = join(import.meta.dirname, '../cloudflare/test/site');
  const relay = await startRelay({ port, state, version: 'conformance', assets });
  return {
    url: `${relay.url.replace('http', 'ws')}/signaling`,
    kill: async () => {
      // The group: workerd is a child of its.
      if (relay.process.pid !== undefined) process.kill(-relay.process.pid, 'SIGKILL');
      await relay.exited;
      rmSync(state, { recursive: true, force: true });
    },
  };
};

/** A hub that is one process, listens at `PORT` and says so. */
async function startProcess(program: string, args: readonly string[], port = 0): Promise<HubProcess> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PORT: String(port) },
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', end);
      resolve();
    });
  });
  const finish = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    url: `${await readAddress(child)}/signaling`,
    kill: async () => void (await finish('SIGKILL')),
    terminate: () => finish('SIGTERM'),
  };
}

/** Where a hub says that it listens. What else it prints is taken in as well: it would not outlive a pipe without a reader. */
function readAddress(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.once('error', reject);
    child.once('close', () => reject(new Error(`the hub did not start: ${printed}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const address = /ws:\/\/localhost:\d+(?=\s)/.exec(printed)?.[0];
      if (address !== undefined) resolve(address);
    });
  });
}
