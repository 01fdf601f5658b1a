import { expect, it } from 'vitest';
import { describeReturn, isAlarming, summarize, summarizeNothing } from './summary.ts';

const address = 'https://parley.example';

it('says what serves where', () => {
  const deployed = { ok: true, way: 'gradual', address, reason: null, returned: null } as const;
  expect(summarize('production', 'abc', deployed)).toBe(
    '### ✅ production: abc\n\nparley at https://parley.example, tested before anybody got it.\n',
  );
});

it.each([
  ['❌', { outcome: 'done', version: 'old' }, 'serves again (old), and its smoke test passed'],
  [
    '🚨',
    { outcome: 'unproved', version: 'old' },
    '(old) was to serve again, and its smoke test did not pass',
  ],
  ['🚨', { outcome: 'unproved', version: null }, '(of an unknown version) was to serve again'],
  ['🚨', { outcome: 'failed', version: null }, 'Going back failed, and what served until then still serves'],
  ['❌', null, 'Nothing served before'],
] as const)('says with %s what became of going back: %j', (mark, returned, words) => {
  const deployed = { ok: false, way: 'plain', address, reason: 'It failed.', returned } as const;
  const summary = summarize('staging', 'abc', deployed);
  expect(summary).toContain(`### ${mark} staging: abc`);
  expect(summary).toContain(`at ${address}`);
  expect(summary).toContain('It failed.');
  expect(summary).toContain(words);
  expect(isAlarming(returned)).toBe(mark === '🚨');
  if (returned) expect(describeReturn(returned)).toContain(words);
});

it('says when nothing was changed', () => {
  expect(summarizeNothing('staging', 'abc', 'The upload failed.')).toBe(
    '### ❌ staging: abc\n\nThe upload failed.\n\nNothing that serves was changed.\n',
  );
});
