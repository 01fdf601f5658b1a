import type { ServerResponse } from 'node:http';
import type { Question } from './wire.ts';

/** A request for a completion that waits for its answer. */
export interface Exchange {
  readonly question: Question;
  /** The whole name that the address holds, which no other test has. */
  readonly name: string;
  /** The number behind the name of the behaviour, such as 60 in `busy60-1`. */
  readonly number: number | null;
  /** How many requests that name has had, with this one. */
  readonly count: number;
  /** The key that came with it, and this provider's own address: what nobody but the relay may know. */
  readonly secrets: string;
  /** Between two words, where it is a person who reads. */
  readonly paceMs: number;
  readonly response: ServerResponse;
  /** Resolves when somebody has told the name to go on, once and for all. */
  readonly released: Promise<void>;
  /** Destroys the socket. */
  cut(): void;
}

/** Headers that are nobody's business but the relay's. */
export const PROVIDER_HEADERS = {
  'Set-Cookie': 'provider-cookie=1',
  'openai-organization': 'provider-organization',
  'x-request-id': 'provider-request',
} as const;

/** Begins an answer of the kind that was asked for. */
export function begin(
  { question, response }: Exchange,
  headers: Readonly<Record<string, string>> = {},
): void {
  const type = question.stream ? 'text/event-stream; charset=utf-8' : 'application/json';
  response.writeHead(200, { ...PROVIDER_HEADERS, 'Content-Type': type, ...headers });
  response.flushHeaders();
}

/** Resolves when the bytes are on their way. Nobody waits any more where the other side has gone. */
export function write({ response }: Exchange, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (!response.destroyed) response.write(bytes, () => resolve());
  });
}

/** Answers with these pieces, one at a time. */
export async function answer(exchange: Exchange, pieces: Iterable<string | Uint8Array>): Promise<void> {
  begin(exchange);
  for (const piece of pieces) await write(exchange, piece);
  exchange.response.end();
}

/** Answers with an error as OpenAI words it, which says more than anybody may know. */
export function fail(
  { response, secrets }: Pick<Exchange, 'response' | 'secrets'>,
  status: number,
  code: string | null,
  headers: Readonly<Record<string, string>> = {},
): void {
  const error = { message: `It went wrong: ${secrets}`, type: 'provider_error', param: null, code };
  response
    .writeHead(status, { ...PROVIDER_HEADERS, 'Content-Type': 'application/json', ...headers })
    .end(JSON.stringify({ error }));
}
