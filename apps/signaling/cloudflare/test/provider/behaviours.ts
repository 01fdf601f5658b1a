import { gzipSync } from 'node:zlib';
import { answerAsDemonstration } from './demonstration.ts';
import { PROVIDER_HEADERS, answer, begin, fail, write, type Exchange } from './exchange.ts';
import { callTools, echo } from './replies.ts';
import {
  DONE,
  chunksOf,
  completionOf,
  eventOf,
  piecesOf,
  usageOf,
  type Question,
  type Usage,
} from './wire.ts';

export type Behaviour = (exchange: Exchange) => void | Promise<void>;

const good: Behaviour = (exchange) => answer(exchange, goodPieces(exchange.question));

const goodPieces = (question: Question, usage?: Usage) => piecesOf(question, echo(question), usage);

/** All but the end of a good answer, and the rest. */
function inTwo({ question }: Exchange): [string[], string[]] {
  const pieces = goodPieces(question);
  return [pieces.slice(0, 3), pieces.slice(3)];
}

/** Usage that no answer took. */
const LIES: readonly Usage[] = [
  { prompt_tokens: -5, completion_tokens: -1_000_000, total_tokens: -1_000_005 },
  { prompt_tokens: '5', completion_tokens: '7', total_tokens: '12' },
  { prompt_tokens: 0.5, completion_tokens: 1e-9, total_tokens: 0.5 },
  { prompt_tokens: null, completion_tokens: {}, total_tokens: [] },
  { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
];

const LETTERS = 'x'.repeat(65_536);

/**
 * What happens at an address, by the name it begins with: `busy60-some-test` is `busy` with the number 60. Without more words
 * here, it answers as `good` does, streaming or not, but for what its name says.
 */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  good,
  tooling: (exchange) => answer(exchange, piecesOf(exchange.question, callTools(exchange.question))),

  demonstration: answerAsDemonstration,

  /** Nothing at all until it is released. */
  slow: async (exchange) => {
    await exchange.released;
    await good(exchange);
  },
  /** Headers, and no more until it is released. */
  mute: async (exchange) => {
    begin(exchange);
    await exchange.released;
    for (const piece of goodPieces(exchange.question)) await write(exchange, piece);
    exchange.response.end();
  },
  /** Some pieces, and the rest when it is released. */
  stalling: async (exchange) => {
    const [first, rest] = inTwo(exchange);
    begin(exchange);
    for (const piece of first) await write(exchange, piece);
    await exchange.released;
    for (const piece of rest) await write(exchange, piece);
    exchange.response.end();
  },

  /** The connection ends in the middle of an event. */
  cut: async (exchange) => {
    const [first, [next = '']] = inTwo(exchange);
    begin(exchange);
    for (const piece of [...first, next.slice(0, next.length / 2)]) await write(exchange, piece);
    exchange.cut();
  },
  /** The connection ends before there are headers. */
  cutearly: (exchange) => exchange.cut(),
  /** The connection ends behind the headers. */
  cutmute: (exchange) => {
    begin(exchange);
    exchange.cut();
  },
  /** A stream that ends without its last event. */
  doneless: (exchange) =>
    answer(
      exchange,
      goodPieces(exchange.question).filter((piece) => piece !== DONE),
    ),
  empty: (exchange) => answer(exchange, []),

  malformed: (exchange) => {
    const [first, rest] = inTwo(exchange);
    return answer(exchange, [...first, 'data: {"choices": [{"delta":\n\n', ...rest]);
  },
  webpage: ({ response }) =>
    void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>provider-page</h1>'),
  /** An error in the middle, as some gateways send it. */
  erring: (exchange) => {
    const [first] = inTwo(exchange);
    const error = { message: `It went wrong: ${exchange.secrets}`, code: 502 };
    return answer(exchange, [...first, eventOf({ error }), DONE]);
  },

  /** Lines, characters and line ends, each in several reads. */
  trickle: (exchange) => {
    const bytes = Buffer.from(withCrlf(goodPieces(exchange.question)).join(''));
    return answer(
      exchange,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    );
  },
  crlf: (exchange) => answer(exchange, withCrlf(goodPieces(exchange.question))),
  /** Comments between the events, as they keep connections alive. */
  chatty: (exchange) => {
    const pieces = goodPieces(exchange.question);
    return answer(
      exchange,
      exchange.question.stream ? pieces.flatMap((piece) => [': still there\n\n', piece]) : pieces,
    );
  },
  packed: ({ question, response }) => {
    const type = question.stream ? 'text/event-stream' : 'application/json';
    response
      .writeHead(200, { ...PROVIDER_HEADERS, 'Content-Type': type, 'Content-Encoding': 'gzip' })
      .end(gzipSync(goodPieces(question).join('')));
  },

  /** 429, with the number as `Retry-After` if there is one. */
  busy: (exchange) =>
    fail(exchange, 429, 'rate_limit_exceeded', {
      ...(exchange.number !== null && { 'Retry-After': String(exchange.number) }),
    }),
  busyonce: (exchange) =>
    exchange.count > 1
      ? good(exchange)
      : fail(exchange, 429, 'rate_limit_exceeded', { 'Retry-After': String(exchange.number ?? 0) }),
  /** 500, or the number as status. */
  failing: (exchange) => fail(exchange, exchange.number ?? 500, null),
  failonce: (exchange) =>
    exchange.count > 1 ? good(exchange) : fail(exchange, exchange.number ?? 500, null),
  refusing: (exchange) => fail(exchange, 400, 'invalid_value'),
  toolong: (exchange) => fail(exchange, 400, 'context_length_exceeded'),
  unauthorised: (exchange) => fail(exchange, 401, 'invalid_api_key'),
  poor: (exchange) => fail(exchange, 402, 'insufficient_quota'),
  modelless: (exchange) => fail(exchange, 404, 'model_not_found'),
  /** To a good address, whose name is this one's behind `good-after-`: what is seen there tells whether somebody followed. */
  redirecting: ({ name, response }) =>
    void response.writeHead(307, { Location: `/good-after-${name}/v1/chat/completions` }).end(),

  unmetered: (exchange) => answer(exchange, goodPieces(exchange.question, null)),
  /** A lie of several, by the number. */
  lying: ({ number, ...exchange }) =>
    answer({ number, ...exchange }, goodPieces(exchange.question, LIES[number ?? 0] ?? null)),
  greedy: (exchange) =>
    answer(
      exchange,
      goodPieces(exchange.question, { prompt_tokens: 1e12, completion_tokens: 1e12, total_tokens: 2e12 }),
    ),
  /** The usage so far in every chunk, and none in a chunk of its own. */
  counting: (exchange) => {
    const { question } = exchange;
    if (!question.stream) return good(exchange);
    const { words, calls } = echo(question);
    const chunks = chunksOf({ ...question, stream_options: null }, { words, calls }, null);
    const counted = chunks.map((chunk, index) => ({
      ...chunk,
      usage: usageOf(question, { words: words.slice(0, index), calls }),
    }));
    return answer(exchange, [...counted.map(eventOf), DONE]);
  },

  /** The usage so far, and the rest when it is released. */
  countingstall: async (exchange) => {
    const usage = { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 };
    begin(exchange);
    for (const piece of goodPieces(exchange.question).slice(0, 3)) await write(exchange, piece);
    await write(exchange, eventOf({ choices: [], usage }));
    await exchange.released;
    exchange.response.end(DONE);
  },

  /** An answer of so many kilobytes; of 10 MB without a number. */
  large: (exchange) => answer(exchange, largePieces(exchange.question, exchange.number ?? 10_240)),
  /** An answer that goes on for as long as somebody takes it. */
  endless: (exchange) => answer(exchange, endlessPieces(exchange)),
};

const withCrlf = (pieces: readonly string[]) => pieces.map((piece) => piece.replaceAll('\n', '\r\n'));

function largePieces(question: Question, kilobytes: number): string[] {
  const words = Array.from({ length: kilobytes }, () => LETTERS.slice(0, 1024));
  return piecesOf(question, { words, calls: [] });
}

function* endlessPieces({ question, response }: Exchange): Generator<string> {
  const reply = { words: [LETTERS], calls: [] };
  const [opening, piece] = question.stream
    ? ['', eventOf(chunksOf(question, reply, null)[1])]
    : [JSON.stringify(completionOf(question, reply, null)).split(LETTERS)[0] ?? '', LETTERS];
  yield opening;
  while (!response.destroyed) yield piece;
}
