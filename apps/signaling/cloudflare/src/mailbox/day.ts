/** Milliseconds of a day of UTC. */
export const DAY = 86_400_000;

/** Days since 1970. */
export function dayOf(now: number): number {
  return Math.floor(now / DAY);
}

/** Seconds until the next day begins, at least 1. */
export function secondsToTomorrow(now: number): number {
  return Math.max(1, Math.ceil(((dayOf(now) + 1) * DAY - now) / 1000));
}
