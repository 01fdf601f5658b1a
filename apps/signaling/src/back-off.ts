/**
 * The pause before attempt number `attempt`, from 0 on, in the unit of `first` and `longest`: anything from nothing to a span that
 * begins with `first`, doubles each time and is never above `longest` (exponential back-off with full jitter).
 * `random` gives numbers in [0, 1).
 */
export function drawPause(attempt: number, first: number, longest: number, random: () => number): number {
  return random() * Math.min(longest, first * 2 ** attempt);
}
