import { expect, it } from 'vitest';
import { countEnvelopes } from './pace.ts';

it('[MB18] counts up to the limit in a minute, and begins anew in the next', () => {
  const one = countEnvelopes({ minute: 0, minuteCount: 0 }, 3, 5, 600_000);
  expect(one).toEqual({ minute: 10, minuteCount: 3 });
  expect(countEnvelopes({ minute: 10, minuteCount: 3 }, 2, 5, 659_999)).toEqual({
    minute: 10,
    minuteCount: 5,
  });
  expect(countEnvelopes({ minute: 10, minuteCount: 3 }, 3, 5, 620_500)).toBe(40);
  expect(countEnvelopes({ minute: 10, minuteCount: 5 }, 1, 5, 659_999)).toBe(1);
  expect(countEnvelopes({ minute: 10, minuteCount: 5 }, 5, 5, 660_000)).toEqual({
    minute: 11,
    minuteCount: 5,
  });
});
