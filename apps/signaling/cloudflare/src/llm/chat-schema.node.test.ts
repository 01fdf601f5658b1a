import { describe, expect, it } from 'vitest';
import { bodyFor, readChatRequest } from './chat-request.ts';
import { CHAT_LIMITS } from './chat-schema.ts';
import { LlmProblem } from './llm-problem.ts';
import { readLlmSettings } from './settings.ts';

const question = { role: 'user', content: 'Hello' };
const call = { id: 'c', type: 'function', function: { name: 'move_card', arguments: '{"to":1}' } };
const tool = { type: 'function', function: { name: 'move_card' } };

/** What the provider is told of a request. */
function send(changes: object, images = 'off'): Record<string, unknown> {
  const settings = readLlmSettings(
    { LLM_BASE_URL: 'https://ai.example/v1', LLM_MODELS: 'small', LLM_IMAGES: images },
    false,
  );
  const bytes = new TextEncoder().encode(JSON.stringify({ messages: [question], ...changes }));
  const [provider] = settings.providers;
  if (!provider) throw new Error('nobody answers');
  return JSON.parse(JSON.stringify(bodyFor(readChatRequest(bytes, settings), provider))) as Record<
    string,
    unknown
  >;
}

/** The code and the parameter of the problem, or `taken`. */
function judge(changes: object, images?: string): string {
  try {
    send(changes, images);
    return 'taken';
  } catch (error) {
    if (error instanceof LlmProblem) return `${error.code} ${error.parameter ?? ''}`.trim();
    throw error;
  }
}

const many = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

describe('parameters', () => {
  it.each<[string, unknown]>([
    ['temperature', 0.7],
    ['top_p', 1],
    ['frequency_penalty', -2],
    ['presence_penalty', 2],
    ['seed', -5],
    ['stop', 'END'],
    ['stop', ['a', 'b', 'c', 'd']],
    [
      'tools',
      [
        {
          type: 'function',
          function: { ...tool.function, description: 'd', parameters: { a: [1] }, strict: true },
        },
      ],
    ],
    ['tool_choice', 'required'],
    ['tool_choice', { type: 'function', function: { name: 'move_card' } }],
    ['parallel_tool_calls', false],
    ['response_format', { type: 'json_object' }],
    [
      'response_format',
      { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true } },
    ],
    ['reasoning_effort', 'minimal'],
    ['verbosity', 'low'],
  ])('[LLM8] %s is told as it came: %j', (name, value) => {
    expect(send({ [name]: value })[name]).toEqual(value);
  });

  it.each<[string, unknown]>([
    ['n', 1],
    ['store', false],
    ['service_tier', 'auto'],
    ['user', 'somebody'],
    ['safety_identifier', 'somebody'],
    ['prompt_cache_key', 'somebody'],
    ['metadata', { who: 'somebody' }],
  ])('[LLM8] %s is taken, and told to nobody', (name, value) => {
    expect(send({ [name]: value })).toEqual(send({}));
  });

  it('[LLM8] null is as if it were not there, for all that may be missing', () => {
    const optional = [
      ...['model', 'stream', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'seed', 'stop'],
      ...[
        'frequency_penalty',
        'presence_penalty',
        'tools',
        'tool_choice',
        'parallel_tool_calls',
        'n',
        'store',
      ],
      ...['response_format', 'reasoning_effort', 'verbosity', 'service_tier', 'stream_options', 'user'],
      ...['safety_identifier', 'prompt_cache_key', 'metadata'],
    ];
    expect(send(Object.fromEntries(optional.map((name) => [name, null])))).toEqual(send({}));
    expect(judge({ messages: null })).toBe('llm/parameter messages');
  });

  it.each<[string, unknown]>([
    ['n', 2],
    ['n', 0],
    ['stream', 'yes'],
    ['stream', 1],
    ['store', true],
    ['service_tier', 'priority'],
    ['temperature', 2.1],
    ['temperature', '1'],
    ['top_p', -0.1],
    ['seed', 1.5],
    ['stop', ['a', 'b', 'c', 'd', 'e']],
    ['tool_choice', 'all'],
    ['reasoning_effort', 'Very much'],
    ['verbosity', 'loud'],
    ['user', {}],
    ['messages', 'Hello'],
    ['messages', []],
  ])('[LLM8] %s is none that it takes: %j', (name, value) => {
    expect(judge({ [name]: value })).toBe(`llm/parameter ${name}`);
  });

  it.each([
    ...[
      'audio',
      'function_call',
      'functions',
      'logit_bias',
      'logprobs',
      'modalities',
      'moderation',
      'prediction',
    ],
    ...['prompt_cache_options', 'prompt_cache_retention', 'top_logprobs', 'web_search_options'],
    ...['top_k', 'base_url', 'api_key', 'extra_body', 'messages2', '$schema', 'a-b'],
  ])('[LLM8] %s is unknown, and named', (name) => {
    expect(judge({ [name]: 1 })).toBe(`llm/parameter ${name}`);
  });

  it.each<[string, object, string]>([
    ['of a tool', { tools: [tool, { ...tool, cache_control: {} }] }, 'tools.1.cache_control'],
    [
      'of a function',
      { tools: [{ type: 'function', function: { name: 'a', url: 'x' } }] },
      'tools.0.function.url',
    ],
    ['of the options', { stream_options: { other: true } }, 'stream_options.other'],
    ['of the format', { response_format: { type: 'text', other: 1 } }, 'response_format.other'],
  ])('[LLM8] an unknown parameter %s is named with its place', (_, changes, place) => {
    expect(judge(changes)).toBe(`llm/parameter ${place}`);
  });

  it.each(['a b', 'my text, quoted', '<script>', 'é', '', 'a.b', 'x'.repeat(65), 'line\nfeed'])(
    '[LLM8] a name that is no plain one is not quoted: %j',
    (name) => {
      expect(judge({ [name]: 1 })).toBe('llm/parameter');
      expect(judge({ tools: [{ ...tool, [name]: 1 }] })).toBe('llm/parameter tools.0');
      expect(judge({ metadata: { [name]: 1 } })).toBe('llm/parameter metadata');
    },
  );
});

describe('how many', () => {
  it('[LLM8] 128 tools and no more', () => {
    expect(send({ tools: many(CHAT_LIMITS.tools, tool) })['tools']).toHaveLength(128);
    expect(judge({ tools: many(129, tool) })).toBe('llm/parameter tools');
    expect(judge({ tools: many(1_000, tool) })).toBe('llm/parameter tools');
  });

  it('[LLM8] 1,000 messages and no more', () => {
    expect(send({ messages: many(CHAT_LIMITS.messages, question) })['messages']).toHaveLength(1_000);
    expect(judge({ messages: many(1_001, question) })).toBe('llm/parameter messages');
  });

  it('[LLM8] 256 parts of a message and 128 calls, and no more', () => {
    const parts = (count: number) => [{ role: 'user', content: many(count, { type: 'text', text: 'a' }) }];
    expect(judge({ messages: parts(CHAT_LIMITS.parts) })).toBe('taken');
    expect(judge({ messages: parts(257) })).toBe('llm/parameter messages.0.content');
    const calls = (count: number) => [{ role: 'assistant', tool_calls: many(count, call) }];
    expect(judge({ messages: calls(CHAT_LIMITS.calls) })).toBe('taken');
    expect(judge({ messages: calls(129) })).toBe('llm/parameter messages.0.tool_calls');
  });
});

describe('messages', () => {
  it.each<[string, object]>([
    ['the system’s', { role: 'system', content: 'Be brief.' }],
    ['the developer’s', { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] }],
    ['a person’s, with a name', { role: 'user', content: 'Hello', name: 'Ada' }],
    ['an answer', { role: 'assistant', content: 'Hello' }],
    ['calls without words', { role: 'assistant', content: null, tool_calls: [call] }],
    ['thoughts', { role: 'assistant', content: 'Hello', reasoning_content: 'Somebody greets.' }],
    ['a result', { role: 'tool', tool_call_id: 'c', content: '' }],
    ['a result in parts', { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'done' }] }],
    [
      'a result with the name of its tool',
      { role: 'tool', tool_call_id: 'c', content: '', name: 'move_card' },
    ],
  ])('[LLM1] %s is told as it came', (_, message) => {
    expect(send({ messages: [question, message] })['messages']).toEqual([question, message]);
  });

  it('[LLM1] an answer comes back as OpenAI gave it, and is told without what is nothing', () => {
    const answer = { role: 'assistant', content: null, refusal: null, tool_calls: [call] };
    const extra = { annotations: [], audio: null, function_call: null };
    expect(send({ messages: [question, { ...answer, ...extra }] })['messages']).toEqual([question, answer]);
  });

  it('[LLM1] what says nothing is left out', () => {
    const nothing = {
      stop: [],
      tools: [],
      logprobs: false,
      modalities: ['text'],
      prompt_cache_retention: '24h',
    };
    expect(send(nothing)).toEqual(send({}));
  });

  it('[LLM1] what a provider wants back of its calls, and a refusal, are told as they came', () => {
    const signed = { ...call, extra_content: { google: { thought_signature: 'abc' } } };
    const messages = [
      question,
      { role: 'assistant', content: null, tool_calls: [signed] },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
    ];
    expect(send({ messages })['messages']).toEqual(messages);
  });

  it('[LLM1] what clients note down in messages for themselves is left out', () => {
    const said = { role: 'user', content: [{ type: 'text', text: 'Hello' }] };
    const noted = { ...said, weight: 1, content: [{ type: 'text', text: 'Hello', cache_control: {} }] };
    const calling = { role: 'assistant', content: '', tool_calls: [call] };
    const called = { ...call, index: 0, function: { ...call.function, parsed_arguments: null } };
    const messages = [noted, { ...calling, parsed: null, tool_calls: [called] }];
    expect(send({ messages })['messages']).toEqual([said, calling]);
  });

  it.each<[string, object, string]>([
    ['no role', { content: 'a' }, 'role'],
    ['another role', { role: 'function', name: 'a', content: 'b' }, 'role'],
    ['nothing said', { role: 'user' }, 'content'],
    ['null said', { role: 'user', content: null }, 'content'],
    ['no parts', { role: 'user', content: [] }, 'content'],
    ['a result of no call', { role: 'tool', content: 'a' }, 'tool_call_id'],
    ['a name that is none', { role: 'user', content: 'a', name: 'a b' }, 'name'],
    ['sound', { role: 'assistant', content: 'a', audio: { id: 'a' } }, 'audio'],
    [
      'a call of the old kind',
      { role: 'assistant', function_call: { name: 'a', arguments: '' } },
      'function_call',
    ],
  ])('[LLM8] %s is refused', (_, message, place) => {
    expect(judge({ messages: [message] })).toBe(`llm/parameter messages.0.${place}`);
  });

  it.each<[string, object]>([
    ['sound', { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }],
    ['a file', { type: 'file', file: { file_id: 'a' } }],
    ['no type', { text: 'a' }],
  ])('[LLM8] a part that is %s is refused', (_, part) => {
    expect(judge({ messages: [{ role: 'user', content: [part] }] })).toMatch(
      /^llm\/parameter messages\.0\.content/,
    );
  });
});

describe('images', () => {
  const png = 'data:image/png;base64,iVBORw0KGgo=';
  const withImage = (url: string, role = 'user') => ({
    messages: [
      question,
      {
        role,
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  });
  const refused = 'llm/image-refused messages.1.content.1';
  const address = (length: number) => `https://a.example/${'a'.repeat(length - 18)}`;

  it.each<[string, string, string, string, string]>([
    ['one that it holds', png, refused, 'taken', 'taken'],
    ['a large one', `data:image/jpeg;base64,${'AAAA'.repeat(400_000)}`, refused, 'taken', 'taken'],
    ['an address', 'https://a.example/b.png', refused, refused, 'taken'],
    ['the longest address', address(2_048), refused, refused, 'taken'],
    ['an address that is too long', address(2_049), refused, refused, refused],
    ['http', 'http://a.example/b.png', refused, refused, refused],
    ['a script', 'javascript:alert(1)', refused, refused, refused],
    ['a file', 'file:///etc/passwd', refused, refused, refused],
    ['no address', 'b.png', refused, refused, refused],
    ['no base64', 'data:image/png;base64,iVBOR w0KGgo=', refused, refused, refused],
    ['base64 of URLs', 'data:image/png;base64,ab-_', refused, refused, refused],
    ['no bytes', 'data:image/png;base64,', refused, refused, refused],
    ['a line after it', `${png}\n`, refused, refused, refused],
    ['text', 'data:image/png,abc', refused, refused, refused],
    ['a drawing that holds scripts', 'data:image/svg+xml;base64,AAAA', refused, refused, refused],
    ['a page', 'data:text/html;base64,AAAA', refused, refused, refused],
  ])('[LLM8] %s', (_, url, off, inline, any) => {
    expect(judge(withImage(url), 'off')).toBe(off);
    expect(judge(withImage(url), 'inline')).toBe(inline);
    expect(judge(withImage(url), 'any')).toBe(any);
  });

  it('[LLM8] is told as it came, with its detail', () => {
    const messages = [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: png, detail: 'low' } }] },
    ];
    expect(send({ messages }, 'inline')['messages']).toEqual(messages);
  });

  it.each(['system', 'developer', 'assistant'])('[LLM8] none is the %s’s', (role) => {
    expect(judge(withImage(png, role), 'any')).toMatch(/^llm\/parameter messages\.1\.content/);
  });
});
