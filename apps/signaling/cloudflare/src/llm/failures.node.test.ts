import { describe, expect, it } from 'vitest';
import { BROKEN_OFF, failureOf, NONSENSE, readRetryAfter, SILENT, UNREACHED } from './failures.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

describe('what a status means', () => {
  it.each([
    [429, 'llm/upstream-busy'],
    [500, 'llm/upstream-failed'],
    [502, 'llm/upstream-failed'],
    [503, 'llm/upstream-failed'],
    [504, 'llm/upstream-failed'],
    [529, 'llm/upstream-failed'],
    [599, 'llm/upstream-failed'],
  ])('[LLM6] %i passes: %s', (status, code) => {
    const expected = { code, isPassing: true, retryAfter: null, mayCost: false };
    expect(failureOf(status, null, null, NOW)).toEqual(expected);
    expect(failureOf(status, null, 'rate_limit_exceeded', NOW)).toEqual(expected);
  });

  it.each([429, 500, 503, 529])('[LLM6] %i that says when is busy until then', (status) => {
    for (const seconds of [0, 7]) {
      expect(failureOf(status, String(seconds), null, NOW)).toEqual({
        ...{ code: 'llm/upstream-busy', isPassing: true, retryAfter: seconds, mayCost: false },
      });
    }
  });

  it.each([
    [401, null, 'llm/upstream-account'],
    [402, null, 'llm/upstream-account'],
    [403, null, 'llm/upstream-account'],
    [429, 'insufficient_quota', 'llm/upstream-account'],
    [400, 'context_length_exceeded', 'llm/too-long'],
    [413, null, 'llm/too-long'],
    [400, null, 'llm/upstream-refused'],
    [400, 'insufficient_quota', 'llm/upstream-refused'],
    [404, null, 'llm/upstream-model'],
    [404, 'model_not_found', 'llm/upstream-model'],
    [408, null, 'llm/upstream-refused'],
    [422, null, 'llm/upstream-refused'],
    [499, null, 'llm/upstream-refused'],
    [300, null, 'llm/upstream-nonsense'],
    [302, null, 'llm/upstream-nonsense'],
    [304, null, 'llm/upstream-nonsense'],
    [0, null, 'llm/upstream-nonsense'],
  ])('[LLM6] [LLM7] %i with %j lasts, whenever it says: %s', (status, errorCode, code) => {
    const expected = { code, isPassing: false, retryAfter: null, mayCost: false };
    expect(failureOf(status, null, errorCode, NOW)).toEqual(expected);
    expect(failureOf(status, '3', errorCode, NOW)).toEqual(expected);
  });

  it('[LLM6] what has no status passes, or is nonsense', () => {
    expect([UNREACHED, BROKEN_OFF, SILENT, NONSENSE].map(({ isPassing }) => isPassing)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('[LLM12] what was refused costs nothing; what was begun, or said nothing, may', () => {
    expect([UNREACHED, BROKEN_OFF, SILENT, NONSENSE].map(({ mayCost }) => mayCost)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['5', 5],
    [' 5 ', 5],
    ['007', 7],
    ['86400', 86_400],
    ['86401', 86_400],
    ['9'.repeat(400), 86_400],
    ['Sun, 22 Nov 2026 12:00:05 GMT', 5],
    ['Sunday, 22-Nov-26 12:00:05 GMT', 5],
    ['Sun, 22 Nov 2026 12:00:00 GMT', 0],
    ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Tue, 22 Nov 2044 12:00:00 GMT', 86_400],
  ])('[LLM6] %s is in %i seconds, a day at most', (text, seconds) => {
    expect(readRetryAfter(text, NOW)).toBe(seconds);
  });

  it('[LLM6] a part of a second is waited for', () => {
    expect(readRetryAfter('Sun, 22 Nov 2026 12:00:05 GMT', NOW + 1)).toBe(5);
    expect(readRetryAfter('Sun, 22 Nov 2026 12:00:05 GMT', NOW - 1)).toBe(6);
  });

  it.each([
    ...[
      null,
      '',
      ' ',
      'soon',
      '-5',
      '+5',
      '1.5',
      '1e3',
      '0x10',
      '5s',
      '5, 6',
      'NaN',
      'Infinity',
      'in 5 seconds',
    ],
    ...['2026-11-22', '١٢', 'Sun, 99 Nov 2026 12:00:05 GMT', 'Sun, soon GMT', '5\u0000'],
  ])('[LLM6] %j says nothing', (text) => {
    expect(readRetryAfter(text, NOW)).toBeNull();
  });
});
