import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findAddress, needsPlainDeploy, readDatabases, readRecords, readServing } from './records.ts';

const failed = (message: string, code?: number) => ({
  ok: false,
  printed: '',
  records: readRecords(JSON.stringify({ type: 'command-failed', message, code })),
});

it('whatever stands in the file, reading it ends well', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json())), (lines) => {
      expect(readRecords(lines.join('\n'))).toEqual([]);
    }),
  );
});

it('records of other kinds are passed over', () => {
  const lines = [
    '{"type":"wrangler-session","version":1,"wrangler_version":"4.164.0"}',
    '{"type":"version-upload","version":1,"worker_name":"parley","version_id":"a","preview_url":null}',
    '',
  ];
  expect(readRecords(lines.join('\n'))).toEqual([{ type: 'version-upload', version_id: 'a' }]);
});

it.each([
  ['This Worker does not exist on your account.', 10_007],
  ['workers.api.error.service_not_found', 10_090],
  ['The Worker parley has no deployments.', undefined],
])('nothing is deployed where wrangler says “%s”', (message, code) => {
  expect(readServing(failed(message, code))).toBeNull();
});

it('another failure is not taken for an account without a Worker', () => {
  expect(() => readServing(failed('Authentication error', 10_000))).toThrow('does not say what is deployed');
});

it.each(['', '{}', '{"versions":[]}', 'null', '{"versions":[{"version_id":"a"}]}'])(
  'an unknown answer is not taken for one: %s',
  (printed) => {
    expect(() => readServing({ ok: true, printed, records: [] })).toThrow('cannot be read');
    expect(() => readDatabases({ ok: true, printed, records: [] })).toThrow('does not list');
  },
);

it('a plain deploy is for changes of Durable Objects only', () => {
  expect(needsPlainDeploy(failed('migrations must be fully applied', 10_211))).toBe(true);
  expect(needsPlainDeploy(failed('Authentication error', 10_000))).toBe(false);
  expect(needsPlainDeploy({ ok: true, printed: '', records: [] })).toBe(false);
});

it('the wrangler that is installed says it in these words', () => {
  const wrangler = '../../apps/signaling/cloudflare/node_modules/wrangler/wrangler-dist/cli.js';
  const source = readFileSync(join(import.meta.dirname, wrangler), 'utf8');
  const sentence = /This Worker has a pending Durable Object migration, which cannot be applied by/.exec(
    source,
  )?.[0];
  expect(needsPlainDeploy(failed(sentence ?? ''))).toBe(true);
});

it.each([
  ['https://parley.example.workers.dev', 'https://parley.example.workers.dev'],
  ['  https://parley.example.workers.dev\n  schedule: 7 * * * *', 'https://parley.example.workers.dev'],
  ['Deployed triggers (1.20 sec)\n  parley.example (custom domain)', 'https://parley.example'],
  ['schedule: 7 * * * *', null],
  ['', null],
])('finds the address in %j', (text, address) => {
  expect(findAddress(text)).toBe(address);
});
