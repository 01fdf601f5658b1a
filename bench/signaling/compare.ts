import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from '../table.ts';
import { processorSeconds } from './processes.ts';

/** How often each is measured. */
export const RUNS = 5;

/** The program that is the load. */
export const loadScript = fileURLToPath(new URL('../peers/load.ts', import.meta.url));

/** What one run of the load took. */
export interface Load {
  readonly publishes: number;
  readonly deliveries: number;
  readonly seconds: number;
  /** Of a round, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Of the server, for all of it, in seconds of a processor. */
  readonly processor: number;
}

/** Where a server is for the load. */
export interface Place {
  readonly port: number;
  readonly path: string;
  /** Its processes; what is counted is the one among them that is the busiest in a run. */
  readonly pids: readonly number[];
}

export interface Shape {
  readonly rooms: number;
  readonly members: number;
  /** Fewer than the 500 frames that a socket may send at once. */
  readonly rounds: number;
}

/** Loads servers by turns, so that whatever disturbs the machine disturbs them all. */
export async function compare<Name extends string>(
  places: ReadonlyMap<Name, Place>,
  shape: Shape,
): Promise<ReadonlyMap<Name, readonly Load[]>> {
  const loads = new Map<Name, Load[]>([...places.keys()].map((name) => [name, []]));
  // The first of all is for the compilers.
  for (let run = 0; run <= RUNS; run += 1) {
    for (const [name, place] of places) {
      const load = await measureLoad(place, shape);
      if (run > 0) loads.get(name)?.push(load);
    }
  }
  return loads;
}

/** The middle of what several runs took. */
export function middleOf<Name extends string>(
  loads: ReadonlyMap<Name, readonly Load[]>,
  name: Name,
  of: (load: Load) => number,
): number {
  return median((loads.get(name) ?? []).map(of));
}

async function measureLoad({ port, path, pids }: Place, shape: Shape): Promise<Load> {
  const { rooms, members, rounds } = shape;
  const args = [loadScript, ...[port, path, rooms, members, rounds].map(String)];
  const before = pids.map(processorSeconds);
  // Not synchronously: this process has to take what the servers print, or they wait for that.
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  const used = pids.map((pid, index) => processorSeconds(pid) - (before[index] ?? 0));
  return { ...(JSON.parse(stdout) as Omit<Load, 'processor'>), processor: Math.max(...used) };
}
