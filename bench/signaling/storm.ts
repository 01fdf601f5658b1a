import type { MeshKind, MeshScripts } from '../page/room/member.ts';
import type { Count, Traffic } from '../page/room/traffic.ts';
import { openPage, type Pages } from '../pages.ts';
import { IN_A_PAGE, lookAt, PATIENCE, sumOf, untilQuiet, waitFor } from '../room.ts';
import { number, size } from '../table.ts';

declare const bench: typeof import('../page/index.ts');

/** How many join one room at once. The stock y-webrtc connects to 34 others at most. */
const SIZES = [5, 20, 34];

export interface StormOptions extends Pages {
  readonly scripts: MeshScripts;
  /** The WebSocket address of the server that each kind of members uses. */
  readonly hubs: Readonly<Record<MeshKind, string>>;
}

interface Storm {
  readonly people: number;
  /** Connections there were in the end, of those that there could be, and after how long. */
  readonly connections: number;
  readonly of: number;
  readonly seconds: number;
  /** Frames that all sent to the server, and that it delivered to all. */
  readonly toHub: Count;
  readonly fromHub: Count;
  /** Something was still being sent when the count was ended. */
  readonly unquiet: boolean;
}

interface Storms {
  readonly parley: Storm;
  readonly stock: Storm;
}

/** What a server has to carry when so many join a room at once, real browsers of ours at our hub and stock ones at y-webrtc's: a title and a table. */
export async function measureStorm(options: StormOptions): Promise<string[]> {
  const storms: Storms[] = [];
  for (const people of SIZES) {
    const parley = await letJoin(options, 'parley', people);
    storms.push({ parley, stock: await letJoin(options, 'stock', people) });
  }
  return [
    `So many join a room at once, in Chromium, ${IN_A_PAGE} a process: Parley’s mesh at its hub under Node against the stock y-webrtc at its server. A room is ` +
      `given ${PATIENCE.full / 1000} seconds to connect everybody; it is counted until nothing is sent to the server for ${PATIENCE.quiet / 1000} seconds, or, marked ≥, for ${PATIENCE.unquiet / 1000} more.`,
    tableOf(storms),
  ];
}

async function letJoin(
  { scripts, hubs, ...options }: StormOptions,
  kind: MeshKind,
  people: number,
): Promise<Storm> {
  const joining = { room: crypto.randomUUID(), password: 'a password', hub: hubs[kind] };
  const pages = await Promise.all(
    Array.from({ length: Math.ceil(people / IN_A_PAGE) }, () => openPage(options)),
  );
  try {
    const started = performance.now();
    await Promise.all(
      pages.map((page, index) =>
        page.evaluate(({ script, joining, count }) => bench.joinRoom(script, joining, count), {
          ...{ script: scripts[kind], joining },
          count: Math.min(IN_A_PAGE, people - index * IN_A_PAGE),
        }),
      ),
    );
    const look = () => lookAt(pages);
    await waitFor(look, (all) => all.every(({ connected }) => connected === people - 1), PATIENCE.full);
    const seconds = (performance.now() - started) / 1000;
    const { all, unquiet } = await untilQuiet(look, ({ toHub }) => toHub);
    const sum = (of: (traffic: Traffic) => Count) => sumOf(all, of);
    return {
      ...{ people, seconds, unquiet, of: (people * (people - 1)) / 2 },
      connections: all.reduce((ends, { connected }) => ends + connected, 0) / 2,
      toHub: sum(({ toHub }) => toHub),
      fromHub: sum(({ fromHub }) => fromHub),
    };
  } finally {
    await Promise.all(pages.map((page) => page.context().close()));
  }
}

function tableOf(storms: readonly Storms[]): string {
  const row = (what: string, cell: (storms: Storms) => string) =>
    `| ${what} | ${storms.map(cell).join(' | ')} |`;
  const count = (read: (storm: Storm) => number, unit: (value: number) => string) => (both: Storms) => {
    const [ours, theirs] = [both.parley, both.stock];
    const shown = (storm: Storm) => `${storm.unquiet ? '≥ ' : ''}${unit(read(storm))}`;
    return `${shown(ours)} against ${shown(theirs)}: ${(read(ours) / read(theirs)).toFixed(2)}×`;
  };
  const met = ({ connections, of, seconds }: Storm) =>
    `${number(connections)} of ${number(of)} in ${seconds.toFixed(0)} s`;
  return [
    `| | ${storms.map(({ parley }) => `${parley.people} people`).join(' | ')} |`,
    `| --- | ${storms.map(() => '---').join(' | ')} |`,
    row('Connections', ({ parley, stock }) => `${met(parley)} against ${met(stock)}`),
    row(
      'Frames that all sent to the server',
      count(({ toHub }) => toHub.messages, number),
    ),
    row(
      '— their bytes',
      count(({ toHub }) => toHub.bytes, size),
    ),
    row(
      'Frames that it delivered',
      count(({ fromHub }) => fromHub.messages, number),
    ),
    row(
      '— their bytes',
      count(({ fromHub }) => fromHub.bytes, size),
    ),
  ].join('\n');
}
