import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeEnvFile } from './variables/env-file.ts';

const relay = fileURLToPath(new URL('../apps/signaling/cloudflare/', import.meta.url));

export interface RelayOptions {
  /** 0 is any that is free. */
  readonly port: number;
  /** Where Durable Objects and D1 keep their data. */
  readonly state: string;
  readonly version: string;
  /** The client's build to serve, when it is not the one in the checkout. */
  readonly assets?: string;
  /** Variables of the Worker besides its version, such as its limits. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Those that are on no command line, such as keys. Of .dev.vars and of this process's environment the Worker gets nothing by itself. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Another Worker than the relay's own, for a test: a file below apps/signaling/cloudflare. */
  readonly main?: string;
  /** Whether what the Worker logs is printed, whatever its level. */
  readonly verbose?: boolean;
}

export interface Relay {
  readonly url: string;
  readonly process: ChildProcess;
  /** The last that wrangler and the Worker printed, at most a million characters. */
  printed(): string;
  /** Resolves when it has gone with all that it started, by itself or by {@link stop}, and nobody listens at its address any more. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/** Somebody else listens on the port. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/**
 * Runs the Worker and the client's build under `wrangler dev` and resolves once it answers.
 *
 * @throws {PortTakenError} before anything is started
 * @throws {VariableError} before the Worker is started, when a secret cannot be handed to it
 * @throws {Error} when the Worker does not come up; the message carries what wrangler printed
 */
export async function startRelay({
  port,
  state,
  version,
  assets,
  vars = {},
  secrets = {},
  main,
  verbose = false,
}: RelayOptions): Promise<Relay> {
  if (port !== 0) await claimPort(port);
  await migrate(state);
  const envFile = writeEnvFile(secrets);
  const child = spawn(
    process.execPath,
    [
      'node_modules/wrangler/bin/wrangler.js',
      'dev',
      ...(main === undefined ? [] : [main]),
      ...[
        '--port',
        String(port),
        '--inspector-port',
        '0',
        '--persist-to',
        state,
        '--env-file',
        envFile.path,
        '--var',
        `VERSION:${version}`,
      ],
      ...Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ...(assets === undefined ? [] : ['--assets', assets]),
      ...['--show-interactive-dev-session=false', '--log-level', verbose ? 'log' : 'warn'],
    ],
    // A group of its own: workerd is a grandchild, and has to go with it.
    {
      cwd: relay,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: 'false',
        // Whatever else is set here, the Worker's variables are those of the file.
        CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false',
        CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
      },
    },
  );
  // Nothing of it outlives this process, whatever ends it but SIGKILL.
  const letGo = endWithThisProcess(() => {
    killGroup(child, 'SIGTERM');
    envFile.remove();
  });
  let url = port === 0 ? undefined : `http://localhost:${port}`;
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-1_000_000)));
  }
  // wrangler's only one, when it listens.
  child.once('message', (message) => {
    url ??= `http://localhost:${(JSON.parse(String(message)) as { port: number }).port}`;
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(async () => {
    // workerd goes after what started it, if at all, and has the port until then.
    killGroup(child, 'SIGKILL');
    envFile.remove();
    while (url !== undefined && (await isListening(url))) await wait(10);
  });
  void exited.then(letGo);
  const stop = async () => {
    killGroup(child, 'SIGTERM');
    const patience = setTimeout(() => killGroup(child, 'SIGKILL'), 3_000);
    await exited;
    clearTimeout(patience);
  };
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The relay did not start.\n${printed}`);
    if (url !== undefined && (await answers(url))) {
      return { url, process: child, printed: () => printed, exited, stop };
    }
    await wait(100);
  }
  await stop();
  throw new Error(`The relay did not answer within a minute.\n${printed}`);
}

/**
 * Runs the relay's hourly job once. `wrangler dev` runs none by itself, but has an address for it.
 *
 * @throws {Error} when the job failed or the relay does not answer
 */
export async function runHourlyJob(url: string): Promise<void> {
  const { ok, status } = await fetch(`${url}/cdn-cgi/local/scheduled`);
  if (!ok) throw new Error(`The relay’s hourly job failed with status ${status}.`);
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What has to go when this process does. */
const companions = new Set<() => void>();

function endCompanions(): void {
  for (const end of companions) end();
}

/** A signal that nobody else looks after ends this process without an `exit` event: Node itself does so by default. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endCompanions();
  process.off(signal, endBySignal);
  process.kill(process.pid, signal);
}

/** Calls `end` when this process ends. What it answers with takes that back. */
function endWithThisProcess(end: () => void): () => void {
  if (companions.size === 0) {
    process.on('exit', endCompanions);
    for (const signal of ENDING_SIGNALS) process.on(signal, endBySignal);
  }
  companions.add(end);
  return () => {
    companions.delete(end);
    if (companions.size > 0) return;
    process.off('exit', endCompanions);
    for (const signal of ENDING_SIGNALS) process.off(signal, endBySignal);
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Gone already; macOS has another code for it while nobody has asked how they ended.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

function isListening(url: string): Promise<boolean> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** wrangler would quietly take the next free port, and the address that was promised would be somebody else's. */
async function claimPort(port: number): Promise<void> {
  for (const host of ['127.0.0.1', '::1']) {
    await new Promise<void>((resolve, reject) => {
      const probe = createServer();
      probe.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') reject(new PortTakenError(`Port ${port} is taken.`));
        else if (error.code === 'EACCES')
          reject(new PortTakenError(`Port ${port} may not be used by this user.`));
        // No IPv6 here, say.
        else resolve();
      });
      probe.listen(port, host, () => probe.close(() => resolve()));
    });
  }
}

/**
 * Lays out the database, which `wrangler dev` does not do by itself. wrangler takes two to four seconds to see that there is
 * nothing to do, so what was applied is noted beside the data.
 */
async function migrate(state: string): Promise<void> {
  const note = join(state, 'migrations-applied');
  const migrations = readdirSync(join(relay, 'migrations')).sort().join('\n');
  if (readNote(note) === migrations) return;
  const child = spawn(
    process.execPath,
    [
      ...['node_modules/wrangler/bin/wrangler.js', 'd1', 'migrations', 'apply', 'parley'],
      ...['--local', '--persist-to', state],
    ],
    {
      cwd: relay,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Without CI, it asks.
      env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' },
    },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`The database could not be laid out.\n${printed}`);
  writeFileSync(note, migrations);
}

function readNote(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // Nothing was applied there yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
