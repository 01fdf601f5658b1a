import { expect, it } from 'vitest';
import { prepareVariables } from './prepare.ts';

const KEY = 'an-access-key-of-27-letters';

/** What is printed. */
const tell = async (environment: Record<string, string>) => (await prepareVariables(environment, {})).advisor;

it('says who answers for the advisor, and never a key', async () => {
  const base = { LLM_BASE_URL: 'http://localhost:11434/v1', LLM_MODELS: 'qwen3' };
  const open = { ADVISOR_ACCESS: 'open' };
  expect(await tell(base)).toBe('Advisor: localhost:11434.');
  expect(await tell({ ...base, ...open, LLM_API_KEY: 'secret' })).toBe('Advisor: localhost:11434.');
  expect(await tell({ ...base, LLM_API_KEY: 'secret', ADVISOR_ACCESS_KEYS: KEY })).toBe(
    'Advisor: localhost:11434.',
  );
  const two = ['https://api.openai.com/v1', 'http://127.0.0.1:1/v1'].map((baseUrl, index) => ({
    ...{ name: `provider-${index}`, baseUrl, apiKeyFrom: 'SOME_KEY', models: ['a'] },
  }));
  expect(await tell({ ...open, LLM_UPSTREAMS: JSON.stringify(two), SOME_KEY: 'secret' })).toBe(
    'Advisor: api.openai.com, then 127.0.0.1:1.',
  );
});

it('says what is missing', async () => {
  expect(await tell({})).toBe(
    'Advisor: none. Set LLM_BASE_URL and LLM_MODELS, or ADVISOR=demo for a demonstration without an AI.',
  );
  expect(await tell({ ADVISOR_ACCESS: 'off' })).toBe('Advisor: off, as ADVISOR_ACCESS says.');
  expect(
    await tell({ LLM_BASE_URL: 'https://api.openai.com/v1', LLM_API_KEY: 'secret', LLM_MODELS: 'a' }),
  ).toBe(
    'Advisor: api.openai.com. It takes an access key, and there is none: set ADVISOR_ACCESS_KEYS=…, or ADVISOR_ACCESS=open.',
  );
});

it.each([
  [{ ADVISOR: 'yes' }, 'ADVISOR has to be "demo", or not set'],
  [
    { ADVISOR: 'demo', LLM_BASE_URL: 'a', LLM_API_KEY: 'secret' },
    'ADVISOR has to be "demo" without LLM_BASE_URL, LLM_API_KEY, or not set',
  ],
  [{ ADVISOR: 'demo', LLM_UPSTREAMS: '[]' }, 'ADVISOR has to be "demo" without LLM_UPSTREAMS, or not set'],
  [{ LLM_BASE_URL: 'nowhere', LLM_MODELS: 'a' }, 'LLM_BASE_URL has to be an address'],
  [{ ADVISOR_ACCESS: 'sometimes' }, 'ADVISOR_ACCESS has to be'],
  [{ OWNER_KEY: 'too-short' }, 'OWNER_KEY has to be a key'],
])('%j is refused before anything starts', async (environment, message) => {
  await expect(prepareVariables(environment, {})).rejects.toThrow(message);
});

it('[LLM19] runs the demonstration in this process, and lets the Worker know where', async () => {
  const { variables, advisor, demonstration } = await prepareVariables(
    { ADVISOR: 'demo', LLM_BASE_URL: '' },
    { OTHER: 'variable' },
  );
  try {
    expect(advisor).toBe('Advisor: the demonstration, which is no AI.');
    expect(variables).toEqual({
      ...{ ADVISOR: 'demo', LLM_MODELS: 'demonstration', OTHER: 'variable' },
      LLM_BASE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/demonstration-1\/v1$/),
    });
    const models = (await (await fetch(`${variables['LLM_BASE_URL']}/models`)).json()) as object;
    expect(models).toMatchObject({ data: [{ id: 'demonstration' }] });
  } finally {
    await demonstration?.stop();
  }
});
