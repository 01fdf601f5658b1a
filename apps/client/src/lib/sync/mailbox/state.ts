import type { Position } from '@parley/signaling/envelope';
import type { Moment } from './events.ts';
import { intersect, NOTHING, subtract, unite, type Holdings } from '../holdings.ts';
import { beginLog, type KnownLog, positionOf } from './known-log.ts';
import type { OpenedLog } from './opened.ts';
import type { MailboxStatus } from './ports.ts';

/** How a client paces itself, in milliseconds. */
export const PACE = {
  /** From the first change after a pause until it is sent ([SY3]). */
  firstAppend: 150,
  /** Between two appends of own changes ([SY3]). */
  betweenAppends: 2_000,
  /** Other people's changes that the mailbox lacks wait so long, and up to so much more ([SY3]). */
  othersAtLeast: 4_000,
  othersJitter: 8_000,
  /** Once a snapshot is due, one of those present makes it within this time. */
  compactJitter: 8_000,
  /** The channel brings what it is said to have so soon; after that it is asked for. */
  hearsay: 1_000,
  /** A channel that is lost has so long to come up again, and up to so much more, before the relay is asked ([SY23]). */
  lostAtLeast: 2_000,
  lostJitter: 6_000,
  /** After a quota or a budget has refused something, unless the relay says more ([SY18]). */
  refusedPause: 60_000,
  /** Before a document that is too large for one envelope is encoded once more. */
  tooLargePause: 3_600_000,
} as const;

/** What is done at a time of its own. */
export const DUE = ['retry', 'pull', 'check', 'send', 'own', 'others', 'compact', 'snapshot'] as const;

/** When a snapshot is due ([SY13]). */
const COMPACTION: CompactionThreshold = { bytes: 1_000_000, envelopes: 300 };

/** A snapshot is due when the log behind the last one has so many envelopes, or more bytes than these and half of the document. */
export interface CompactionThreshold {
  readonly bytes: number;
  readonly envelopes: number;
}

/** So much of what others or the relay said is remembered, of each kind. */
export const REMEMBERED = 64;

/** A sealed envelope that is not acknowledged yet. */
export interface Entry {
  readonly hash: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What of the document it carries. */
  readonly holdings: Holdings;
}

/** Acknowledged at a seq which the log has not been read up to: it binds the relay. */
export interface Ahead {
  readonly seq: number;
  readonly hash: string;
  readonly holdings: Holdings;
}

/** What a device remembers of an earlier time. */
export interface Remembered {
  readonly log: KnownLog | null;
  readonly coverage: Holdings;
  readonly ahead: readonly Ahead[];
  readonly contradictions: readonly string[];
  readonly gone: readonly string[];
  readonly outbox: readonly Entry[];
  readonly quarantine: readonly string[];
}

export type Request = 'pull' | 'append' | 'compact';

/** Where a client stands with its mailbox. Only the engine changes it. */
export interface Mailbox {
  readonly role: 'writer' | 'reader';
  readonly compaction: CompactionThreshold;
  now: number;
  started: boolean;
  log: KnownLog | null;
  /** What the mailbox holds up to the log's seq. */
  coverage: Holdings;
  ahead: readonly Ahead[];
  outbox: readonly Entry[];
  /** What the document holds. */
  held: Holdings;
  /** What the document holds and the mailbox lacks. */
  lacking: Holdings;
  /** The part of `lacking` that is in a hurry: what was done here, and what was here at the start. */
  mine: Holdings;
  quarantine: ReadonlySet<string>;
  contradictions: ReadonlySet<string>;
  /** Epochs of logs that the relay had, and then had no more: none of them can come back. */
  gone: ReadonlySet<string>;
  /** Where others see the log further than this client has read it. */
  told: readonly Position[];
  /** Epochs of logs that others spoke of, and of which the relay, being asked, showed nothing. */
  dismissed: ReadonlySet<string>;
  /** The log was begun anew and not yet read to its end: what it holds is what it says now. */
  recovering: boolean;
  /** The log was read to its end since the start, or since it was begun anew. */
  caughtUp: boolean;
  /** The relay's head as far as it was told. */
  head: number;
  mustPull: boolean;
  /** How often what was believed of the log was given up. */
  forgotten: number;
  request: {
    readonly kind: Request;
    /** How often that had happened when the question was asked. */
    readonly forgotten: number;
    readonly entries: readonly Entry[];
    readonly told: readonly Position[];
    /** How far the log was known to go when the question was asked: frames go on coming until it is answered. */
    readonly reached: { readonly epoch: string; readonly seq: number } | null;
    /** The relay could not be reached, as far as was known then: the question may never be answered. */
    readonly isDoubtful: boolean;
    /** It is not waited for any more. */
    readonly isGivenUp: boolean;
  } | null;
  sealing: boolean;
  /** What is being applied, to be taken over once it is. */
  reading: { readonly log: OpenedLog; readonly pulled: boolean } | null;
  /** How many requests in a row came to nothing. */
  failures: number;
  /**
   * When things are due, in milliseconds since 1970. `compact` is a snapshot that is wanted, `snapshot` when one may be tried again;
   * `check` a pull that only asks whether the relay is there.
   */
  due: Record<(typeof DUE)[number], number | null>;
  lastAppend: number;
  /** One envelope a request, since the relay takes less at once than it should. */
  oneByOne: boolean;
  documentBytes: number;
  squeeze: boolean;
  /** The relay has answered something since the start. */
  answered: boolean;
  /** The relay does not know the session, or not this key. */
  unknown: boolean;
  unreachableSince: number | null;
  /** The channel was lost, or did not come up. */
  isLost: boolean;
  isOffline: boolean;
  deleted: boolean;
  lied: 'relay/forked' | 'relay/rolled-back' | null;
  limit: 'relay/quota-exceeded' | 'relay/budget-spent' | null;
  refused: boolean;
  /** The relay is private, and did not take this device's access key when it last answered. */
  isKeptOut: boolean;
  dropped: number;
  /** Something in the document waits for what has not arrived. */
  isIncomplete: boolean;
  status: MailboxStatus | null;
  wake: number | null;
}

export function createMailbox(
  role: 'writer' | 'reader',
  compaction: CompactionThreshold = COMPACTION,
): Mailbox {
  return {
    role,
    compaction,
    now: 0,
    started: false,
    log: null,
    coverage: NOTHING,
    ahead: [],
    outbox: [],
    held: NOTHING,
    lacking: NOTHING,
    mine: NOTHING,
    quarantine: new Set(),
    contradictions: new Set(),
    gone: new Set(),
    told: [],
    dismissed: new Set(),
    recovering: true,
    caughtUp: false,
    head: 0,
    mustPull: true,
    forgotten: 0,
    request: null,
    sealing: false,
    reading: null,
    failures: 0,
    due: {
      ...{ retry: null, pull: null, check: null, send: null },
      ...{ own: null, others: null, compact: null, snapshot: null },
    },
    lastAppend: -Infinity,
    oneByOne: false,
    documentBytes: 0,
    squeeze: false,
    answered: false,
    unknown: false,
    unreachableSince: null,
    isLost: false,
    isOffline: false,
    deleted: false,
    lied: null,
    limit: null,
    refused: false,
    isKeptOut: false,
    dropped: 0,
    isIncomplete: false,
    status: null,
    wake: null,
  };
}

/** Where this client sees the mailbox, to be told to others; null before it has seen anything that makes sense. */
export function seenPosition({ log }: Mailbox): Position | null {
  return log && positionOf(log);
}

/** Whether the log is known to go further than it was read. What is there mostly comes by itself a moment later. */
export function knowsOfMore({ log, head, told }: Mailbox): boolean {
  return told.length > 0 || (log !== null && head > log.seq);
}

export function wantsPull(mailbox: Mailbox): boolean {
  const { due, now } = mailbox;
  const isTime = (at: number | null) => at !== null && now >= at;
  return mailbox.mustPull || isTime(due.check) || (knowsOfMore(mailbox) && isTime(due.pull));
}

/** The relay was asked about these: those of a log that it does not show are no reason to ask again. */
export function dismissOtherLogs(mailbox: Mailbox, told: readonly Position[]): void {
  const others = told.map(({ epoch }) => epoch).filter((epoch) => epoch !== mailbox.log?.epoch);
  if (others.length > 0) {
    mailbox.dismissed = new Set([...mailbox.dismissed, ...others].slice(-REMEMBERED));
  }
}

/** What contradicts what this client believed about the log: it believes nothing of it any more, and asks anew ([SY9]). */
export function forget(mailbox: Mailbox, epoch: string | null, moment: Moment): void {
  if (mailbox.log && mailbox.log.epoch !== epoch)
    mailbox.gone = new Set([...mailbox.gone, mailbox.log.epoch].slice(-REMEMBERED));
  mailbox.forgotten += 1;
  mailbox.log = epoch === null ? null : beginLog(epoch);
  mailbox.coverage = NOTHING;
  mailbox.ahead = [];
  mailbox.told = [];
  // What is being read follows what was believed before.
  if (mailbox.reading?.pulled) mailbox.request = null;
  mailbox.reading = null;
  mailbox.head = 0;
  mailbox.mustPull = true;
  mailbox.recovering = true;
  mailbox.caughtUp = false;
  survey(mailbox);
  // Everybody else is about to send the same.
  mailbox.due.own = null;
  mailbox.due.others = mailbox.role === 'writer' ? othersDue(mailbox, moment) : null;
  if (mailbox.role === 'writer') mailbox.mine = mailbox.lacking;
}

function aheadHoldings({ ahead }: Mailbox): Holdings {
  return ahead.reduce((all, { holdings }) => unite(all, holdings), NOTHING);
}

export function outboxHoldings({ outbox }: Mailbox): Holdings {
  return outbox.reduce((all, { holdings }) => unite(all, holdings), NOTHING);
}

export function mailboxHoldings(mailbox: Mailbox): Holdings {
  return unite(mailbox.coverage, aheadHoldings(mailbox));
}

/** The mailbox holds more than before. */
export function settle(mailbox: Mailbox, added: Holdings): void {
  mailbox.lacking = subtract(mailbox.lacking, added);
  mailbox.mine = subtract(mailbox.mine, added);
}

/** The mailbox may hold less than before. */
export function survey(mailbox: Mailbox): void {
  mailbox.lacking = subtract(mailbox.held, mailboxHoldings(mailbox));
  mailbox.mine = intersect(mailbox.mine, mailbox.lacking);
}

/** What failed before was the way, not the log. */
export function hearAnswer(mailbox: Mailbox): void {
  mailbox.answered = true;
  mailbox.unknown = false;
  mailbox.isKeptOut = false;
  mailbox.unreachableSince = null;
}

export function isDue({ due, now }: Mailbox, what: keyof Mailbox['due']): boolean {
  return now >= (due[what] ?? now);
}

export function othersDue({ now }: Mailbox, moment: Moment): number {
  return now + PACE.othersAtLeast + moment.random() * PACE.othersJitter;
}
