import { startClient, type Client } from './llm/streams.ts';
import { measureLoad } from './llm/load.ts';
import { LANES, startWays, WAYS, type RunningWay, type Way } from './llm/ways.ts';
import type { Shape } from './peers/paced-provider.ts';
import type { Taken } from './peers/streams.ts';
import { milliseconds, quantile, tableOf, type Result } from './table.ts';

/** What the LLM proxy adds at the middle, at most, in milliseconds. */
const AIM = 3;

/** So many people ask, again and again; by turns, so that whatever disturbs the machine disturbs all ways. */
interface Round {
  readonly what: string;
  readonly lanes: number;
  readonly streams: number;
  readonly rounds: number;
  readonly shape: Shape;
}

const ROUNDS: readonly Round[] = [
  {
    ...{ what: 'one stream at a time', lanes: 1, streams: 25, rounds: 3 },
    shape: { pieces: 12, gap: 5, characters: 5 },
  },
  {
    ...{ what: `${LANES} streams at once`, lanes: LANES, streams: 2, rounds: 2 },
    shape: { pieces: 50, gap: 20, characters: 5 },
  },
];

/** What the LLM proxy adds to a streamed answer, against the same straight from the provider, and beside a peer: tables. */
export async function measureLlm(folder: string): Promise<string> {
  const { ways, stop } = await startWays(8961, folder);
  const client = startClient();
  try {
    const results: Result[] = [];
    for (const round of ROUNDS) results.push(...rowsOf(round, await compare(client, ways, round)));
    return [
      'Added to what the same takes straight at the provider, at the median and at the 99th percentile: to the first byte of a streamed answer, from the ' +
        'question; and to a piece, from when the provider sends it. One stream at a time has a piece every 5 ms, each of 50 one every 20 ms; between two there are 25 ms. The aim is ' +
        `${AIM} ms, or what Portkey adds if that is less.`,
      tableOf(results, WAYS.portkey),
      ...(await measureLoad(client, ways)),
    ].join('\n\n');
  } finally {
    client.stop();
    await stop();
  }
}

type Samples = ReadonlyMap<Way, Pick<Taken, 'first' | 'pieces'>>;

async function compare(client: Client, ways: ReadonlyMap<Way, RunningWay>, round: Round): Promise<Samples> {
  const samples = new Map(
    [...ways.keys()].map((way) => [way, { first: [] as number[], pieces: [] as number[] }]),
  );
  // The first of all is for the compilers.
  for (let count = 0; count <= round.rounds; count++) {
    for (const [way, { url, lanes }] of ways) {
      const { streams, shape } = round;
      const taken = await client.ask({ url, lanes: lanes.slice(0, round.lanes), streams, shape });
      if (count === 0) continue;
      samples.get(way)?.first.push(...taken.first);
      samples.get(way)?.pieces.push(...taken.pieces);
    }
  }
  return samples;
}

function rowsOf({ what }: Round, samples: Samples): Result[] {
  return (['first', 'pieces'] as const).flatMap((of) => {
    const at = (way: Way, part: number) => quantile(samples.get(way)?.[of] ?? [], part);
    const added = (way: Way, part: number) => at(way, part) - at('straight', part);
    const portkey = added('portkey', 0.5);
    const title = `${of === 'first' ? 'The first byte' : 'A piece'}, ${what}`;
    return [...samples.keys()].map((way): Result => {
      const isFloor = way === 'straight';
      const figures = [0.5, 0.99].map((part) => (isFloor ? at(way, part) : added(way, part)));
      const [middle = 0, most = 0] = figures;
      return {
        what: `${title}: ${WAYS[way]}`,
        figure: `${isFloor ? 'takes ' : '+ '}${milliseconds(middle)}; 99 % ${milliseconds(most)}`,
        ratio: isFloor ? null : middle / portkey,
        aim: way === 'memory' || way === 'disk' ? Math.min(1, AIM / portkey) : null,
      };
    });
  });
}
