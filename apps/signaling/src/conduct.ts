import { SIGNALING_LIMITS } from './protocol/index.ts';

/** How one socket has behaved: what it may still send, and what it has to answer for. Times are in milliseconds. */
export interface Conduct {
  /** Frames it may send at once. */
  allowance: number;
  allowanceAt: number;
  /** Frames dropped as too fast since it was last forgiven. */
  dropped: number;
  strikes: number;
  struckAt: number;
}

/** The conduct of a socket that has done nothing yet, or nothing for {@link SIGNALING_LIMITS.forgivenAfterMs}. */
export function goodConduct(): Conduct {
  const { framesBurst } = SIGNALING_LIMITS;
  return { allowance: framesBurst, allowanceAt: -Infinity, dropped: 0, strikes: 0, struckAt: -Infinity };
}

/**
 * Takes one frame from the socket's allowance, after what time has refilled and forgiven; false when there is none
 * left. A clock that goes back refills nothing. Comes before {@link countDropped} and {@link strike}.
 */
export function spendFrame(conduct: Conduct, now: number): boolean {
  const { framesBurst, framesPerSecond, forgivenAfterMs } = SIGNALING_LIMITS;
  const seconds = Math.max(0, now - conduct.allowanceAt) / 1000;
  conduct.allowance = Math.min(framesBurst, conduct.allowance + seconds * framesPerSecond);
  conduct.allowanceAt = now;
  if (now - conduct.struckAt >= forgivenAfterMs) {
    conduct.strikes = 0;
    conduct.dropped = 0;
  }
  if (conduct.allowance < 1) return false;
  conduct.allowance -= 1;
  return true;
}

/**
 * Counts a frame that was dropped as too fast; true when it earns a strike, as the first and then every
 * {@link SIGNALING_LIMITS.framesPerSecond}th does. A burst that is a little too large loses frames, not its socket,
 * and a flood is not answered frame by frame.
 */
export function countDropped(conduct: Conduct): boolean {
  return conduct.dropped++ % SIGNALING_LIMITS.framesPerSecond === 0;
}

/** Gives a strike; true when it was the last one the socket had. */
export function strike(conduct: Conduct, now: number): boolean {
  conduct.strikes += 1;
  conduct.struckAt = now;
  return conduct.strikes >= SIGNALING_LIMITS.strikes;
}
