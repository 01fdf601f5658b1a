import { expect, it } from 'vitest';
import { summarize } from './summary.ts';

const address = 'https://parley.example';

it('says what serves where', () => {
  const deployed = { ok: true, way: 'gradual', address, reason: null, rollback: 'not needed' } as const;
  expect(summarize('production', 'abc', deployed)).toBe(
    '### ✅ production: abc\n\nparley at https://parley.example, tested before anybody got it.\n',
  );
});

it.each([
  ['done', 'What served before serves again'],
  ['failed', 'could not be brought back'],
  ['nothing before', 'Nothing served before'],
] as const)('says what became of going back: %s', (rollback, words) => {
  const deployed = { ok: false, way: 'plain', address: null, reason: 'It failed.', rollback } as const;
  const summary = summarize('staging', 'abc', deployed);
  expect(summary).toContain('### ❌ staging: abc');
  expect(summary).toContain('It failed.');
  expect(summary).toContain(words);
});
