import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startSignaling, type Peer, type SIGNALING_SERVERS } from './peers/start.ts';
import { median, milliseconds, tableOf, type Result } from './table.ts';

type Kind = keyof typeof SIGNALING_SERVERS;
const KINDS: readonly Kind[] = ['y-webrtc', 'parley', 'bare'];
const NAMES = {
  'y-webrtc': 'y-webrtc’s server',
  parley: 'Parley’s hub under Node, all rules on',
  bare: 'The limit: frames forwarded as they are, without a rule',
} as const satisfies Record<Kind, string>;

const ROUNDS = 5;
const IDLE_SOCKETS = 5_000;

/** What one run of the load took. */
interface Load {
  publishes: number;
  deliveries: number;
  seconds: number;
  /** Of a round, in milliseconds. */
  p50: number;
  p99: number;
  /** Of the server, for a delivery, in seconds. */
  cpu: number;
}

const loadScript = fileURLToPath(new URL('peers/load.ts', import.meta.url));

/** Where a server is for the load. */
interface Place {
  readonly port: number;
  readonly path: string;
  /** Its process, if it is one. */
  readonly pid: number | null;
}

/** Signaling servers side by side, each and the load in processes of their own: tables. */
export async function measureSignaling(): Promise<string> {
  const servers = new Map<Kind, Peer & Place>();
  for (const [index, kind] of KINDS.entries()) {
    const port = 8941 + index;
    servers.set(kind, { ...(await startSignaling(kind, port)), port, path: '/' });
  }
  try {
    const small = compare(servers, { rooms: 50, members: 4, rounds: 150 });
    const large = compare(servers, { rooms: 1, members: 50, rounds: 60 });
    const memory = new Map<Kind, number>();
    for (const kind of KINDS) memory.set(kind, await measureIdle(kind));
    const held = (kind: Kind) => memory.get(kind) ?? NaN;
    return [
      `Medians of ${ROUNDS} runs, each server in turn; the load is raw sockets in a process of its own. In a round, everybody publishes 300 bytes ` +
        'and has received what all in the room did. Ratios are of the time, the memory or the processor that something takes.',
      '50 rooms of 4:',
      tableOf(rowsOf(small, 1 / 1.4), NAMES['y-webrtc']),
      againstLimit(small),
      'One room of 50:',
      tableOf(rowsOf(large, 1 / 2), NAMES['y-webrtc']),
      againstLimit(large),
      `${IDLE_SOCKETS.toLocaleString('en-US')} idle sockets, each subscribed to one topic:`,
      tableOf(
        KINDS.map((kind) => ({
          what: NAMES[kind],
          figure: `${(held(kind) / 1000).toFixed(1)} kB a socket`,
          ratio: held(kind) / held('y-webrtc'),
          aim: kind === 'parley' ? 1 : null,
        })),
        NAMES['y-webrtc'],
      ),
      'After one frame that is not JSON:',
      await survival(servers),
    ].join('\n\n');
  } finally {
    for (const server of servers.values()) server.stop();
  }
}

function compare<Name extends string>(
  servers: ReadonlyMap<Name, Place>,
  { rooms, members, rounds }: { rooms: number; members: number; rounds: number },
): ReadonlyMap<Name, readonly Load[]> {
  const loads = new Map<Name, Load[]>([...servers.keys()].map((kind) => [kind, []]));
  // The first of all is for the compilers.
  for (let run = 0; run <= ROUNDS; run++) {
    for (const [kind, { port, path, pid }] of servers) {
      const before = pid === null ? 0 : processorSeconds(pid);
      const args = [loadScript, String(port), path, String(rooms), String(members), String(rounds)];
      const load = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Load;
      load.cpu = pid === null ? NaN : (processorSeconds(pid) - before) / load.deliveries;
      if (run > 0) loads.get(kind)?.push(load);
    }
  }
  return loads;
}

function middleOf(loads: ReadonlyMap<Kind, readonly Load[]>, kind: Kind, of: (load: Load) => number): number {
  return median((loads.get(kind) ?? []).map(of));
}

function againstLimit(loads: ReadonlyMap<Kind, readonly Load[]>): string {
  const seconds = (kind: Kind) => middleOf(loads, kind, (load) => load.seconds);
  return `Against the limit, Parley’s hub takes ${(seconds('parley') / seconds('bare')).toFixed(2)}× the time (aim: 1.1×).`;
}

function rowsOf(loads: ReadonlyMap<Kind, readonly Load[]>, aim: number): Result[] {
  const middle = (kind: Kind, of: (load: Load) => number) => middleOf(loads, kind, of);
  const rows = (
    what: string,
    of: (load: Load) => number,
    figure: (kind: Kind) => string,
    aim: number | null,
  ) =>
    KINDS.map((kind): Result => ({
      what: `${NAMES[kind]}: ${what}`,
      figure: figure(kind),
      ratio: middle(kind, of) / middle('y-webrtc', of),
      aim: kind === 'parley' ? aim : null,
    }));
  const rate = (kind: Kind, of: (load: Load) => number) =>
    Math.round(middle(kind, (load) => of(load) / load.seconds)).toLocaleString('en-US');
  return [
    ...rows(
      'time for all',
      ({ seconds }) => seconds,
      (kind) =>
        `${rate(kind, (l) => l.publishes)} publishes/s, ${rate(kind, (l) => l.deliveries)} deliveries/s`,
      aim,
    ),
    ...rows(
      'a round, 99 % within',
      ({ p99 }) => p99,
      (kind) =>
        `${milliseconds(middle(kind, (load) => load.p99))}; median ${milliseconds(middle(kind, (load) => load.p50))}`,
      0.85,
    ),
    ...rows(
      'processor for a delivery',
      ({ cpu }) => cpu,
      (kind) => `${(middle(kind, ({ cpu }) => cpu) * 1e6).toFixed(1)} µs`,
      0.7,
    ),
  ];
}

/** Bytes that a server holds for an idle socket, if it has done nothing else. */
async function measureIdle(kind: Kind): Promise<number> {
  const port = 8951 + KINDS.indexOf(kind);
  const server = await startSignaling(kind, port);
  const { pid } = server;
  const before = residentBytes(pid);
  const args = [loadScript, String(port), '/', String(IDLE_SOCKETS / 4), '4', '0'];
  const load = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  // It says when all are there.
  await new Promise((resolve) => load.stdout.once('data', resolve));
  const bytes = (residentBytes(pid) - before) / IDLE_SOCKETS;
  const gone = new Promise((resolve) => load.once('exit', resolve));
  load.kill('SIGKILL');
  await gone;
  server.stop();
  return bytes;
}

async function survival(servers: ReadonlyMap<Kind, Peer>): Promise<string> {
  const lines: string[] = [];
  for (const kind of ['y-webrtc', 'parley'] as const) {
    const server = servers.get(kind);
    if (!server) continue;
    const socket = new WebSocket(server.url);
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    const answered = new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }) => resolve(`answers \`${String(data)}\` and goes on`));
      socket.addEventListener('close', () => resolve('its process has ended, and every connection with it'));
    });
    socket.send('not JSON');
    lines.push(`- ${NAMES[kind]}: ${await answered}`);
    socket.close();
  }
  return lines.join('\n');
}

/** What a process has used, as Linux counts it: in hundredths of a second. */
function processorSeconds(pid: number): number {
  // Behind the name, which may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentBytes(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
