import { VariableError } from '@parley/signaling/variables';
import { describe, expect, it } from 'vitest';
import { UNKNOWN_PRICE } from './prices.ts';
import { WORKERS_AI_MODEL } from './providers.ts';
import { costsMoney, priceAt, readLlmSettings, type LlmVariables } from './settings.ts';

const simple = { LLM_BASE_URL: 'https://ai.example/v1', LLM_API_KEY: 'sesame', LLM_MODELS: 'small,large' };
const read = (variables: LlmVariables = {}, hasWorkersAi = false) => readLlmSettings(variables, hasWorkersAi);

const upstreams = (...providers: object[]) => ({
  LLM_UPSTREAMS: JSON.stringify(
    providers.map((provider, index) => ({ name: `p${index}`, baseUrl: 'https://ai.example', ...provider })),
  ),
});

it('[LLM2] what is empty is not set', () => {
  const names = [
    ...['LLM_MAX_TOKENS', 'LLM_START_SECONDS', 'LLM_SILENCE_SECONDS', 'LLM_DAILY_TOKENS', 'LLM_DAILY_USD'],
    ...['LLM_STREAMS', 'LLM_SESSION_STREAMS', 'LLM_NETWORK_TOKENS', 'LLM_PRICES', 'LLM_IMAGES'],
  ];
  expect(read(Object.fromEntries(names.map((name) => [name, ' \n'])))).toEqual(read());
});

it('[LLM11] a day may cost five dollars where a provider costs money', () => {
  const paid = { LLM_BASE_URL: 'https://ai.example', LLM_MODELS: 'a' };
  const near = { LLM_BASE_URL: 'http://localhost:11434/v1', LLM_MODELS: 'a' };
  expect(readLlmSettings(paid, true).limits.relay.money).toBe(5_000_000);
  expect(readLlmSettings({}, true).limits.relay.money).toBe(110_000);
  expect(readLlmSettings(near, false).limits.relay.money).toBe(110_000);
});

it('[LLM2] has a value for all that is not set', () => {
  expect(read()).toEqual({
    ...{ providers: [], models: [], images: 'off', maxTokens: 8_192, startWithin: 90_000, silence: 60_000 },
    prices: new Map([[WORKERS_AI_MODEL, { input: 0.06, output: 0.4 }]]),
    limits: {
      // Nobody answers, or Workers AI, with its free share.
      relay: { tokens: 2_000_000, money: 110_000, streams: 50 },
      session: { tokens: 500_000, money: 27_500, streams: 4 },
      network: { tokens: 1_000_000, money: 55_000, streams: 20 },
    },
  });
});

it('[LLM2] takes what is set', () => {
  const settings = read({
    ...simple,
    ...{ LLM_IMAGES: 'any\n', LLM_MAX_TOKENS: '100', LLM_START_SECONDS: '7', LLM_SILENCE_SECONDS: '600' },
    LLM_PRICES: '{"small":{"input":1,"output":2}}',
    ...{ LLM_DAILY_TOKENS: '10', LLM_DAILY_USD: '1', LLM_STREAMS: '2' },
    ...{ LLM_SESSION_TOKENS: '20', LLM_SESSION_USD: '0.25', LLM_SESSION_STREAMS: '3' },
    ...{ LLM_NETWORK_TOKENS: '30', LLM_NETWORK_USD: '0.000001', LLM_NETWORK_STREAMS: '4' },
  });
  expect(settings).toMatchObject({
    ...{ models: ['small', 'large'], images: 'any', maxTokens: 100, startWithin: 7_000, silence: 600_000 },
    limits: {
      relay: { tokens: 10, money: 1_000_000, streams: 2 },
      session: { tokens: 20, money: 250_000, streams: 3 },
      network: { tokens: 30, money: 1, streams: 4 },
    },
  });
  expect(settings.prices.get('small')).toEqual({ input: 1, output: 2 });
});

it('[LLM2] models are those of all providers, once each; the first is the default', () => {
  const variables = upstreams({ models: ['b', { id: 'a', as: 'c' }] }, { models: ['a', 'd', 'b'] });
  expect(read(variables).models).toEqual(['b', 'a', 'd']);
});

it.each([
  ['7', 1, 3],
  ['1', 1, 1],
  ['2', 1, 1],
])(
  '[LLM11] of %s tokens a session has a quarter, and a network half, at least one',
  (tokens, quarter, half) => {
    const { session, network } = read({ LLM_DAILY_TOKENS: tokens }).limits;
    expect([session.tokens, network.tokens]).toEqual([quarter, half]);
  },
);

it.each([
  ['0', 0, 0, 0],
  ['0.000001', 1, 0, 0],
  ['2.50', 2_500_000, 625_000, 1_250_000],
  [' 1.1\n', 1_100_000, 275_000, 550_000],
  ['2.01', 2_010_000, 502_500, 1_005_000],
  ['0.000123', 123, 30, 61],
  ['999999.999999', 999_999_999_999, 249_999_999_999, 499_999_999_999],
  ['', 110_000, 27_500, 55_000],
])('[LLM11] %j US dollars are whole millionths for all', (LLM_DAILY_USD, relay, session, network) => {
  const { limits } = read({ LLM_DAILY_USD });
  expect([limits.relay.money, limits.session.money, limits.network.money]).toEqual([relay, session, network]);
});

describe('mistakes', () => {
  const counts = [
    ...[
      'LLM_MAX_TOKENS',
      'LLM_START_SECONDS',
      'LLM_SILENCE_SECONDS',
      'LLM_DAILY_TOKENS',
      'LLM_SESSION_TOKENS',
    ],
    ...['LLM_NETWORK_TOKENS', 'LLM_STREAMS', 'LLM_SESSION_STREAMS', 'LLM_NETWORK_STREAMS'],
  ];
  const sums = ['LLM_DAILY_USD', 'LLM_SESSION_USD', 'LLM_NETWORK_USD'];
  const badSums = [
    '-987',
    '.987',
    '987.',
    '9,87',
    '$987',
    '9876543',
    '1.9876543',
    '1e987',
    'Infinity',
    'x987',
  ];
  const badPrices = [
    ...['987', 'x987', '[987]', '{"a":987}', '{"a":{"input":987}}', '{"a":{"input":-987,"output":1}}'],
    ...[
      '{"a":{"input":1,"output":98765}}',
      '{"a":{"input":"987","output":1}}',
      '{"a":{"input":1,"output":1,"x":987}}',
    ],
    '{"a":{"input":1e987,"output":1}}',
  ];

  it.each([
    ...counts.flatMap((name) =>
      ['0', '-987', '9.87', '9876543219876', 'x987', '1e987'].map((text) => [name, text]),
    ),
    ...sums.flatMap((name) => badSums.map((text) => [name, text])),
    ...['987', 'on', 'Inline', 'true'].map((text) => ['LLM_IMAGES', text]),
    ...badPrices.map((text) => ['LLM_PRICES', text]),
    ['LLM_START_SECONDS', '601'],
    ['LLM_MAX_TOKENS', '1000001'],
  ] as [keyof LlmVariables, string][])(
    '[LLM2] %s is not %s, which the mistake does not quote',
    (name, value) => {
      const act = () => read({ ...simple, [name]: value });
      expect(act).toThrow(VariableError);
      expect(act).toThrow(new RegExp(`^${name} has to be `));
      expect(act).not.toThrow(/987|sesame/);
    },
  );

  it('[LLM2] those of providers are told', () => {
    expect(() => read({ ...simple, LLM_MODELS: '' })).toThrow(/^LLM_MODELS has to be /);
  });
});

describe('money', () => {
  it('[LLM11] a model costs what is told; one of which nothing is told, what a large one does; a free one nothing', () => {
    const settings = read({
      ...upstreams({ models: ['told', 'untold'] }, { models: ['told'], baseUrl: 'http://localhost' }),
      LLM_PRICES: '{"told":{"input":1,"output":2}}',
    });
    const [paid, free] = settings.providers;
    if (!paid || !free) throw new Error('two were told');
    expect(priceAt(settings, 'told', paid)).toEqual({ input: 1, output: 2 });
    expect(priceAt(settings, 'untold', paid)).toEqual(UNKNOWN_PRICE);
    expect(priceAt(settings, 'told', free)).toEqual({ input: 0, output: 0 });
  });

  it('[LLM11] Workers AI counts as what it costs beyond its free share', () => {
    const settings = read({}, true);
    const [provider] = settings.providers;
    if (!provider) throw new Error('Workers AI was there');
    expect(priceAt(settings, WORKERS_AI_MODEL, provider)).toEqual({ input: 0.06, output: 0.4 });
  });

  it.each<[string, LlmVariables, boolean]>([
    ['a provider', simple, true],
    ['one that is far and takes no key', { ...simple, LLM_API_KEY: '' }, true],
    ['nobody', {}, false],
    ['Workers AI', upstreams({ baseUrl: 'workers-ai', models: ['a'] }), false],
    ['one on the own machine', { LLM_BASE_URL: 'http://localhost', LLM_MODELS: 'a' }, false],
    ['one on the own machine that takes a key', { ...simple, LLM_BASE_URL: 'http://localhost' }, true],
    ['one that is said to be free', upstreams({ models: ['a'], apiKey: 'sesame', free: true }), false],
    ['a free one and a paid one', upstreams({ models: ['a'], free: true }, { models: ['a'] }), true],
  ])('[LLM10] %s', (_, variables, expected) => {
    expect(costsMoney(read(variables, variables.LLM_UPSTREAMS?.includes('workers-ai')))).toBe(expected);
  });
});
