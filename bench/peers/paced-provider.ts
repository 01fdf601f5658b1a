/**
 * The AI provider of `pnpm bench llm`: `paced-provider.ts <port>`. What is asked last says, in JSON, what is streamed: so many pieces, so many
 * milliseconds apart. Each holds when it was sent, by a clock that all processes of the machine share.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

/** What is streamed. */
export interface Shape {
  readonly pieces: number;
  /** Milliseconds between two pieces; with none, they come as fast as they are taken. */
  readonly gap: number;
  /** Characters of each piece, besides what holds them. */
  readonly characters: number;
}

/** Milliseconds, from when does not matter. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

const event = (fields: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_763_000_000, model: 'paced', ...fields })}\n\n`;

async function stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { messages } = JSON.parse(await text(request)) as { messages: { content: string }[] };
  const { pieces, gap, characters } = JSON.parse(messages.at(-1)?.content ?? '') as Shape;
  const started = now();
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  const filling = 'x'.repeat(characters);
  for (let index = 0; index < pieces; index++) {
    const early = started + index * gap - now();
    if (early > 0) await wait(early);
    const delta = { content: `${filling}@${now().toFixed(3)}@` };
    const isTaken = response.write(event({ choices: [{ index: 0, delta, finish_reason: null }] }));
    if (!isTaken) await once(response, 'drain');
  }
  response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  const usage = { prompt_tokens: 1_000, completion_tokens: pieces, total_tokens: 1_000 + pieces };
  response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`);
}

if (import.meta.main) {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    void stream(request, response);
  });
  server.listen(Number(process.argv[2]), '127.0.0.1');
}
