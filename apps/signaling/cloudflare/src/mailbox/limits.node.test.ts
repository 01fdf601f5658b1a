import { expect, it } from 'vitest';
import { VariableError } from '@parley/signaling/variables';
import { DEFAULT_LIMITS, readLimits } from './limits.ts';

it('[MB17] [MB18] [MB19] [MB22] [IC5] each limit is a variable of the Worker, with a default', () => {
  expect(readLimits({})).toEqual({
    ...{ sessionBytes: 50_000_000, sessionEnvelopesPerMinute: 3_000 },
    ...{ dailySessions: 2_000, dailyBytes: 300_000_000, dailyRows: 80_000, dailyTurn: 2_000 },
    ...{ totalBytes: 400_000_000, retentionDays: 180 },
  });
  const variables = {
    ...{ SESSION_BYTES: '1', SESSION_ENVELOPES_PER_MINUTE: '2', DAILY_SESSIONS: '3' },
    ...{ DAILY_BYTES: '4', DAILY_ROWS: '5', DAILY_TURN: '6' },
    ...{ TOTAL_BYTES: '7', RETENTION_DAYS: '8' },
  };
  expect(Object.values(readLimits(variables))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(readLimits({ DAILY_ROWS: '7' })).toEqual({ ...DEFAULT_LIMITS, dailyRows: 7 });
});

it.each(['', '0', '-1', '1.5', '1e3', ' 1', 'many', '9'.repeat(20)])(
  '[MB17] %j is no limit, and the error names the variable',
  (value) => {
    expect(() => readLimits({ SESSION_BYTES: '1', RETENTION_DAYS: value })).toThrow(VariableError);
    expect(() => readLimits({ RETENTION_DAYS: value })).toThrow(/^RETENTION_DAYS /);
  },
);
