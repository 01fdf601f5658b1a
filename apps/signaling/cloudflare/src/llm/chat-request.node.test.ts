import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyFor, readChatRequest } from './chat-request.ts';
import { PASSED_ON } from './chat-schema.ts';
import { LlmProblem } from './llm-problem.ts';
import { readLlmSettings, type LlmVariables } from './settings.ts';

const MAX_TOKENS = 500;

const settingsWith = (variables: LlmVariables = {}) =>
  readLlmSettings(
    {
      ...{ LLM_BASE_URL: 'https://ai.example/v1', LLM_API_KEY: 'secret', LLM_MODELS: 'small, large' },
      ...{ LLM_MAX_TOKENS: String(MAX_TOKENS) },
      ...variables,
    },
    false,
  );

const settings = settingsWith();
const bytesOf = (text: string) => new TextEncoder().encode(text);
const messages = [{ role: 'user', content: 'Hello' }];

const readText = (text: string, variables?: LlmVariables) =>
  readChatRequest(bytesOf(text), variables ? settingsWith(variables) : settings);
const read = (changes: object = {}, variables?: LlmVariables) =>
  readText(JSON.stringify({ messages, ...changes }), variables);

/** The code of the problem, and the parameter that it names. */
function refusalOf(act: () => unknown): readonly [string, string | null] {
  try {
    act();
  } catch (error) {
    if (error instanceof LlmProblem) return [error.code, error.parameter];
    throw error;
  }
  throw new Error('nothing was refused');
}

const bodyOf = (request: ReturnType<typeof read>, variables?: LlmVariables) => {
  const [provider] = (variables ? settingsWith(variables) : settings).providers;
  if (!provider) throw new Error('nobody answers');
  return bodyFor(request, provider);
};

describe('what is a request', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no JSON', bytesOf('{"messages":')],
    ['UTF-8 that is none', Uint8Array.of(0x22, 0xff, 0xfe, 0x22)],
    ['UTF-8 that is cut', bytesOf('"é"').slice(0, 2)],
    ['UTF-16', Uint8Array.of(0x7b, 0, 0x7d, 0)],
  ])('[LLM8] %s is malformed', (_, bytes) => {
    expect(refusalOf(() => readChatRequest(bytes, settings))).toEqual(['llm/malformed', null]);
  });

  it('[LLM8] a mark of UTF-8 at the beginning is none of it', () => {
    expect(readText(`\u{feff}${JSON.stringify({ messages })}`).parameters).toEqual({ messages });
  });

  it('[LLM8] what does not parse is not quoted by its error', () => {
    const act = () => readText('{"messages": sesame}');
    expect(act).toThrow(expect.not.objectContaining({ cause: expect.anything() }));
    expect(act).not.toThrow(/sesame/);
  });

  it('[LLM8] takes 64 levels and no more, wherever they are', () => {
    // The request, the tools, the tool, the function, and its parameters are five.
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const request = (levels: number) =>
      `{"messages":${JSON.stringify(messages)},"tools":[{"type":"function","function":{"name":"f","parameters":${nested(levels - 4)}}}]}`;
    expect(readText(request(64)).parameters['tools']).toHaveLength(1);
    expect(refusalOf(() => readText(request(65)))).toEqual(['llm/malformed', null]);
  });

  it.each(['[', '{"a":', '[{"a":', '{"messages":['])(
    '[LLM8] 100,000 times %s is malformed, and does not end the stack',
    (open) => {
      expect(refusalOf(() => readText(open.repeat(100_000)))).toEqual(['llm/malformed', null]);
      const close = [...open].reverse().flatMap((c) => (c === '[' ? [']'] : c === '{' ? ['}'] : []));
      const whole = `${open.repeat(100_000)}1${close.join('').repeat(100_000)}`;
      expect(refusalOf(() => readText(whole))).toEqual(['llm/malformed', null]);
    },
  );

  it('[LLM8] brackets in texts are texts', () => {
    const content = `${'[{'.repeat(1_000)}"\\"${'['.repeat(1_000)}`;
    expect(read({ messages: [{ role: 'user', content }] }).parameters['messages']).toEqual([
      { role: 'user', content },
    ]);
  });

  it.each(['null', '[]', '1', '"messages"', '[{"messages":[]}]', 'true'])(
    '[LLM8] %s is no request, and names no parameter',
    (json) => {
      expect(refusalOf(() => readText(json))).toEqual(['llm/parameter', null]);
    },
  );

  it('[LLM8] of a key that is there twice the last one counts, for the relay and the provider alike', () => {
    const json = `{"messages":[],"n":5,"n":1,"messages":${JSON.stringify(messages)},"max_tokens":9e9,"max_tokens":7}`;
    expect(bodyOf(readText(json))).toEqual({ model: 'small', messages, max_tokens: 7 });
  });

  it('[LLM8] __proto__ and constructor are names like any other', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString']) {
      const act = () => readText(`{"messages":${JSON.stringify(messages)},"${key}":{"n":5}}`);
      expect(refusalOf(act)).toEqual(['llm/parameter', key]);
      const nested = readText(`{"messages":[{"role":"user","content":"a","${key}":{"x":5}}]}`);
      expect(JSON.stringify(nested.parameters)).toBe('{"messages":[{"role":"user","content":"a"}]}');
    }
    const tool = `{"type":"function","function":{"name":"f","parameters":{"properties":{"__proto__":{"x":1}}}}}`;
    const { parameters } = readText(`{"messages":${JSON.stringify(messages)},"tools":[${tool}]}`);
    expect(JSON.stringify(parameters['tools'])).toBe(`[${tool}]`);
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });
});

describe('models', () => {
  it('[LLM2] without one, it is the first; null is none', () => {
    expect(read().model).toBe('small');
    expect(read({ model: null }).model).toBe('small');
    expect(read({ model: 'large' }).model).toBe('large');
  });

  it.each(['', 'gpt-5', 'Small', 'small ', '__proto__', 'toString'])('[LLM8] %j is not known', (model) => {
    expect(refusalOf(() => read({ model }))).toEqual(['llm/unknown-model', 'model']);
  });

  it('[LLM8] a model that is no text is a parameter', () => {
    expect(refusalOf(() => read({ model: 5 }))).toEqual(['llm/parameter', 'model']);
  });

  it('[LLM2] the provider is told its own name of it', () => {
    const variables: LlmVariables = {
      ...{ LLM_BASE_URL: '', LLM_API_KEY: '', LLM_MODELS: '' },
      LLM_UPSTREAMS: JSON.stringify([
        { name: 'one', baseUrl: 'https://ai.example', models: [{ id: 'quick', as: 'vendor/quick-5' }] },
      ]),
    };
    expect(bodyOf(read({ model: 'quick' }, variables), variables)['model']).toBe('vendor/quick-5');
  });
});

describe('the length of an answer', () => {
  it.each([
    ['none is the owner’s', {}, MAX_TOKENS],
    ['null is the owner’s', { max_tokens: null, max_completion_tokens: null }, MAX_TOKENS],
    ['less is less', { max_tokens: 7 }, 7],
    ['the newer name is the same', { max_completion_tokens: 7 }, 7],
    ['as much as the owner’s', { max_tokens: MAX_TOKENS }, MAX_TOKENS],
    ['more is the owner’s', { max_tokens: MAX_TOKENS + 1 }, MAX_TOKENS],
    ['more by the newer name', { max_completion_tokens: Number.MAX_SAFE_INTEGER }, MAX_TOKENS],
    ['of both, the lesser', { max_tokens: 9, max_completion_tokens: 8 }, 8],
    ['of both, the lesser, the other way', { max_tokens: 8, max_completion_tokens: 9 }, 8],
  ])('[LLM8] %s', (_, changes, expected) => {
    const request = read(changes);
    expect(request.maxTokens).toBe(expected);
    expect(request.worst.output).toBe(expected);
    expect(bodyOf(request)).toEqual({ model: 'small', messages, max_tokens: expected });
  });

  it.each(['-1', '0', '0.5', '1.5', '1e30', '1e400', '"7"', 'true', '[7]', '{}'])(
    '[LLM8] %s is none, by either name',
    (length) => {
      for (const name of ['max_tokens', 'max_completion_tokens']) {
        const act = () => readText(`{"messages":${JSON.stringify(messages)},"${name}":${length}}`);
        expect(refusalOf(act)).toEqual(['llm/parameter', name]);
      }
    },
  );

  it('[LLM8] is told under the name that the provider knows, whichever the client used', () => {
    const variables = { LLM_BASE_URL: 'https://api.openai.com/v1' };
    const body = bodyOf(read({ max_tokens: 7 }, variables), variables);
    expect(body).toEqual({ model: 'small', messages, max_completion_tokens: 7 });
  });
});

describe('streams', () => {
  it('[LLM8] usage is asked for whatever the client says of it', () => {
    for (const stream_options of [undefined, null, {}, { include_usage: false, include_obfuscation: true }]) {
      const request = read({ stream: true, stream_options });
      expect(request.isStream).toBe(true);
      expect(bodyOf(request)).toEqual({
        ...{ model: 'small', messages, max_tokens: MAX_TOKENS },
        ...{ stream: true, stream_options: { include_usage: true } },
      });
    }
  });

  it.each([undefined, null, false])('[LLM8] %j is without', (stream) => {
    const request = read({ stream, stream_options: { include_usage: true } });
    expect(request.isStream).toBe(false);
    expect(bodyOf(request)).toEqual({ model: 'small', messages, max_tokens: MAX_TOKENS });
  });
});

describe('the most that it can take', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 200 });

  it('[LLM11] a token for each byte of all texts at least', () => {
    fc.assert(
      fc.property(texts, texts, texts, texts, (system, user, description, result) => {
        const { worst } = read({
          messages: [
            { role: 'system', content: system },
            { role: 'user', content: [{ type: 'text', text: user }] },
            { role: 'tool', tool_call_id: 'a', content: result },
          ],
          tools: [{ type: 'function', function: { name: 'f', description, parameters: { description } } }],
        });
        const all = system + user + description + description + result;
        expect(worst.input).toBeGreaterThanOrEqual(bytesOf(all).length);
      }),
    );
  });

  it('[LLM11] a character counts for all of its bytes', () => {
    const { worst } = read({ messages: [{ role: 'user', content: '\u{20ac}'.repeat(10_000) }] });
    expect(worst.input).toBeGreaterThanOrEqual(30_000);
    expect(worst.input).toBeLessThan(30_100);
  });

  const image = `data:image/png;base64,${'A'.repeat(100_000)}`;
  const picture = { role: 'user', content: [{ type: 'image_url', image_url: { url: image } }] };

  it('[LLM11] an image counts as one, and not for its bytes', () => {
    const { worst } = read({ messages: [picture, picture] }, { LLM_IMAGES: 'inline' });
    expect(worst.input).toBeGreaterThanOrEqual(40_000);
    expect(worst.input).toBeLessThan(101_000);
  });

  it.each<[string, object]>([
    ['a message', { messages: [{ role: 'user', content: image }] }],
    ['a part', { messages: [{ role: 'user', content: [{ type: 'text', text: image }] }] }],
    ['a result', { messages: [{ role: 'tool', tool_call_id: 'a', content: image }] }],
    ['a tool', { tools: [{ type: 'function', function: { name: 'f', parameters: { url: image } } }] }],
  ])('[LLM11] the text of an image in %s is text', (_, changes) => {
    for (const LLM_IMAGES of ['off', 'inline', 'any']) {
      expect(read(changes, { LLM_IMAGES }).worst.input).toBeGreaterThan(100_000);
    }
  });
});

it('[LLM8] whatever JSON comes is refused as a problem, or makes a request of known parameters alone', () => {
  const known = new Set<string>([
    ...PASSED_ON,
    ...['model', 'messages', 'max_tokens', 'stream', 'stream_options'],
  ]);
  const length = fc.oneof(fc.integer({ min: 1 }), fc.double(), fc.constant(null));
  const message = fc.record(
    {
      role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'developer', 'function'),
      content: fc.oneof(fc.string(), fc.jsonValue()),
      tool_call_id: fc.string({ minLength: 1 }),
      name: fc.string(),
    },
    { requiredKeys: ['role'] },
  );
  // Some are nearly right, so that not all of them end at the first step.
  const likely = fc.record(
    {
      messages: fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(messages[0]) }, message), {
        minLength: 1,
      }),
      model: fc.constantFrom('small', 'large', null, 'other'),
      stream: fc.constantFrom(true, false, null),
      max_tokens: length,
      max_completion_tokens: length,
      temperature: fc.double({ min: -1, max: 3, noNaN: true }),
      stop: fc.oneof(fc.string(), fc.array(fc.string())),
      response_format: fc.jsonValue(),
      tools: fc.jsonValue(),
      user: fc.string(),
    },
    { requiredKeys: ['messages'] },
  );
  const anything = fc.oneof(
    fc.jsonValue(),
    likely,
    fc.tuple(likely, fc.dictionary(fc.string(), fc.jsonValue())),
  );
  let good = 0;
  fc.assert(
    fc.property(anything, (value) => {
      const json = Array.isArray(value) ? Object.assign({}, ...(value as object[])) : value;
      try {
        const request = read(json as object);
        const body = bodyOf(request);
        good += 1;
        expect(Object.keys(body).filter((key) => !known.has(key))).toEqual([]);
        expect(body['max_tokens']).toBeLessThanOrEqual(MAX_TOKENS);
        expect(body['max_tokens']).toBeGreaterThan(0);
        expect(['small', 'large']).toContain(body['model']);
      } catch (error) {
        if (!(error instanceof LlmProblem)) throw error;
        expect(error.parameter ?? 'none').toMatch(/^[\w$.-]+$/);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(good).toBeGreaterThan(20);
});
