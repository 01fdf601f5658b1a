import { chatSchema, INLINE_IMAGE, PASSED_ON } from './chat-schema.ts';
import { LlmProblem } from './llm-problem.ts';
import { measureJson } from './json-size.ts';
import type { Provider } from './providers.ts';
import type { Images, LlmSettings } from './settings.ts';
import type { Usage } from './prices.ts';

/** The largest request that is read, in bytes ([LLM8]). */
export const REQUEST_BYTES = 2_000_000;

/** The deepest nesting of a request. JSON schemas of tools seldom have ten levels. */
const LEVELS = 64;

/** The most values of a request. One with a thousand messages and a hundred tools has some twenty thousand. */
const VALUES = 50_000;

/** What an image counts as before its provider tells: gpt-4o-mini takes 48,169 for the largest, and no other model of OpenAI's or Anthropic's more. */
const IMAGE_TOKENS = 50_000;

/** A question, read and found good. */
export interface ChatRequest {
  /** What clients call it. */
  readonly model: string;
  readonly isStream: boolean;
  readonly maxTokens: number;
  /** All that providers are told but the model, the length, and whether to stream. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The most tokens that question and answer can have. */
  readonly worst: Usage;
}

/**
 * Reads a question ([LLM8]).
 *
 * @throws {LlmProblem} `llm/malformed`, `llm/parameter`, `llm/image-refused`, `llm/unknown-model`
 */
export function readChatRequest(bytes: Uint8Array, settings: LlmSettings): ChatRequest {
  const { data, error } = chatSchema.safeParse(readJson(bytes));
  if (!data) throw new LlmProblem('llm/parameter', nameOf(error.issues));
  const model = data.model ?? settings.models[0] ?? '';
  if (!settings.models.includes(model)) throw new LlmProblem('llm/unknown-model', { parameter: 'model' });
  const images = countImages(data.messages, settings.images);
  const parameters: Record<string, unknown> = { messages: data.messages };
  for (const name of PASSED_ON) {
    const value = data[name];
    // Some clients send a list of none, which some providers do not take.
    const isNone = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
    if (!isNone) parameters[name] = value;
  }
  const maxTokens = Math.min(
    settings.maxTokens,
    data.max_tokens ?? Infinity,
    data.max_completion_tokens ?? Infinity,
  );
  return {
    model,
    isStream: data.stream === true,
    maxTokens,
    parameters,
    worst: {
      input: countBytes(parameters) - images.inlineBytes + images.count * IMAGE_TOKENS,
      output: maxTokens,
    },
  };
}

/** What a provider is told. */
export function bodyFor(
  { model, isStream, maxTokens, parameters }: ChatRequest,
  { models, lengthParameter }: Provider,
): Record<string, unknown> {
  return {
    model: models.get(model),
    ...parameters,
    [lengthParameter]: maxTokens,
    ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

/** All that decides what is answered, for telling equal questions. */
export function encodeRequest({ model, maxTokens, parameters }: ChatRequest): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(JSON.stringify({ model, maxTokens, parameters })));
}

function readJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new LlmProblem('llm/malformed', { cause });
  }
  const { levels, values } = measureJson(text, { levels: LEVELS + 1, values: VALUES + 1 });
  if (levels > LEVELS || values > VALUES) throw new LlmProblem('llm/malformed');
  try {
    return JSON.parse(text);
  } catch {
    // What it says quotes the text.
    throw new LlmProblem('llm/malformed');
  }
}

/** The first parameter that is not as it should be; none where it has no plain name, or all of the request is something else. */
function nameOf(issues: readonly { readonly path: PropertyKey[]; readonly keys?: unknown }[]): {
  parameter?: string;
} {
  const [issue] = issues;
  const unknown: unknown = Array.isArray(issue?.keys) ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(typeof unknown === 'string' ? [unknown] : [])].map(String);
  const isPlain = path.every((step) => /^[\w$-]{1,64}$/.test(step));
  const parameter = (isPlain ? path : path.slice(0, -1)).join('.');
  return parameter === '' ? {} : { parameter };
}

/** @throws {LlmProblem} `llm/image-refused` */
function countImages(
  messages: readonly { readonly content?: unknown }[],
  allowed: Images,
): { count: number; inlineBytes: number } {
  let count = 0;
  let inlineBytes = 0;
  for (const [index, { content }] of messages.entries()) {
    if (!Array.isArray(content)) continue;
    for (const [at, part] of (content as readonly Part[]).entries()) {
      if (part.type !== 'image_url') continue;
      count++;
      const { url } = part.image_url;
      const isInline = INLINE_IMAGE.test(url);
      const isTaken = isInline ? allowed !== 'off' : allowed === 'any' && isAddress(url);
      if (!isTaken)
        throw new LlmProblem('llm/image-refused', { parameter: `messages.${index}.content.${at}` });
      if (isInline) inlineBytes += url.length;
    }
  }
  return { count, inlineBytes };
}

type Part = { readonly type: 'text' } | ImagePart;

interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string };
}

function isAddress(url: string): boolean {
  return url.length <= 2_048 && URL.parse(url)?.protocol === 'https:';
}

/** A token is at least one byte of what a provider reads, whatever its model makes of them. */
function countBytes(parameters: object): number {
  return new TextEncoder().encode(JSON.stringify(parameters)).length;
}
