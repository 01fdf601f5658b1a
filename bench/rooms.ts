import { measureRoom, PATIENCE, type Cost, type RoomFigures, type RoomOptions } from './room.ts';
import type { Count } from './page/room/traffic.ts';
import { milliseconds, number, size } from './table.ts';

/** How many people a room has with the newcomer. */
const SIZES = [5, 20, 30];

/** What joining a room and pressing a key in it costs, by turns with our mesh and with the stock one: two tables. */
export async function measureRooms(options: Omit<RoomOptions, 'kind' | 'size'>): Promise<string> {
  const rooms: Rooms[] = [];
  for (const size of SIZES) {
    const parley = await measureRoom({ ...options, kind: 'parley', size });
    const stock = await measureRoom({ ...options, kind: 'stock', size });
    rooms.push({ parley, stock });
  }
  return tablesOf(rooms).join('\n\n');
}

/** The same room with our mesh and with the stock one. */
interface Rooms {
  readonly parley: RoomFigures;
  readonly stock: RoomFigures;
}

type Row = readonly [what: string, cell: (rooms: Rooms) => string];

function tablesOf(rooms: readonly Rooms[]): string[] {
  const join = (what: string, count: (cost: Cost) => Count): Row[] =>
    rowsOf(what, (room) => room.join, count);
  const edit = (what: string, count: (cost: Cost) => Count): Row[] =>
    rowsOf(what, (room) => room.edit, count);
  const seconds = (time: number) => `${time / 1000} seconds`;
  return [
    `A room is given ${seconds(PATIENCE.full)} to connect everybody, a newcomer ${seconds(PATIENCE.join)}. It is counted until nothing is sent for ` +
      `${seconds(PATIENCE.quiet)}; what does not end within ${seconds(PATIENCE.unquiet)} is counted so far, and marked ≥.`,
    'One more joins, so many with the newcomer; Parley against the stock y-webrtc:',
    tableOf(rooms, [
      [
        'Connections before that, and after how long',
        ({ parley, stock }) => `${filled(parley)} against ${filled(stock)}`,
      ],
      [
        'The newcomer has what the room has after',
        ({ parley, stock }) => {
          const [ours, theirs] = [parley.join.took, stock.join.took];
          return ours === null || theirs === null
            ? `${waited(ours)} against ${waited(theirs)}`
            : against(ours, theirs, milliseconds);
        },
      ],
      [
        'It is connected to',
        ({ parley, stock }) => `${parley.join.connected} against ${stock.join.connected}`,
      ],
      ...join('Frames that all sent to the hub', ({ toHub }) => toHub),
      ...join('Frames that the hub delivered to all', ({ fromHub }) => fromHub),
      ...join('Messages over data channels, by all', ({ channels }) => channels),
      ['— of which tell whom somebody reaches', ({ parley }) => amount(parley.join.reach)],
      ['Receipts besides, by all', ({ parley }) => amount(parley.join.receipts)],
      ...join('All that the newcomer sent and received', ({ own }) => own),
      ...join('All that anybody else did, at the median', ({ other }) => other),
    ]),
    'Somebody presses a key:',
    tableOf(rooms, [
      [
        'So many had it in the end',
        ({ parley, stock }) => `${parley.edit.reached} against ${stock.edit.reached}`,
      ],
      ...edit('Messages over data channels, by all', ({ channels }) => channels),
      ['Receipts besides, by all', ({ parley }) => amount(parley.edit.receipts)],
      ...edit('All that who wrote sent and received', ({ own }) => own),
      ...edit('All that anybody else did, at the median', ({ other }) => other),
    ]),
  ];
}

function rowsOf(what: string, of: (room: RoomFigures) => Cost, count: (cost: Cost) => Count): Row[] {
  const cell =
    (read: (count: Count) => number, unit: (value: number) => string) =>
    ({ parley, stock }: Rooms) => {
      const [ours, theirs] = [of(parley), of(stock)];
      const [a, b] = [read(count(ours)), read(count(theirs))];
      const least = (cost: Cost) => (cost.unquiet ? '≥ ' : '');
      const ratio = b === 0 ? '' : `: ${(a / b).toFixed(2)}×`;
      return `${least(ours)}${unit(a)} against ${least(theirs)}${unit(b)}${ratio}`;
    };
  return [
    [what, cell(({ messages }) => messages, number)],
    ['— their bytes', cell(({ bytes }) => bytes, size)],
  ];
}

function tableOf(rooms: readonly Rooms[], rows: readonly Row[]): string {
  const sizes = rooms.map(({ parley }) => `${parley.size} people`);
  return [
    `| | ${sizes.join(' | ')} |`,
    `| --- | ${sizes.map(() => '---').join(' | ')} |`,
    ...rows.map(([what, cell]) => `| ${what} | ${rooms.map(cell).join(' | ')} |`),
  ].join('\n');
}

function filled({ filled: { connections, of, seconds } }: RoomFigures): string {
  return `${connections} of ${of} in ${seconds.toFixed(0)} s`;
}

const waited = (took: number | null) => (took === null ? 'never' : milliseconds(took));

const amount = ({ messages, bytes }: Count) => `${number(messages)}, ${size(bytes)}`;

const against = (ours: number, theirs: number, unit: (value: number) => string) =>
  `${unit(ours)} against ${unit(theirs)}: ${(ours / theirs).toFixed(2)}×`;
