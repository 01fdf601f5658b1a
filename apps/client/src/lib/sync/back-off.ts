import { drawPause } from '@parley/signaling/back-off';

/** The first and the longest span out of which the pause before another attempt is drawn, in milliseconds ([SY17]). */
const FIRST = 1_000;
const LONGEST = 60_000;

/** The pause before attempt number `attempt`, from 0 on, in milliseconds ([SY17]). */
export function pauseBefore(attempt: number, random: () => number): number {
  return drawPause(attempt, FIRST, LONGEST, random);
}
