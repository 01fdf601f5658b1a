import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const relay = fileURLToPath(new URL('../apps/signaling/cloudflare/', import.meta.url));

export interface RelayOptions {
  readonly port: number;
  /** Where Durable Objects and D1 keep their data. */
  readonly state: string;
  readonly version: string;
  /** The client's build to serve, when it is not the one in the checkout. */
  readonly assets?: string;
}

export interface Relay {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves when the process has gone, by itself or by {@link stop}. */
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
 * @throws {Error} when the Worker does not come up; the message carries what wrangler printed
 */
export async function startRelay({ port, state, version, assets }: RelayOptions): Promise<Relay> {
  await claimPort(port);
  const url = `http://localhost:${port}`;
  const child = spawn(
    process.execPath,
    [
      'node_modules/wrangler/bin/wrangler.js',
      'dev',
      ...[
        '--port',
        String(port),
        '--inspector-port',
        '0',
        '--persist-to',
        state,
        '--var',
        `VERSION:${version}`,
      ],
      ...(assets === undefined ? [] : ['--assets', assets]),
      ...['--show-interactive-dev-session=false', '--log-level', 'warn'],
    ],
    // A group of its own: workerd is a grandchild, and has to go with it.
    {
      cwd: relay,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
    },
  );
  // Nothing of it outlives this process, whatever ends it but SIGKILL.
  const goToo = () => killGroup(child, 'SIGTERM');
  process.on('exit', goToo);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-20_000)));
  }
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void exited.then(() => process.off('exit', goToo));
  const stop = async () => {
    killGroup(child, 'SIGTERM');
    const patience = setTimeout(() => killGroup(child, 'SIGKILL'), 3_000);
    await exited;
    clearTimeout(patience);
  };
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The relay did not start.\n${printed}`);
    if (await answers(url)) return { url, process: child, exited, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`The relay did not answer within a minute.\n${printed}`);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
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
