import type { AppendAnswer, SnapshotAnswer } from '@parley/signaling/mailbox';
import type { MailboxEffect, MailboxEvent, Moment } from './events.ts';
import { covers, isNothing, NOTHING, subtract, unite } from '../holdings.ts';
import { beginLog, extendLog, type KnownLog, positionOf, withCurrent } from './known-log.ts';
import { fail } from './refusals.ts';
import {
  type Entry,
  forget,
  hearAnswer,
  isDue,
  knowsOfMore,
  type Mailbox,
  mailboxHoldings,
  othersDue,
  outboxHoldings,
  PACE,
  type Request,
  settle,
  wantsPull,
} from './state.ts';

/** Bytes of envelopes in one append; a larger one goes alone. */
const APPEND_BYTES = 512 * 1024;
const APPEND_ENVELOPES = 100;

export function change(
  mailbox: Mailbox,
  { own, onDevice = false, added }: Extract<MailboxEvent, { type: 'changed' }>,
  moment: Moment,
): void {
  mailbox.held = unite(mailbox.held, added);
  const fresh = subtract(added, mailboxHoldings(mailbox));
  if (isNothing(fresh)) return;
  mailbox.lacking = unite(mailbox.lacking, fresh);
  if (mailbox.role === 'reader') return;
  if (own || onDevice) mailbox.mine = unite(mailbox.mine, fresh);
  if (own) {
    mailbox.due.own ??= Math.max(mailbox.now + PACE.firstAppend, mailbox.lastAppend + PACE.betweenAppends);
  } else {
    mailbox.due.others ??= othersDue(mailbox, moment);
  }
}

/** The envelopes of an append are in the log, at seqs that bind the relay. */
export function acknowledge(
  mailbox: Mailbox,
  answer: AppendAnswer,
  chains: readonly string[],
  contradicted: readonly string[],
  moment: Moment,
  effects: MailboxEffect[],
): void {
  const sent = mailbox.request?.entries ?? [];
  if (answer.seqs.length !== sent.length || answer.seqs.some((seq) => seq < 1 || seq > answer.head)) {
    fail(mailbox, 'relay/nonsense', null, moment);
    return;
  }
  mailbox.request = null;
  mailbox.failures = 0;
  hearAnswer(mailbox);
  mailbox.limit = null;
  mailbox.refused = false;
  mailbox.due.send = null;
  if (mailbox.log && mailbox.log.epoch !== answer.epoch) forget(mailbox, answer.epoch, moment);
  let known = (mailbox.log ??= beginLog(answer.epoch));
  const isWaiting = new Set(mailbox.outbox.map(({ hash }) => hash));
  let [added, extended] = [NOTHING, NOTHING];
  for (const [index, { hash, bytes, holdings }] of sent.entries()) {
    const seq = answer.seqs[index] ?? 0;
    const chain = chains[index];
    // The log was faster.
    if (!isWaiting.has(hash)) continue;
    if (seq <= known.seq) {
      // It was read up to there: it is in it, or it cannot be told any more, or the relay has lied.
      if (contradicted.includes(hash)) {
        mailbox.lied = 'relay/forked';
        forget(mailbox, answer.epoch, moment);
        return;
      }
    } else if (seq === known.seq + 1 && chain !== undefined && covers(mailbox.held, holdings)) {
      known = extendLog(known, chain, bytes.length);
      extended = unite(extended, holdings);
      added = unite(added, holdings);
    } else {
      mailbox.ahead = [...mailbox.ahead, { seq, hash, holdings }];
      added = unite(added, holdings);
    }
  }
  mailbox.log = known;
  mailbox.coverage = unite(mailbox.coverage, extended);
  const done = new Set(sent.map(({ hash }) => hash));
  mailbox.outbox = mailbox.outbox.filter(({ hash }) => !done.has(hash));
  settle(mailbox, added);
  mailbox.head = Math.max(mailbox.head, answer.head);
  effects.push({ type: 'keep', part: 'outbox' }, { type: 'keep', part: 'log' });
}

export function finishCompaction(
  mailbox: Mailbox,
  answer: SnapshotAnswer,
  id: string,
  moment: Moment,
  effects: MailboxEffect[],
): void {
  if (answer.current.id !== id) {
    fail(mailbox, 'relay/nonsense', null, moment);
    return;
  }
  mailbox.request = null;
  mailbox.failures = 0;
  hearAnswer(mailbox);
  mailbox.due.compact = null;
  mailbox.due.snapshot = null;
  mailbox.squeeze = false;
  // It made room, or so it is hoped: what was refused is tried again.
  mailbox.due.send = null;
  if (!mailbox.log || mailbox.log.epoch !== answer.epoch) {
    mailbox.mustPull = true;
    return;
  }
  mailbox.log = withCurrent(mailbox.log, answer.current);
  effects.push({ type: 'keep', part: 'log' });
}

export function schedule(mailbox: Mailbox, moment: Moment): void {
  const { due, log } = mailbox;
  due.pull = knowsOfMore(mailbox) ? (due.pull ?? mailbox.now + PACE.hearsay) : null;
  const sealed = outboxHoldings(mailbox);
  if (mailbox.role === 'reader' || covers(sealed, mailbox.lacking)) {
    due.own = null;
    due.others = null;
  } else {
    if (covers(sealed, mailbox.mine)) due.own = null;
    due.others ??= due.own === null ? othersDue(mailbox, moment) : null;
  }
  if (log && isCompactionDue(mailbox, log))
    due.compact ??= Math.max(mailbox.now + moment.random() * PACE.compactJitter, due.snapshot ?? 0);
  else due.compact = null;
}

/** The first of the things that can be done now. */
export function act(mailbox: Mailbox, effects: MailboxEffect[]): void {
  const { log, due } = mailbox;
  const request = (kind: Request, entries: readonly Entry[] = []) => {
    const reached = log && {
      epoch: log.epoch,
      seq: Math.max(log.seq, ...mailbox.ahead.map(({ seq }) => seq)),
    };
    const { forgotten, told, isLost, unreachableSince } = mailbox;
    const isDoubtful = isLost || unreachableSince !== null;
    mailbox.request = { kind, forgotten, entries, told, reached, isDoubtful, isGivenUp: false };
    due.retry = null;
  };
  if (wantsPull(mailbox)) {
    request('pull');
    mailbox.mustPull = false;
    due.pull = null;
    due.check = null;
    effects.push({ type: 'pull', after: log?.seq ?? 0, epoch: log?.epoch ?? null });
    return;
  }
  if (mailbox.role === 'reader') return;
  const isCompacting = mailbox.squeeze || (due.compact !== null && isDue(mailbox, 'compact'));
  const compaction = log && isCompacting && isDue(mailbox, 'snapshot') && compactable(log);
  if (compaction) {
    const worth =
      mailbox.squeeze || log.seq - (log.current?.covers ?? 0) >= mailbox.compaction.envelopes
        ? Infinity
        : log.tailBytes;
    mailbox.squeeze = false;
    request('compact');
    const { seq, chain } = positionOf(log);
    effects.push({ type: 'compact', prev: log.current?.id ?? null, covers: seq, chain, worth });
    return;
  }
  mailbox.squeeze = false;
  if (!isDue(mailbox, 'send')) return;
  if (mailbox.outbox.length > 0) {
    const entries = nextBatch(mailbox);
    request('append', entries);
    mailbox.lastAppend = mailbox.now;
    effects.push({ type: 'append', entries });
    return;
  }
  const wanted =
    due.others !== null && isDue(mailbox, 'others')
      ? mailbox.lacking
      : due.own !== null && isDue(mailbox, 'own')
        ? mailbox.mine
        : null;
  if (!wanted) return;
  due.own = null;
  if (wanted === mailbox.lacking) due.others = null;
  mailbox.sealing = true;
  effects.push({ type: 'seal', wanted });
}

function nextBatch({ outbox, oneByOne }: Mailbox): Entry[] {
  const batch: Entry[] = [];
  let bytes = 0;
  for (const entry of outbox) {
    bytes += entry.bytes.length;
    const isFull = bytes > APPEND_BYTES || batch.length === (oneByOne ? 1 : APPEND_ENVELOPES);
    if (batch.length > 0 && isFull) break;
    batch.push(entry);
  }
  return batch;
}

export function nextWake(mailbox: Mailbox, isIdle: boolean): number | null {
  const { due, role } = mailbox;
  if (!isIdle || mailbox.request || mailbox.sealing || mailbox.reading) return null;
  const times: (number | null)[] = [];
  if (mailbox.mustPull) times.push(mailbox.now);
  times.push(due.pull, due.check);
  if (role === 'writer') {
    const sends = mailbox.outbox.length > 0 ? [mailbox.now] : [due.own, due.others];
    for (const at of sends) if (at !== null) times.push(Math.max(at, due.send ?? at));
    times.push(due.compact);
  }
  const first = Math.min(...times.map((at) => at ?? Infinity));
  return first === Infinity ? null : Math.max(first, due.retry ?? first);
}

function isCompactionDue(mailbox: Mailbox, log: KnownLog): boolean {
  if (mailbox.role === 'reader' || mailbox.mustPull || knowsOfMore(mailbox) || !compactable(log))
    return false;
  const envelopes = log.seq - (log.current?.covers ?? 0);
  return (
    envelopes >= mailbox.compaction.envelopes ||
    log.tailBytes > Math.max(mailbox.compaction.bytes, mailbox.documentBytes / 2)
  );
}

/** Whether a snapshot can follow, and would not hide what this client did not understand or has left out ([SY14]). */
function compactable({ seq, current, barrier }: KnownLog): boolean {
  return seq > (current?.covers ?? 0) && barrier === 0;
}
