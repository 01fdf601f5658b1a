import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';

/** What of a session decides where an answer begins. */
export interface Reach {
  readonly epoch: string;
  readonly head: number;
  /** Rows of the log, with their hashes, are kept for seqs greater than this. */
  readonly hashesAfter: number;
  /** Bodies are kept for seqs greater than this. */
  readonly bodiesAfter: number;
  /** What the current snapshot covers; null without one. */
  readonly covers: number | null;
}

/** What an answer to a pull is made of. */
export interface PullPlan {
  /** The entries are behind this seq. */
  readonly from: number;
  readonly hasSnapshot: boolean;
  /** Entries up to this seq are given as hashes; those behind it with their bytes. */
  readonly hashesTo: number;
}

/** Decides what a pull is answered with ([MB8], [MB9]). `epoch` is that of the log in which `after` counts. */
export function planPull(reach: Reach, after: number, epoch: string | null): PullPlan {
  const { covers } = reach;
  const at = epoch === reach.epoch ? Math.min(after, reach.head) : 0;
  if (covers === null || (at > 0 && at >= reach.bodiesAfter)) {
    return { from: at, hasSnapshot: false, hashesTo: 0 };
  }
  const areHashesKnown = at >= reach.hashesAfter && covers - at <= MAILBOX_LIMITS.pullHashes;
  // A newcomer has no chain that hashes could extend.
  return { from: at > 0 && areHashesKnown ? at : covers, hasSnapshot: true, hashesTo: covers };
}

/**
 * How many of these entries one answer gives ([MB8]): all hashes, and of those with bytes as many as the limits allow,
 * at least one.
 */
export function countPulled(sizes: readonly number[], hashes: number): number {
  let bytes = 0;
  for (let index = hashes; index < sizes.length; index++) {
    bytes += sizes[index] ?? 0;
    if (index > hashes && bytes > MAILBOX_LIMITS.pullBytes) return index;
    if (index - hashes === MAILBOX_LIMITS.pullEntries) return index;
  }
  return sizes.length;
}
