import { expect, it } from 'vitest';
import { VariableError } from './variables.ts';
import { readHubSettings } from './settings.ts';

it('[HB40] each setting is a variable of the process, with a default', () => {
  expect(readHubSettings({})).toEqual({
    ...{ port: 4444, host: null, access: { keys: [], origins: [] } },
    ...{ connectionsPerPrefix: 500, addressHeader: null, version: 'development' },
  });
  const variables = {
    ...{ PORT: '80', HOST: '127.0.0.1', ALLOWED_ORIGINS: 'https://a.example', VERSION: 'v1' },
    ...{ CONNECTIONS_PER_PREFIX: '3', ADDRESS_HEADER: 'Fly-Client-IP' },
  };
  expect(readHubSettings(variables)).toEqual({
    ...{ port: 80, host: '127.0.0.1', access: { keys: [], origins: ['https://a.example'] } },
    ...{ connectionsPerPrefix: 3, addressHeader: 'fly-client-ip', version: 'v1' },
  });
  expect(readHubSettings({ PORT: '0' }).port).toBe(0);
});

it.each([
  ['PORT', '65536'],
  ['PORT', 'http'],
  ['PORT', ''],
  ['CONNECTIONS_PER_PREFIX', '0'],
  ['ADDRESS_HEADER', 'x forwarded for'],
  ['RELAY_ACCESS_KEYS', 'short'],
  ['ALLOWED_ORIGINS', 'nowhere'],
])('[HB40] %s=%j is a mistake, and named', (variable, value) => {
  expect(() => readHubSettings({ [variable]: value })).toThrow(VariableError);
  expect(() => readHubSettings({ [variable]: value })).toThrow(`${variable} has to be `);
});
