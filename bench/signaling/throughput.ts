import { milliseconds, tableOf, type Result } from '../table.ts';
import { compare, middleOf, type Load, type Place, type Shape } from './compare.ts';
import { KINDS, NAMES, type Kind, type Servers } from './servers.ts';

type Loads = ReadonlyMap<Kind, readonly Load[]>;

/** What the servers forward in a time: a table, and a sentence about the limit. */
export async function measureThroughput(servers: Servers, shape: Shape, aim: number): Promise<string[]> {
  const places = new Map<Kind, Place>(
    [...servers].map(([kind, { port, pid }]) => [kind, { port, path: '/', pids: [pid] }]),
  );
  const loads = await compare(places, shape);
  return [tableOf(rowsOf(loads, aim), NAMES['y-webrtc']), againstLimit(loads)];
}

function rowsOf(loads: Loads, aim: number): Result[] {
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
      processorForDelivery,
      (kind) => `${(middle(kind, processorForDelivery) * 1e6).toFixed(2)} µs`,
      0.7,
    ),
  ];
}

const processorForDelivery = ({ processor, deliveries }: Load) => processor / deliveries;

function againstLimit(loads: Loads): string {
  const ratio = (of: (load: Load) => number) =>
    (middleOf(loads, 'parley', of) / middleOf(loads, 'bare', of)).toFixed(2);
  const [time, processor] = [ratio(({ seconds }) => seconds), ratio(processorForDelivery)];
  return `Against the limit, Parley’s hub takes ${time}× the time and ${processor}× the processor (aim: 1.1×).`;
}
