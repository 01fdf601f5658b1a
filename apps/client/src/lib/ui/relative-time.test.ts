import { describe, expect, test } from 'vitest';
import { describeAge } from './relative-time.ts';

describe('relative time', () => {
  const now = Date.UTC(2026, 10, 21, 12);
  test.each([
    [0, 'just now'],
    [59, 'just now'],
    [60, '1 minute ago'],
    [3 * 3600, '3 hours ago'],
    [24 * 3600, 'yesterday'],
    [13 * 24 * 3600, 'last week'],
    [60 * 24 * 3600, '2 months ago'],
    [800 * 24 * 3600, '2 years ago'],
    [-600, 'just now'],
  ])('%i seconds ago is %j', (seconds, words) => {
    expect(describeAge(now - seconds * 1000, now, 'en')).toBe(words);
  });
});
