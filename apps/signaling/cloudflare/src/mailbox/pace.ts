/** How many envelopes a session has appended in which minute since 1970. */
export interface Pace {
  readonly minute: number;
  readonly minuteCount: number;
}

const MINUTE = 60_000;

/** Counts envelopes that are appended now ([MB18]); the seconds to wait when they are too many for this minute. */
export function countEnvelopes(pace: Pace, count: number, limit: number, now: number): Pace | number {
  const minute = Math.floor(now / MINUTE);
  const minuteCount = (pace.minute === minute ? pace.minuteCount : 0) + count;
  if (minuteCount > limit) return Math.max(1, Math.ceil(((minute + 1) * MINUTE - now) / 1000));
  return { minute, minuteCount };
}
