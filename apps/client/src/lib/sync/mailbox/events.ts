import type { Position } from '@parley/signaling/envelope';
import type { AppendAnswer, SnapshotAnswer } from '@parley/signaling/mailbox';
import type { Holdings } from '../holdings.ts';
import type { KnownLog } from './known-log.ts';
import type { OpenedLog } from './opened.ts';
import type { MailboxStatus, RefusalCode } from './ports.ts';
import type { Entry, Remembered } from './state.ts';

/** What happens to a mailbox client. */
export type MailboxEvent =
  /** `held` is what the document holds. */
  | { readonly type: 'started'; readonly held: Holdings; readonly remembered: Remembered }
  /** The document has more than before. `own`: it was done here. `onDevice`: it was on this device already, as what another tab does. */
  | {
      readonly type: 'changed';
      readonly own: boolean;
      readonly onDevice?: boolean;
      readonly added: Holdings;
    }
  | { readonly type: 'woke' }
  /** The device is online again, or the channel is: what it told in between is lost. */
  | { readonly type: 'online' | 'up' | 'flush' }
  /** The device is offline; the channel is lost, or an attempt to open it has failed. */
  | { readonly type: 'offline' | 'down' }
  /** The channel told of a log. Its envelopes, if they came along and follow what is known, are in `log`. */
  | {
      readonly type: 'told-by-relay';
      readonly epoch: string;
      readonly head: number;
      readonly current: KnownLog['current'];
      readonly log: OpenedLog | null;
    }
  /** Somebody with the edit link said where it sees the mailbox. */
  | { readonly type: 'told-by-writer'; readonly position: Position }
  /** A pull was answered; null if with nonsense. */
  | { readonly type: 'pulled'; readonly log: OpenedLog | null }
  /** By hash: what each brings, or null where applying it failed and it is quarantined. */
  | { readonly type: 'applied'; readonly results: ReadonlyMap<string, Holdings | null> }
  /** Null: the document has nothing of what was wanted, or too much for one envelope. */
  | { readonly type: 'sealed'; readonly entry: Entry | null; readonly isTooLarge: boolean }
  /**
   * An append was answered. `chains`: those of its envelopes that follow the log as it is known, computed here. `contradicted`:
   * the hashes of those in whose place the log is known to have others.
   */
  | {
      readonly type: 'appended';
      readonly answer: AppendAnswer;
      readonly chains: readonly string[];
      readonly contradicted: readonly string[];
    }
  /** The whole document has so many bytes, of which the log behind its snapshot is not worth another one. */
  | { readonly type: 'weighed'; readonly bytes: number }
  | { readonly type: 'compacted'; readonly answer: SnapshotAnswer; readonly id: string }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly retryAfter: number | null }
  /** Whether something in the document waits for what has not arrived. */
  | { readonly type: 'waits'; readonly incomplete: boolean }
  /** So many live envelopes were not what they claimed. */
  | { readonly type: 'dropped'; readonly count: number };

/** What the driver has to do, in this order; to wake, to tell the status and to give up at once. */
export type MailboxEffect =
  | { readonly type: 'pull'; readonly after: number; readonly epoch: string | null }
  | { readonly type: 'append'; readonly entries: readonly Entry[] }
  /** Wait no longer for the answer to the last request: it is refused as `relay/unreachable` now, unless the answer was there already. */
  | { readonly type: 'give-up' }
  /** Seal what the document has of `wanted`, keep the outbox with it, and answer with `sealed`. */
  | { readonly type: 'seal'; readonly wanted: Holdings }
  /** Seal the document as a snapshot and put it there; or answer with `weighed` if half of it is more than `worth` bytes. */
  | {
      readonly type: 'compact';
      readonly prev: string | null;
      readonly covers: number;
      readonly chain: string;
      readonly worth: number;
    }
  /** Apply to the document, marked, and answer with `applied`. */
  | { readonly type: 'apply'; readonly items: readonly { hash: string; update: Uint8Array<ArrayBuffer> }[] }
  /** Keep a part: the log once the document is committed as it is now, the outbox at once, and at once that nothing is believed of the log. */
  | { readonly type: 'keep'; readonly part: 'log' | 'outbox' | 'doubt' }
  /** Answer with `woke` then; null: not at all. Replaces the one before. */
  | { readonly type: 'wake'; readonly at: number | null }
  | { readonly type: 'status'; readonly status: MailboxStatus };

/** Time and chance of one event. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** From 0 up to but not including 1. */
  random(): number;
}
