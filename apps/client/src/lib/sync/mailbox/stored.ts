import type { Ahead, Entry, Mailbox, Remembered } from './engine.ts';
import { decodeHoldings, encodeHoldings, NOTHING } from '../holdings.ts';
import type { KnownLog } from './known-log.ts';

/** What a device keeps of one session's mailbox, beside the document. Each part is written as a whole. */
export interface StoredMailbox {
  /** How far this device is, and what the mailbox holds. Never ahead of the document that is committed ([SY6]). */
  log: StoredLog;
  /** What was sealed and is not acknowledged, in the order in which it is sent ([SY5]). */
  outbox: readonly StoredEntry[];
  /** What is being applied. Found at the start, it is what did not end well the last time ([SY16]). */
  applying: StoredMark | null;
  /** Hashes of live changes that did not end well, and last the one that is being applied ([SY16]). */
  live: readonly string[];
  /** Hashes of the envelopes that are left out because applying them failed. */
  quarantine: readonly string[];
}

export interface StoredLog {
  /** null where nothing is believed of it. */
  readonly known: KnownLog | null;
  /** As {@link encodeHoldings} gives it. */
  readonly coverage: Uint8Array<ArrayBuffer>;
  readonly ahead: readonly {
    readonly seq: number;
    readonly hash: string;
    readonly holdings: Uint8Array<ArrayBuffer>;
  }[];
  readonly contradictions: readonly string[];
  /** Epochs that can not come back. */
  readonly gone: readonly string[];
}

export interface StoredEntry {
  readonly hash: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly holdings: Uint8Array<ArrayBuffer>;
}

interface StoredMark {
  /** Of the envelopes, base64url. */
  readonly hashes: readonly string[];
  /** How often it was begun with this one alone; 0 for several. */
  readonly attempts: number;
}

export function storeLog({ log, coverage, ahead, contradictions, gone }: Mailbox): StoredLog {
  return {
    known: log,
    coverage: encodeHoldings(coverage),
    ahead: ahead.map((ack: Ahead) => ({ ...ack, holdings: encodeHoldings(ack.holdings) })),
    contradictions: [...contradictions],
    gone: [...gone],
  };
}

/** The log of which nothing is believed: needs nothing of the document, and can be kept at any time. */
export function storeDoubt({ contradictions, gone }: Mailbox): StoredLog {
  const coverage = encodeHoldings(NOTHING);
  return { known: null, coverage, ahead: [], contradictions: [...contradictions], gone: [...gone] };
}

export function storeOutbox(outbox: readonly Entry[]): StoredEntry[] {
  return outbox.map((entry) => ({ ...entry, holdings: encodeHoldings(entry.holdings) }));
}

/** @throws {Error} where a part is not what this version keeps */
export function restoreMailbox({ log, outbox, quarantine }: Partial<StoredMailbox>): Remembered {
  return {
    log: log?.known ?? null,
    coverage: log ? decodeHoldings(log.coverage) : NOTHING,
    ahead: (log?.ahead ?? []).map((ack) => ({ ...ack, holdings: decodeHoldings(ack.holdings) })),
    contradictions: log?.contradictions ?? [],
    gone: log?.gone ?? [],
    outbox: (outbox ?? []).map((entry) => ({ ...entry, holdings: decodeHoldings(entry.holdings) })),
    quarantine: quarantine ?? [],
  };
}
