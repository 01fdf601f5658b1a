import { expect, it } from 'vitest';
import { chooseVariables } from './choose.ts';

it('[LLM19] takes all of the Worker’s file, and of the environment what concerns the advisor', () => {
  const environment = {
    ...{
      LLM_BASE_URL: 'a',
      LLM_MODELS: 'b',
      ADVISOR: 'demo',
      ADVISOR_ACCESS: 'open',
      ADVISOR_ACCESS_KEYS: 'c',
    },
    ...{
      OWNER_KEY: 'd',
      PATH: '/bin',
      ADVISOR_X: 'x',
      MY_LLM_KEY: 'x',
      RELAY_ACCESS_KEYS: 'x',
      LLM_EMPTY: undefined,
    },
  };
  expect(chooseVariables(environment, { TURN_KEY_ID: 'e' })).toEqual({
    ...{
      LLM_BASE_URL: 'a',
      LLM_MODELS: 'b',
      ADVISOR: 'demo',
      ADVISOR_ACCESS: 'open',
      ADVISOR_ACCESS_KEYS: 'c',
    },
    ...{ OWNER_KEY: 'd', TURN_KEY_ID: 'e' },
  });
});

it('[LLM19] the environment wins, also with nothing', () => {
  expect(
    chooseVariables({ LLM_API_KEY: 'a', LLM_MODELS: '' }, { LLM_API_KEY: 'b', LLM_MODELS: 'c' }),
  ).toEqual({
    ...{ LLM_API_KEY: 'a', LLM_MODELS: '' },
  });
});

const upstreams = (...keys: string[]) =>
  JSON.stringify(keys.map((apiKeyFrom) => ({ name: 'a', apiKeyFrom })));

it('[LLM19] takes the keys that LLM_UPSTREAMS names, wherever it is set', () => {
  const environment = { ONE_KEY: '1', TWO_KEY: '2', OTHER_KEY: '3' };
  const keys = { ONE_KEY: '1', TWO_KEY: '2' };
  const LLM_UPSTREAMS = upstreams('ONE_KEY', 'TWO_KEY');
  expect(chooseVariables({ ...environment, LLM_UPSTREAMS }, {})).toEqual({ ...keys, LLM_UPSTREAMS });
  expect(chooseVariables(environment, { LLM_UPSTREAMS })).toEqual({ ...keys, LLM_UPSTREAMS });
  const other = upstreams('OTHER_KEY');
  expect(chooseVariables({ ...environment, LLM_UPSTREAMS: other }, { LLM_UPSTREAMS })).toEqual({
    ...{ OTHER_KEY: '3', LLM_UPSTREAMS: other },
  });
});

it('leaves it to the Worker to say that LLM_UPSTREAMS is no JSON', () => {
  expect(chooseVariables({ LLM_UPSTREAMS: '[{"apiKeyFrom":"A"', A: 'a' }, {})).toEqual({
    LLM_UPSTREAMS: '[{"apiKeyFrom":"A"',
  });
});
