/** A kept snapshot, as far as room is concerned. */
interface Kept {
  readonly covers: number;
  readonly size: number;
}

/** What a session keeps, with what is about to be added. */
export interface Stock {
  /** Bytes of all of it. */
  readonly bytes: number;
  /** Snapshots that may go, in any order: not the current one. */
  readonly older: readonly Kept[];
  /** Bodies are kept for seqs greater than this. */
  readonly bodiesAfter: number;
  /** What the current snapshot covers: the bodies up to there may go; null without one. */
  readonly covers: number | null;
  /** Bytes of the bodies from `bodiesAfter` to `covers`. */
  readonly coveredBytes: number;
}

/** What has to go, and what is left. */
export interface Room {
  /** `covers` of the snapshots that go. */
  readonly evicted: readonly number[];
  readonly bodiesAfter: number;
  readonly bytes: number;
}

/**
 * Makes room for what is about to be kept ([MB17]): old snapshots go first, the oldest before the others, and then the
 * covered bodies, each only if there is still too much. The answer may have more bytes than the limit: there is no more
 * that could go.
 */
export function makeRoom({ bytes, older, bodiesAfter, covers, coveredBytes }: Stock, limit: number): Room {
  const evicted: number[] = [];
  let left = bytes;
  for (const snapshot of older.toSorted((a, b) => a.covers - b.covers)) {
    if (left <= limit) break;
    evicted.push(snapshot.covers);
    left -= snapshot.size;
  }
  if (left <= limit || covers === null || covers <= bodiesAfter) return { evicted, bodiesAfter, bytes: left };
  return { evicted, bodiesAfter: covers, bytes: left - coveredBytes };
}
