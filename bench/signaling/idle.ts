import { spawn } from 'node:child_process';
import { startSignaling } from '../peers/start.ts';
import { tableOf, type Result } from '../table.ts';
import { loadScript } from './compare.ts';
import { residentBytes } from './processes.ts';
import { KINDS, NAMES, type Kind } from './servers.ts';

const SOCKETS = 5_000;

/** What servers hold for sockets that do nothing: a title and a table. */
export async function measureIdle(firstPort: number): Promise<string[]> {
  const held = new Map<Kind, Held>();
  for (const [index, kind] of KINDS.entries()) held.set(kind, await holdSockets(kind, firstPort + index));
  const theirs = held.get('y-webrtc');
  const results = [...held].map(([kind, { socket, all }]): Result => ({
    what: NAMES[kind],
    figure: `${(socket / 1000).toFixed(1)} kB a socket; the process with them ${Math.round(all / 1e6)} MB`,
    ratio: socket / (theirs?.socket ?? NaN),
    aim: kind === 'parley' ? 1 : null,
  }));
  return [
    `${SOCKETS.toLocaleString('en-US')} idle sockets, each subscribed to one topic; garbage is collected before and after they come:`,
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
  await collect();
  const before = residentBytes(pid);
  const args = [loadScript, String(port), '/', String(SOCKETS / 4), '4', '0'];
  const load = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  // It says when all are there.
  await new Promise((resolve) => load.stdout.once('data', resolve));
  await collect();
  const all = residentBytes(pid);
  const gone = new Promise((resolve) => load.once('exit', resolve));
  load.kill('SIGKILL');
  await gone;
  stop();
  return { socket: (all - before) / SOCKETS, all };
}
