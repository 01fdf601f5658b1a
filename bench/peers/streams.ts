/**
 * The client of `pnpm bench llm`, a process of its own: asks for streams as it is told by messages, several at the same time, and answers with
 * what they took.
 */
import { Agent, request as ask } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { now, type Shape } from './paced-provider.ts';

export interface Task {
  readonly url: string;
  /** The headers of each lane: in a lane, one stream follows the other. */
  readonly lanes: readonly Readonly<Record<string, string>>[];
  /** How many streams each lane has. */
  readonly streams: number;
  readonly shape: Shape;
}

/** Milliseconds each. */
export interface Taken {
  /** From a question to the first byte of its answer. */
  readonly first: readonly number[];
  /** Of each piece but the first, from when it was sent. */
  readonly pieces: readonly number[];
  /** Of all the answers. */
  readonly bytes: number;
}

/** Milliseconds between two streams of a lane: nobody asks in the instant in which an answer ends, while the last one is still settled. */
const BREATH = 25;

/** About what a page of a plan has. */
const CONTEXT = 'A sentence of the plan that the question is about. '.repeat(160);

process.on('message', (task: Task) => {
  void run(task).then((taken) => process.send?.(taken));
});

async function run({ url, lanes, streams, shape }: Task): Promise<Taken> {
  const agent = new Agent({ keepAlive: true });
  const first: number[] = [];
  const pieces: number[] = [];
  let bytes = 0;
  // Every lane has its connection before anything is measured.
  await Promise.all(lanes.map((headers) => stream(url, agent, headers, { ...shape, pieces: 1, gap: 0 })));
  await Promise.all(
    lanes.map(async (headers, index) => {
      // Spread over the length of a stream, as people are.
      await wait((index / lanes.length) * shape.pieces * shape.gap);
      for (let count = 0; count < streams; count++) {
        const taken = await stream(url, agent, headers, shape);
        first.push(taken.first);
        pieces.push(...taken.pieces);
        bytes += taken.bytes;
        await wait(BREATH);
      }
    }),
  );
  agent.destroy();
  return { first, pieces, bytes };
}

interface Stream {
  readonly first: number;
  readonly pieces: readonly number[];
  readonly bytes: number;
}

function stream(url: string, agent: Agent, headers: Task['lanes'][number], shape: Shape): Promise<Stream> {
  const body = JSON.stringify({
    ...{ model: 'paced', stream: true, max_tokens: 4_096 },
    messages: [
      { role: 'system', content: CONTEXT },
      { role: 'user', content: JSON.stringify(shape) },
    ],
  });
  return new Promise((resolve, reject) => {
    const asked = ask(url, {
      agent,
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
    });
    let first = 0;
    let bytes = 0;
    let rest = '';
    const pieces: number[] = [];
    const started = now();
    asked.on('error', reject).on('response', (response) => {
      response.on('error', reject).on('data', (data: Buffer) => {
        const at = now();
        if (bytes === 0) first = at - started;
        bytes += data.length;
        const text = rest + data.toString('latin1');
        let end = 0;
        for (const sent of text.matchAll(/@([\d.]+)@/g)) {
          pieces.push(at - Number(sent[1]));
          end = sent.index + sent[0].length;
        }
        rest = text.slice(end);
      });
      response.on('end', () => {
        if (response.statusCode === 200 && pieces.length === shape.pieces) {
          resolve({ first, pieces: pieces.slice(1), bytes });
        } else
          reject(
            new Error(`${url} answered ${response.statusCode}, ${pieces.length} pieces: ${rest.slice(-300)}`),
          );
      });
    });
    asked.end(body);
  });
}
