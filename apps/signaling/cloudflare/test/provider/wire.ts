import { z } from 'zod';

const part = z.looseObject({ type: z.string(), text: z.string().optional() });

const textOf = z
  .union([z.string(), z.array(part), z.null()])
  .optional()
  .transform((content) =>
    Array.isArray(content) ? content.map(({ text = '' }) => text).join('') : (content ?? ''),
  );

/** What the provider reads of a request for a completion; it takes no notice of the rest. */
export const question = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  messages: z.array(z.object({ role: z.string(), content: textOf })).min(1),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
});

export type Question = z.infer<typeof question>;

interface ToolCall {
  readonly name: string;
  /** JSON, if all is well. */
  readonly arguments: string;
}

/** What is answered: words, each of which is streamed by itself, and tools that are to be called. */
export interface Reply {
  readonly words: readonly string[];
  readonly calls: readonly ToolCall[];
}

/** Where an answer says what it took; any kind of value, for those that lie. Null where it says nothing. */
export type Usage = Readonly<Record<string, unknown>> | null;

/** The last thing that a person said. */
export const lastWords = ({ messages }: Question): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';

/** What the tools gave that were called last. */
export const toolResults = ({ messages }: Question): string[] =>
  messages.slice(messages.findLastIndex(({ role }) => role !== 'tool') + 1).map(({ content }) => content);

/** Text in words, each with the space behind it. */
export const wordsOf = (text: string): string[] => text.match(/\S*\s+|\S+$/g) ?? [];

/** A token for four characters, as it is on average in English. */
export function usageOf({ messages }: Question, { words, calls }: Reply): Usage {
  const tokens = (text: string) => Math.ceil(text.length / 4);
  const prompt = tokens(messages.map(({ content }) => content).join('')) + 4 * messages.length;
  const completion = tokens(words.join('') + calls.map((call) => call.name + call.arguments).join(''));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

/** An answer without streaming. */
export function completionOf({ model, messages }: Question, reply: Reply, usage: Usage): object {
  const { words, calls } = reply;
  const message = {
    role: 'assistant',
    content: words.length === 0 ? null : words.join(''),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, index) => ({
        id: idOf(messages, index),
        type: 'function',
        function: call,
      })),
    }),
  };
  return {
    ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_763_000_000, model },
    choices: [{ index: 0, message, logprobs: null, finish_reason: endOf(reply) }],
    ...(usage && { usage }),
  };
}

/** The events of a streamed answer, in order, without the last one. Usage has a chunk of its own, if it was asked for. */
export function chunksOf(
  { model, messages, stream_options }: Question,
  reply: Reply,
  usage: Usage,
): readonly Readonly<Record<string, unknown>>[] {
  const isMetered = stream_options?.include_usage === true && usage !== null;
  const chunk = (choices: readonly object[], told: Usage = null) => ({
    ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_763_000_000, model, choices },
    ...(isMetered && { usage: told }),
  });
  const delta = (delta: object, finish_reason: string | null = null) =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason }]);
  return [
    delta({ role: 'assistant', content: '' }),
    ...reply.words.map((content) => delta({ content })),
    ...reply.calls.flatMap((call, index) => [
      delta({
        tool_calls: [
          {
            ...{ index, id: idOf(messages, index), type: 'function' },
            function: { name: call.name, arguments: '' },
          },
        ],
      }),
      ...(call.arguments.match(/.{1,7}/gsu) ?? []).map((piece) =>
        delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
      ),
    ]),
    delta({}, endOf(reply)),
    ...(isMetered ? [chunk([], usage)] : []),
  ];
}

export const eventOf = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;

export const DONE = 'data: [DONE]\n\n';

/** The body of an answer in pieces: its events if it is streamed, and otherwise quarters of it. */
export function piecesOf(
  question: Question,
  reply: Reply,
  usage: Usage = usageOf(question, reply),
): string[] {
  if (question.stream) return [...chunksOf(question, reply, usage).map(eventOf), DONE];
  const body = JSON.stringify(completionOf(question, reply, usage));
  const quarter = Math.ceil(body.length / 4);
  return [0, 1, 2, 3].map((index) => body.slice(index * quarter, (index + 1) * quarter));
}

const endOf = ({ calls }: Reply): string => (calls.length > 0 ? 'tool_calls' : 'stop');

/** An id that no other call of the conversation has. */
const idOf = ({ length }: Question['messages'], index: number): string => `call_${length}_${index}`;
