import { expect, it } from 'vitest';
import { readSettings } from './settings.ts';

it('nothing has to be set', () => {
  const defaults = { address: null, accessKey: null, steps: [0], location: null };
  expect(readSettings({})).toEqual(defaults);
  expect(readSettings({ RELAY_URL: '', RELAY_ACCESS_KEY: '', ROLLOUT_STEPS: '', D1_LOCATION: '' })).toEqual(
    defaults,
  );
});

it('what is set is read', () => {
  expect(
    readSettings({
      RELAY_URL: ' https://parley.example/ ',
      RELAY_ACCESS_KEY: 'key',
      ROLLOUT_STEPS: '0, 10,50',
      D1_LOCATION: 'weur',
    }),
  ).toEqual({ address: 'https://parley.example', accessKey: 'key', steps: [0, 10, 50], location: 'weur' });
});

it.each([
  { RELAY_URL: 'parley.example' },
  { RELAY_URL: 'ftp://parley.example' },
  { ROLLOUT_STEPS: '50,10' },
  { ROLLOUT_STEPS: '0,0' },
  { ROLLOUT_STEPS: '100' },
  { ROLLOUT_STEPS: '0,' },
  { ROLLOUT_STEPS: '-1' },
  { D1_LOCATION: 'moon' },
])('what is none of its kind is said: %j', (variables) => {
  const [name] = Object.keys(variables);
  expect(() => readSettings(variables)).toThrow(new RegExp(`^${name} is “`));
});
