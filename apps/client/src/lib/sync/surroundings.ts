import { secureRandom } from '../session/keys.ts';

/** Time and randomness, so that a simulation can bring its own. */
export interface Surroundings {
  /** Milliseconds since 1970, as this device believes. */
  now(): number;
  /** Cryptographically secure bytes. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** A number from 0 up to but not including 1, for jitter. */
  random(): number;
  /** Calls back after `milliseconds`; the answer cancels it. */
  after(milliseconds: number, action: () => void): () => void;
}

/** This browser's own. */
export const surroundings: Surroundings = {
  now: () => Date.now(),
  randomBytes: secureRandom,
  random: () => Math.random(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};
