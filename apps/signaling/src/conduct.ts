import { SIGNALING_LIMITS } from './protocol/index.ts';

/** How many frames of one sort may be sent at once. */
export interface Allowance {
  left: number;
  /** When `left` was that. */
  at: number;
}

/** The sorts of frames that are counted apart: `readersLive` are the live frames of all readers of a mailbox together. */
type Sort = 'frames' | 'live' | 'readersLive';

/** How one socket has behaved: what it may still send, and what it has to answer for. Times are in milliseconds. */
export interface Conduct {
  readonly frames: Allowance;
  /** Of live frames: those who type fast are not to lose their connection to the mesh for it. Null until the first. */
  live: Allowance | null;
  /** Frames dropped as too fast since it was last forgiven. */
  dropped: number;
  strikes: number;
  struckAt: number;
}

/** The conduct of a socket that has done nothing yet, or nothing for {@link SIGNALING_LIMITS.forgivenAfterMs}. */
export function goodConduct(): Conduct {
  return {
    frames: fullAllowance('frames'),
    live: null,
    dropped: 0,
    strikes: 0,
    struckAt: -Infinity,
  };
}

/**
 * Takes one frame from the socket's allowance for its sort, after what time has refilled and forgiven; false when there is none
 * left. A clock that goes back refills nothing. Comes before {@link countDropped} and {@link strike}.
 */
export function spendFrame(conduct: Conduct, sort: 'frames' | 'live', now: number): boolean {
  if (now - conduct.struckAt >= SIGNALING_LIMITS.forgivenAfterMs) {
    conduct.strikes = 0;
    conduct.dropped = 0;
  }
  const allowance = sort === 'live' ? (conduct.live ??= fullAllowance('live')) : conduct.frames;
  return spend(allowance, sort, now);
}

/** An allowance of which nothing has been used. */
export function fullAllowance(sort: Sort): Allowance {
  return { left: RATES[sort].burst, at: -Infinity };
}

/** Takes one frame from an allowance for frames of this sort, after what time has refilled; false when there is none left. */
export function spend(allowance: Allowance, sort: Sort, now: number): boolean {
  const { burst, perSecond } = RATES[sort];
  const seconds = Math.max(0, now - allowance.at) / 1000;
  allowance.left = Math.min(burst, allowance.left + seconds * perSecond);
  allowance.at = now;
  if (allowance.left < 1) return false;
  allowance.left -= 1;
  return true;
}

const RATES = {
  frames: { burst: SIGNALING_LIMITS.framesBurst, perSecond: SIGNALING_LIMITS.framesPerSecond },
  live: { burst: SIGNALING_LIMITS.liveBurst, perSecond: SIGNALING_LIMITS.livePerSecond },
  readersLive: {
    burst: SIGNALING_LIMITS.readersLiveBurst,
    perSecond: SIGNALING_LIMITS.readersLivePerSecond,
  },
} as const;

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
