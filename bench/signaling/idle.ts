import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startSignaling } from '../peers/start.ts';
import { median, tableOf, type Result } from '../table.ts';
import { loadScript } from './compare.ts';
import { residentBytes } from './processes.ts';
import { KINDS, NAMES, type Kind } from './servers.ts';

const SOCKETS = 5_000;
/** Those that come first, for which a server compiles its code and makes what it makes once. */
const FIRST = 1_000;
const RUNS = 5;

/** What servers hold for sockets that do nothing: a title and a table. */
export async function measureIdle(firstPort: number): Promise<string[]> {
  const runs = new Map<Kind, Held[]>(KINDS.map((kind) => [kind, []]));
  for (let run = 0; run < RUNS; run++) {
    for (const [index, kind] of KINDS.entries())
      runs.get(kind)?.push(await holdSockets(kind, firstPort + index));
  }
  const middle = (kind: Kind, of: keyof Held) => median((runs.get(kind) ?? []).map((held) => held[of]));
  const results = KINDS.map((kind): Result => ({
    what: NAMES[kind],
    figure: `${(middle(kind, 'socket') / 1000).toFixed(1)} kB a socket; the process with them ${Math.round(middle(kind, 'all') / 1e6)} MB`,
    ratio: middle(kind, 'socket') / middle('y-webrtc', 'socket'),
    aim: kind === 'parley' ? 1 : null,
  }));
  return [
    `${SOCKETS.toLocaleString('en-US')} idle sockets, each subscribed to one topic, at a server that has ${FIRST.toLocaleString('en-US')} already; garbage is collected before and after they come. Medians of ${RUNS} runs:`,
    tableOf(results, NAMES['y-webrtc']),
  ];
}

/** Bytes that a server holds. */
interface Held {
  /** For each of the sockets. */
  readonly socket: number;
  /** With them. */
  readonly all: number;
}

/** Measures a server that has done nothing else. */
async function holdSockets(kind: Kind, port: number): Promise<Held> {
  const { pid, collect, stop } = await startSignaling(kind, port);
  const first = await connect(port, FIRST);
  await collect();
  const before = residentBytes(pid);
  const load = await connect(port, SOCKETS);
  await collect();
  const all = residentBytes(pid);
  for (const child of [first, load]) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  stop();
  return { socket: (all - before) / SOCKETS, all };
}

/** A process that holds so many sockets, four in a room, when all are there. */
async function connect(port: number, sockets: number): Promise<ChildProcess> {
  const args = [loadScript, String(port), '/', String(sockets / 4), '4', '0'];
  const load = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  // It says when all are there.
  await once(load.stdout, 'data');
  return load;
}
