import type { Shape } from '../peers/paced-provider.ts';
import { processorSeconds, residentBytes } from '../signaling/processes.ts';
import { median, milliseconds, size, tableOf, type Result } from '../table.ts';
import type { Client } from './streams.ts';
import { LANES, WAYS, type RunningWay, type Way } from './ways.ts';

/** How often the memory of a process is looked at, in milliseconds. */
const LOOK = 20;

/** How often each is measured. */
const RUNS = 3;

interface Load {
  readonly what: string;
  readonly lanes: number;
  readonly streams: number;
  readonly shape: Shape;
}

const LOADS: readonly Load[] = [
  {
    ...{ what: `${LANES} streams of words, one every 20 ms`, lanes: LANES, streams: 1 },
    shape: { pieces: 100, gap: 20, characters: 5 },
  },
  {
    ...{ what: '4 streams of pieces of 16 kB, as fast as they go', lanes: 4, streams: 3 },
    shape: { pieces: 400, gap: 0, characters: 16_000 },
  },
];

/** What streaming takes of a process. */
interface Use {
  readonly megabytes: number;
  /** Milliseconds of a processor. */
  readonly processor: number;
  /** Bytes of memory: before, and the most while it streamed. */
  readonly before: number;
  readonly peak: number;
}

const GATEWAYS = ['portkey', 'bare', 'memory'] as const satisfies Way[];

/** What a gateway takes for a megabyte that it streams: a sentence and a table. */
export async function measureLoad(
  client: Client,
  ways: ReadonlyMap<Way, RunningWay>,
): Promise<[string, string]> {
  const results: Result[] = [];
  for (const load of LOADS) {
    const uses = new Map<Way, Use[]>(GATEWAYS.map((way) => [way, []]));
    for (let run = 0; run < RUNS; run++) {
      for (const way of GATEWAYS) uses.get(way)?.push(await measureUse(client, ways.get(way), load));
    }
    results.push(...rowsOf(load, uses));
  }
  return [
    `What the process takes, median of ${RUNS} runs; its memory is what it holds at most during them, and by how much that is more than before. The proxy of \`wrangler dev\` is not in this.`,
    tableOf(results, WAYS.portkey),
  ];
}

function rowsOf({ what }: Load, uses: ReadonlyMap<Way, readonly Use[]>): Result[] {
  const of = (way: Way) => uses.get(way) ?? [];
  const processor = (way: Way) => median(of(way).map((use) => use.processor / use.megabytes));
  const peak = (way: Way) => Math.max(...of(way).map((use) => use.peak));
  const growth = (way: Way) => peak(way) - (of(way)[0]?.before ?? 0);
  const megabytes = (way: Way) => of(way).reduce((sum, use) => sum + use.megabytes, 0);
  return [
    ...GATEWAYS.map((way): Result => ({
      what: `Processor for a megabyte, ${what}: ${WAYS[way]}`,
      figure: milliseconds(processor(way)),
      ratio: processor(way) / processor('portkey'),
      aim: null,
    })),
    ...GATEWAYS.map((way): Result => ({
      what: `Memory, ${what}: ${WAYS[way]}`,
      figure: `${Math.round(peak(way) / 1e6)} MB, ${(growth(way) / 1e6).toFixed(1)} MB more than before, for ${Math.round(megabytes(way))} MB streamed: ${size(Math.round(growth(way) / megabytes(way)))} each`,
      ratio: peak(way) / peak('portkey'),
      aim: null,
    })),
  ];
}

async function measureUse(client: Client, way: RunningWay | undefined, load: Load): Promise<Use> {
  if (way?.pid == null) throw new Error('there is no process to look at');
  const { url, pid } = way;
  const before = residentBytes(pid);
  const start = processorSeconds(pid);
  let peak = before;
  const look = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), LOOK);
  try {
    const { streams, shape } = load;
    const { bytes } = await client.ask({ url, lanes: way.lanes.slice(0, load.lanes), streams, shape });
    const processor = 1000 * (processorSeconds(pid) - start);
    return { megabytes: bytes / 1e6, processor, before, peak };
  } finally {
    clearInterval(look);
  }
}
