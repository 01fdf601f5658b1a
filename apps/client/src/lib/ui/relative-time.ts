const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago something was, in words: "just now", "3 hours ago", "last week". Times in milliseconds since 1970. */
export function describeAge(then: number, now: number, locale?: string): string {
  // A clock that was set back must not put the past into the future.
  const seconds = Math.max(0, (now - then) / 1000);
  for (const [unit, length] of units) {
    if (seconds >= length) {
      return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(
        -Math.floor(seconds / length),
        unit,
      );
    }
  }
  return 'just now';
}
