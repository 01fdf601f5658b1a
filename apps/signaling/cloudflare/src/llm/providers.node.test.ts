import { VariableError } from '@parley/signaling/variables';
import { describe, expect, it } from 'vitest';
import { readProviders, WORKERS_AI_MODEL, type Provider, type ProviderVariables } from './providers.ts';

const KEY = 'sk-sesame';
const simple = { LLM_BASE_URL: 'https://ai.example/v1', LLM_API_KEY: KEY, LLM_MODELS: 'small' };

const plain = (provider: Provider) => ({ ...provider, models: Object.fromEntries(provider.models) });
const read = (variables: ProviderVariables, hasWorkersAi = false) =>
  readProviders(variables, hasWorkersAi).map(plain);

/** What one provider says of itself, with what is not told. */
const several = (...changes: object[]) => ({
  LLM_UPSTREAMS: JSON.stringify(
    changes.map((change, index) => ({
      ...{ name: `p${index}`, baseUrl: 'https://ai.example/v1', models: ['small'] },
      ...change,
    })),
  ),
});

/** The message about variables that are of no use. */
function complaint(variables: ProviderVariables & Record<string, string>, hasWorkersAi = false): string {
  try {
    readProviders(variables, hasWorkersAi);
  } catch (error) {
    if (error instanceof VariableError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('nothing set', () => {
  it.each<ProviderVariables>([
    {},
    { LLM_BASE_URL: '', LLM_API_KEY: ' ', LLM_MODELS: '\n', LLM_UPSTREAMS: '', ADVISOR: '' },
  ])('[LLM2] nobody answers, unless there is Workers AI: %j', (variables) => {
    expect(read(variables)).toEqual([]);
    expect(read(variables, true)).toEqual([
      {
        ...{ name: 'workers-ai', baseUrl: null, apiKey: null, isFree: false, lengthParameter: 'max_tokens' },
        models: { [WORKERS_AI_MODEL]: WORKERS_AI_MODEL },
      },
    ]);
  });

  it('[LLM2] Workers AI has the models that are named', () => {
    const [provider] = read({ LLM_MODELS: '@cf/a/b-1.5, @cf/c/d' }, true);
    expect(Object.keys(provider?.models ?? {})).toEqual(['@cf/a/b-1.5', '@cf/c/d']);
  });
});

describe('one endpoint', () => {
  it('[LLM2] is three variables', () => {
    expect(read({ ...simple, LLM_MODELS: ' gpt-5-mini,vendor/model:free , gpt-5-mini\n' }, true)).toEqual([
      {
        ...{ name: 'ai.example', baseUrl: 'https://ai.example/v1', apiKey: KEY, isFree: false },
        lengthParameter: 'max_tokens',
        models: { 'gpt-5-mini': 'gpt-5-mini', 'vendor/model:free': 'vendor/model:free' },
      },
    ]);
  });

  it('[LLM2] a value from a file ends with its line', () => {
    const ended = Object.fromEntries(Object.entries(simple).map(([name, value]) => [name, `${value}\n`]));
    expect(read(ended)).toEqual(read(simple));
  });

  it.each([
    ['https://ai.example', 'https://ai.example'],
    ['https://ai.example/', 'https://ai.example'],
    ['https://ai.example/v1//', 'https://ai.example/v1'],
    ['https://AI.example:8443/v1', 'https://ai.example:8443/v1'],
    ['https://@ai.example/v1', 'https://ai.example/v1'],
  ])('[LLM2] %s is asked at %s', (LLM_BASE_URL, baseUrl) => {
    expect(read({ ...simple, LLM_BASE_URL })[0]?.baseUrl).toBe(baseUrl);
  });

  it.each([
    ['https://api.openai.com/v1', 'max_completion_tokens'],
    ['https://api.openai.com.example/v1', 'max_tokens'],
    ['https://openrouter.ai/api/v1', 'max_tokens'],
  ])('[LLM8] %s knows %s', (LLM_BASE_URL, lengthParameter) => {
    expect(read({ ...simple, LLM_BASE_URL })[0]?.lengthParameter).toBe(lengthParameter);
  });

  it.each([
    ...[
      'http://localhost:11434/v1',
      'http://127.0.0.1:1/v1',
      'http://127.9.9.9',
      'http://127.1',
      'http://[::1]:1',
    ],
    ...['http://10.0.0.1', 'http://192.168.1.1', 'http://172.16.0.1', 'http://172.31.0.1', 'http://a.local'],
    ...[
      'http://host.docker.internal:11434/v1',
      'http://a.home.arpa',
      'http://a.localhost',
      'http://ollama:11434/v1',
      'https://10.0.0.1',
    ],
  ])('[LLM10] %s is near: http will do, and without a key it is free', (LLM_BASE_URL) => {
    expect(read({ LLM_BASE_URL, LLM_MODELS: 'small' })[0]).toMatchObject({
      // What it is called in somebody's network is not told.
      ...{ name: 'local', apiKey: null, isFree: true },
    });
    expect(read({ ...simple, LLM_BASE_URL })[0]).toMatchObject({ apiKey: KEY, isFree: false });
  });

  it('[LLM10] one that is far is not free, also without a key', () => {
    expect(read({ LLM_BASE_URL: 'https://ai.example', LLM_MODELS: 'small' })[0]?.isFree).toBe(false);
  });

  it('[LLM10] the demonstration is called that', () => {
    const variables = { LLM_BASE_URL: 'http://127.0.0.1:5', LLM_MODELS: 'demo', ADVISOR: 'demo' };
    expect(read(variables)[0]).toMatchObject({ name: 'demonstration', isFree: true });
  });

  it.each([
    ...[
      'sesame',
      '//sesame',
      'ftp://sesame.example',
      'javascript:sesame',
      'file:///sesame',
      'wss://sesame.example',
    ],
    ...[
      'http://sesame.example',
      'http://8.8.8.8/sesame',
      'http://172.15.0.1/sesame',
      'http://172.32.0.1/sesame',
    ],
    ...['http://11.0.0.1/sesame', 'http://192.169.0.1/sesame', 'http://localhost.sesame.example'],
    ...['http://10.0.0.1.sesame.example', 'http://ai.example/sesame', 'http://0.0.0.0/sesame'],
    ...['https://sesame@ai.example', 'https://:sesame@ai.example', 'https://a:sesame@ai.example'],
    ...['https://ai.example/v1?key=sesame', 'https://ai.example/sesame?', 'https://ai.example/#sesame'],
    'https://ai.example/sesame#',
  ])('[LLM2] %s is no address to ask at, and is not quoted', (LLM_BASE_URL) => {
    const message = complaint({ ...simple, LLM_BASE_URL });
    expect(message).toMatch(/^LLM_BASE_URL has to be /);
    expect(message).not.toContain('sesame');
    const listed = complaint(several({ baseUrl: LLM_BASE_URL }));
    expect(listed).toMatch(/^LLM_UPSTREAMS has to be /);
    expect(listed).not.toContain('sesame');
  });

  it.each([
    ['LLM_MODELS', { ...simple, LLM_MODELS: '' }],
    ['LLM_MODELS', { LLM_BASE_URL: simple.LLM_BASE_URL }],
    ['LLM_MODELS', { ...simple, LLM_MODELS: 'small,,large' }],
    ['LLM_MODELS', { ...simple, LLM_MODELS: 'small,' }],
    ['LLM_MODELS', { ...simple, LLM_MODELS: 'sesame open' }],
    ['LLM_MODELS', { ...simple, LLM_MODELS: '"sesame"' }],
    ['LLM_MODELS', { ...simple, LLM_MODELS: 'x'.repeat(129) }],
    ['LLM_BASE_URL', { LLM_API_KEY: KEY }],
    ['LLM_BASE_URL', { LLM_MODELS: 'small' }],
    ['ADVISOR', { ...simple, ADVISOR: 'sesame' }],
    ['ADVISOR', { ADVISOR: 'Demo' }],
    ['ADVISOR', { ADVISOR: 'demo' }],
    ['LLM_UPSTREAMS', { LLM_UPSTREAMS: '[]', LLM_MODELS: 'a' }],
  ])('[LLM2] a mistake names %s, and no value', (variable, variables) => {
    const message = complaint(variables);
    expect(message).toMatch(new RegExp(`^${variable} has to be `));
    expect(message).not.toMatch(/sesame|Demo/);
  });

  it('[LLM2] a key without an endpoint is a mistake, with Workers AI too', () => {
    expect(complaint({ LLM_API_KEY: KEY }, true)).toMatch(/^LLM_BASE_URL has to be /);
  });
});

describe('several', () => {
  it('[LLM2] are a list, in its order', () => {
    const variables = {
      ...several(
        { name: 'openai', baseUrl: 'https://api.openai.com/v1/', apiKeyFrom: 'OPENAI_KEY' },
        {
          name: 'near',
          baseUrl: 'http://localhost:11434/v1',
          models: [{ id: 'small', as: 'llama3.2:3b' }, 'b'],
        },
        { name: 'paid', apiKey: KEY, lengthParameter: 'max_completion_tokens' },
        { name: 'gift', apiKey: KEY, free: true },
        { name: 'meter', baseUrl: 'http://localhost:1', free: false },
        { name: 'cf', baseUrl: 'workers-ai', models: ['@cf/a/b'] },
      ),
      OPENAI_KEY: `${KEY}-2\n`,
    };
    expect(read(variables, true)).toEqual([
      {
        ...{ name: 'openai', baseUrl: 'https://api.openai.com/v1', apiKey: `${KEY}-2`, isFree: false },
        ...{ lengthParameter: 'max_completion_tokens', models: { small: 'small' } },
      },
      {
        ...{ name: 'near', baseUrl: 'http://localhost:11434/v1', apiKey: null, isFree: true },
        ...{ lengthParameter: 'max_tokens', models: { small: 'llama3.2:3b', b: 'b' } },
      },
      {
        ...{ name: 'paid', baseUrl: 'https://ai.example/v1', apiKey: KEY, isFree: false },
        ...{ lengthParameter: 'max_completion_tokens', models: { small: 'small' } },
      },
      {
        ...{ name: 'gift', baseUrl: 'https://ai.example/v1', apiKey: KEY, isFree: true },
        ...{ lengthParameter: 'max_tokens', models: { small: 'small' } },
      },
      {
        ...{ name: 'meter', baseUrl: 'http://localhost:1', apiKey: null, isFree: false },
        ...{ lengthParameter: 'max_tokens', models: { small: 'small' } },
      },
      {
        ...{ name: 'cf', baseUrl: null, apiKey: null, isFree: false },
        ...{ lengthParameter: 'max_tokens', models: { '@cf/a/b': '@cf/a/b' } },
      },
    ]);
  });

  it('[LLM2] a key may be LLM_API_KEY’s', () => {
    expect(read({ ...several({ apiKeyFrom: 'LLM_API_KEY' }), LLM_API_KEY: KEY })[0]?.apiKey).toBe(KEY);
  });

  const list = (...providers: unknown[]) => ({ LLM_UPSTREAMS: JSON.stringify(providers) });

  it.each<[string, Record<string, string>]>([
    ['no JSON', { LLM_UPSTREAMS: `[{"apiKey":"${KEY}"` }],
    ['a text', { LLM_UPSTREAMS: '"sesame"' }],
    ['one provider', { LLM_UPSTREAMS: '{"name":"sesame"}' }],
    ['nobody', { LLM_UPSTREAMS: '[]' }],
    ['null', list(null)],
    ['too many', several(...Array.from({ length: 21 }, () => ({})))],
    ['a name that is none', several({ name: 'Open Sesame' })],
    ['a name twice', several({ name: 'sesame' }, { name: 'sesame' })],
    ['no address', several({ baseUrl: undefined })],
    ['no models', several({ models: [] })],
    ['too many models', several({ models: Array.from({ length: 101 }, () => 'a') })],
    ['a model that is none', several({ models: ['open sesame'] })],
    ['a model with more', several({ models: [{ id: 'a', as: 'b', key: 'sesame' }] })],
    ['an empty key', several({ apiKey: '' })],
    ['a key that is no text', several({ apiKey: [KEY] })],
    ['two keys', several({ apiKey: KEY, apiKeyFrom: 'OTHER' })],
    ['a variable that can be none', several({ apiKeyFrom: 'sk-sesame' })],
    ['something unknown', several({ sesame: 1 })],
    ['something unknown beside a key', several({ apikey: KEY })],
    ['another length', several({ lengthParameter: 'sesame' })],
    ['a price', several({ free: 'sesame' })],
    ['the binding, where there is none', several({ name: 'sesame', baseUrl: 'workers-ai' })],
    ...[{ free: true }, { apiKey: KEY }, { apiKeyFrom: 'A' }, { lengthParameter: 'max_tokens' }].map(
      (more): [string, Record<string, string>] => [
        'the binding with more',
        several({ baseUrl: 'workers-ai', ...more }),
      ],
    ),
    ['with an endpoint besides', { ...several({ apiKey: KEY }), LLM_BASE_URL: 'https://sesame.example' }],
  ])('[LLM2] %s is a mistake, which names the variable and no value', (_, variables) => {
    const message = complaint(variables);
    expect(message).toMatch(/^LLM_UPSTREAMS has to be /);
    expect(message).not.toMatch(/sesame/i);
  });

  it('[LLM2] a mistake tells where to look', () => {
    expect(complaint(several({}, { models: ['a', 'open sesame'] }))).toMatch(/look at 1\.models\.1$/);
  });

  it.each([{}, { OTHER_KEY: '' }, { OTHER_KEY: ' \n' }])(
    '[LLM2] a key that is nowhere is a mistake, which names its variable: %j',
    (others) => {
      expect(complaint({ ...several({ apiKeyFrom: 'OTHER_KEY' }), ...others })).toMatch(
        /^OTHER_KEY has to be set/,
      );
    },
  );
});
