import { EMPTY_CHAIN, type Position } from '@parley/signaling/envelope';

/** How many chains back a position that somebody tells can be compared with. */
const CHAINS = 256;

/** What a client knows of the log: how far it has read it, and what it found there. */
export interface KnownLog {
  readonly epoch: string;
  /** The last envelope that was read; 0 before the first. */
  readonly seq: number;
  /** The chains at the last seqs, oldest first, the last one at `seq`. */
  readonly chains: readonly string[];
  /** The current snapshot, as the relay says. */
  readonly current: { readonly id: string; readonly covers: number } | null;
  /** About how many bytes of envelopes are behind the current snapshot. */
  readonly tailBytes: number;
  /** The last envelope that was not understood or is quarantined, until a snapshot from behind it is applied here; 0 for none. */
  readonly barrier: number;
}

export function beginLog(epoch: string): KnownLog {
  return { epoch, seq: 0, chains: [EMPTY_CHAIN], current: null, tailBytes: 0, barrier: 0 };
}

/** The chain at a seq; null where this client does not know it (any more). */
export function chainAt({ seq, chains }: KnownLog, at: number): string | null {
  return at === 0 ? EMPTY_CHAIN : (chains[chains.length - 1 - (seq - at)] ?? null);
}

export function positionOf(log: KnownLog): Position {
  return { epoch: log.epoch, seq: log.seq, chain: chainAt(log, log.seq) ?? EMPTY_CHAIN };
}

/** The log one envelope further. */
export function extendLog(log: KnownLog, chain: string, bytes: number): KnownLog {
  return {
    ...log,
    seq: log.seq + 1,
    chains: [...log.chains, chain].slice(-CHAINS),
    tailBytes: log.tailBytes + bytes,
  };
}

/** The log from a snapshot on that is applied here, without the envelopes that lead there. */
export function jumpTo(log: KnownLog, covers: number, chain: string): KnownLog {
  return { ...log, seq: covers, chains: [chain], tailBytes: 0, barrier: 0 };
}

/** The log with the relay's word for its current snapshot. */
export function withCurrent(log: KnownLog, current: KnownLog['current']): KnownLog {
  if (current?.id === log.current?.id) return log;
  const before = log.seq - (log.current?.covers ?? 0);
  const after = Math.max(0, log.seq - (current?.covers ?? 0));
  // Nobody keeps the size of every envelope: a new snapshot takes its part of the bytes by number.
  const share = before > 0 ? Math.min(1, after / before) : 1;
  return { ...log, current, tailBytes: Math.round(log.tailBytes * share) };
}
