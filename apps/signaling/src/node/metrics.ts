import type { HubCounts } from '../standalone-hub.ts';

/** What a scrape finds. */
export interface Measured {
  readonly sockets: number;
  readonly topics: number;
  readonly counts: HubCounts;
  /** WebSockets that were not let in, by the code of the problem. */
  readonly refused: ReadonlyMap<string, number>;
  /** Receivers that were dropped because too much waited for them ([HB33]). */
  readonly dropped: number;
  /** Bytes that the process holds. */
  readonly memory: number;
  /** Seconds of a processor that it has used. */
  readonly cpu: number;
}

type Samples = readonly (readonly [label: string, value: number])[];

/** The text format of Prometheus, version 0.0.4. */
export function formatMetrics(measured: Measured): string {
  const { sockets, topics, counts, refused, dropped, memory, cpu } = measured;
  const by = (label: string, values: ReadonlyMap<string, number>): Samples =>
    [...values].map(([value, count]) => [`{${label}="${value}"}`, count]);
  return [
    family('parley_hub_sockets', 'gauge', 'Sockets that are connected.', [['', sockets]]),
    family('parley_hub_topics', 'gauge', 'Topics that somebody listens to.', [['', topics]]),
    family('parley_hub_received_frames_total', 'counter', 'Frames that came.', [['', counts.received]]),
    family('parley_hub_sent_frames_total', 'counter', 'Frames that went out, one for every receiver.', [
      ['', counts.sent],
    ]),
    family(
      'parley_hub_closed_sockets_total',
      'counter',
      'Sockets that the hub has closed.',
      by('reason', counts.closed),
    ),
    family('parley_hub_dropped_sockets_total', 'counter', 'Receivers that were too slow.', [['', dropped]]),
    family(
      'parley_hub_refused_sockets_total',
      'counter',
      'Sockets that were not let in.',
      by('code', refused),
    ),
    family('process_resident_memory_bytes', 'gauge', 'Memory of the process.', [['', memory]]),
    family('process_cpu_seconds_total', 'counter', 'Processor time of the process.', [['', cpu]]),
  ].join('');
}

/** The media type of {@link formatMetrics}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function family(name: string, type: 'counter' | 'gauge', help: string, samples: Samples): string {
  const lines = samples.map(([label, value]) => `${name}${label} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
