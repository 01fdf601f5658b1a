import type { Position } from '@parley/signaling/envelope';
import type { MailboxEffect, MailboxEvent, Moment } from './events.ts';
import { covers, NOTHING, unite, type Holdings } from '../holdings.ts';
import { beginLog, chainAt, extendLog, jumpTo, type KnownLog, withCurrent } from './known-log.ts';
import type { OpenedEntry, OpenedLog, OpenedSnapshot } from './opened.ts';
import { fail } from './refusals.ts';
import { dismissOtherLogs, forget, hearAnswer, REMEMBERED, type Mailbox, settle, survey } from './state.ts';

export function hearRelay(
  mailbox: Mailbox,
  { epoch, head, current, log }: Extract<MailboxEvent, { type: 'told-by-relay' }>,
  effects: MailboxEffect[],
  moment: Moment,
): void {
  if (mailbox.deleted) return;
  const { log: known } = mailbox;
  if (!known || epoch !== known.epoch) {
    mailbox.mustPull = true;
    // A relay that speaks of the session answers for it.
    if (mailbox.unknown) mailbox.due.retry = null;
    return;
  }
  // Frames can be late: one that tells of less than is known says nothing.
  if (head < known.seq) return;
  mailbox.head = Math.max(mailbox.head, head);
  mailbox.log = withCurrent(known, current);
  if (head === known.seq) return;
  const follows =
    log && !mailbox.reading && log.base.seq <= known.seq && log.base.seq + log.entries.length === head;
  if (follows) read(mailbox, log, null, moment, effects);
  else mailbox.mustPull = true;
}

export function hearWriter(mailbox: Mailbox, position: Position, moment: Moment): void {
  const { log } = mailbox;
  if (mailbox.deleted) return;
  if (!log || position.epoch !== log.epoch) {
    // Theirs or ours is of a log that is no more; asking tells whose. Asking once will do for each.
    const isKnown = mailbox.gone.has(position.epoch) || mailbox.dismissed.has(position.epoch);
    if (!isKnown && !mailbox.told.some(({ epoch }) => epoch === position.epoch)) {
      mailbox.told = remember(mailbox.told, position);
    }
    return;
  }
  if (position.seq <= log.seq) {
    const chain = chainAt(log, position.seq);
    if (chain !== null && chain !== position.chain) contradict(mailbox, [position], 'relay/forked', moment);
  } else if (!mailbox.contradictions.has(keyOf(position)) && !mailbox.told.some(isSame(position))) {
    mailbox.told = remember(mailbox.told, position);
  }
}

/** Compares what came with what is known, and has applied what is new. */
export function read(
  mailbox: Mailbox,
  log: OpenedLog,
  pull: Mailbox['request'],
  moment: Moment,
  effects: MailboxEffect[],
): void {
  if (log.deleted) {
    if (pull) mailbox.request = null;
    hearAnswer(mailbox);
    mailbox.deleted = true;
    forget(mailbox, null, moment);
    mailbox.outbox = [];
    mailbox.mustPull = false;
    effects.push({ type: 'keep', part: 'outbox' });
    return;
  }
  if (mailbox.log && mailbox.log.epoch !== log.epoch) {
    forget(mailbox, log.epoch, moment);
    // This answer begins at its beginning.
    mailbox.mustPull = false;
  }
  if (mailbox.gone.has(log.epoch)) {
    mailbox.lied = 'relay/rolled-back';
    mailbox.gone = new Set([...mailbox.gone].filter((epoch) => epoch !== log.epoch));
  }
  const known = (mailbox.log ??= beginLog(log.epoch));
  const lie = contradictionOf(mailbox, known, log);
  const hasLost = pull?.reached?.epoch === log.epoch && log.head < pull.reached.seq;
  if (lie || hasLost) {
    if (pull) mailbox.request = null;
    hearAnswer(mailbox);
    mailbox.lied = lie ?? 'relay/rolled-back';
    forget(mailbox, log.epoch, moment);
    return;
  }
  const snapshot = usedSnapshot(known, log);
  if (log.base.seq > Math.max(known.seq, snapshot?.covers ?? 0)) {
    if (pull) fail(mailbox, 'relay/nonsense', null, moment);
    return;
  }
  const items = [...(snapshot ? [snapshot] : []), ...newEntries(known, log)].flatMap((item) => {
    const update =
      'update' in item ? item.update : item.content.kind === 'update' ? item.content.update : null;
    const sent = sentAs(mailbox, item.hash);
    const isNeeded = update && !mailbox.quarantine.has(item.hash) && !(sent && covers(mailbox.held, sent));
    return isNeeded ? [{ hash: item.hash, update }] : [];
  });
  mailbox.reading = { log, pulled: pull !== null };
  effects.push({ type: 'apply', items });
}

/** Whether the answer contradicts what this client knows itself. */
function contradictionOf(mailbox: Mailbox, known: KnownLog, log: OpenedLog): Mailbox['lied'] {
  const differs = (seq: number, chain: string) => {
    const own = chainAt(known, seq);
    return seq <= known.seq && own !== null && own !== chain;
  };
  const hashes = new Map(log.entries.map(({ seq, hash }) => [seq, hash]));
  const isBroken =
    differs(log.base.seq, log.base.chain) ||
    log.entries.some(({ seq, chain }) => differs(seq, chain)) ||
    (log.snapshot !== null && differs(log.snapshot.covers, log.snapshot.chain)) ||
    mailbox.ahead.some(({ seq, hash }) => (hashes.get(seq) ?? hash) !== hash);
  return isBroken ? 'relay/forked' : null;
}

/** What was read is in the document now. */
export function takeOver(
  mailbox: Mailbox,
  results: ReadonlyMap<string, Holdings | null>,
  moment: Moment,
  effects: MailboxEffect[],
): void {
  const { reading, log: before } = mailbox;
  mailbox.reading = null;
  const failed = [...results].flatMap(([hash, holdings]) => (holdings === null ? [hash] : []));
  if (failed.length > 0) mailbox.quarantine = new Set([...mailbox.quarantine, ...failed]);
  if (!reading || !before) return;
  const { log } = reading;
  let known = before;
  const contradicted: Position[] = [];
  const brought = (hash: string) => results.get(hash) ?? sentAs(mailbox, hash) ?? NOTHING;

  const snapshot = usedSnapshot(known, log);
  const fresh = newEntries(known, log);
  if (snapshot) {
    const there = log.entries.find(({ seq }) => seq === snapshot.covers);
    const isLed = log.base.seq <= known.seq && there !== undefined;
    if (isLed && there.chain !== snapshot.chain) contradicted.push(claimOf(snapshot, log));
    known = jumpTo(known, snapshot.covers, snapshot.chain);
    if (isQuarantined(mailbox, snapshot.hash)) known = { ...known, barrier: snapshot.covers };
    // What the log held up to here is now the snapshot's to hold. What that lacks is sent again ([SY15]).
    mailbox.coverage = brought(snapshot.hash);
    mailbox.documentBytes = snapshot.size;
    mailbox.ahead = mailbox.ahead.filter(({ seq }) => seq > snapshot.covers);
  }
  let added = NOTHING;
  const arrived = new Set<string>(log.entries.map(({ hash }) => hash));
  for (const entry of fresh) {
    if (entry.content.kind === 'dropped') mailbox.dropped += 1;
    if (entry.content.kind === 'update') added = unite(added, brought(entry.hash));
    contradicted.push(...claimsAgainst(known, entry));
    known = extendLog(known, entry.chain, entry.size);
    if (entry.content.kind === 'unknown' || isQuarantined(mailbox, entry.hash)) {
      known = { ...known, barrier: entry.seq };
    }
  }
  // An answer can be older than the frames that came before it.
  mailbox.log = log.head < known.seq ? known : withCurrent(known, log.current);
  const { seq } = known;
  mailbox.coverage = unite(mailbox.coverage, added);
  mailbox.ahead = mailbox.ahead.filter((ack) => ack.seq > seq);
  const waiting = mailbox.outbox.filter(({ hash }) => !arrived.has(hash));
  if (waiting.length < mailbox.outbox.length) {
    mailbox.outbox = waiting;
    effects.push({ type: 'keep', part: 'outbox' });
  }
  if (snapshot) survey(mailbox);
  else settle(mailbox, added);

  const reached = mailbox.told.filter((told) => told.epoch === known.epoch && told.seq <= seq);
  contradicted.push(...reached.filter((told) => (chainAt(known, told.seq) ?? told.chain) !== told.chain));
  mailbox.told = mailbox.told.filter((told) => !reached.includes(told));
  if (reading.pulled) finishPull(mailbox, log, before.seq < seq, contradicted, moment);
  else contradict(mailbox, contradicted, 'relay/forked', moment);
  effects.push({ type: 'keep', part: 'log' });
}

function finishPull(
  mailbox: Mailbox,
  log: OpenedLog,
  hasMoved: boolean,
  contradicted: readonly Position[],
  moment: Moment,
): void {
  const { request, log: known } = mailbox;
  if (!request || !known) return;
  mailbox.head = Math.max(log.head, known.seq);
  if (known.seq < log.head && !hasMoved) {
    // It says that there is more, and does not give it.
    fail(mailbox, 'relay/nonsense', null, moment);
    return;
  }
  mailbox.request = null;
  mailbox.failures = 0;
  hearAnswer(mailbox);
  // Those who told so before the question was asked have seen what the relay does not show.
  const isAtEnd = known.seq >= log.head;
  const hidden = isAtEnd
    ? request.told.filter(
        (told) => told.epoch === log.epoch && told.seq > log.head && mailbox.told.includes(told),
      )
    : [];
  if (isAtEnd) dismissOtherLogs(mailbox, request.told);
  if (isAtEnd) mailbox.told = mailbox.told.filter((told) => !request.told.includes(told));
  const hasForgotten =
    contradict(mailbox, contradicted, 'relay/forked', moment) ||
    contradict(mailbox, hidden, 'relay/rolled-back', moment);
  // The next part of the answer.
  if (!isAtEnd) mailbox.mustPull = true;
  if (!isAtEnd || hasForgotten) return;
  mailbox.caughtUp = true;
  mailbox.recovering = false;
}

/** Others have seen another log. Each contradiction is told once: it stays in the log, and is read again. */
function contradict(
  mailbox: Mailbox,
  claims: readonly Position[],
  lie: 'relay/forked' | 'relay/rolled-back',
  moment: Moment,
): boolean {
  const fresh = claims.filter((claim) => !mailbox.contradictions.has(keyOf(claim)));
  const { log } = mailbox;
  if (fresh.length === 0 || !log) return false;
  mailbox.contradictions = new Set([...mailbox.contradictions, ...fresh.map(keyOf)].slice(-REMEMBERED));
  mailbox.lied = lie;
  // What was read from the beginning just now is what the relay says today.
  if (mailbox.recovering) return false;
  forget(mailbox, log.epoch, moment);
  return true;
}

/** What an entry's maker had seen that this log does not have. */
function claimsAgainst(known: KnownLog, { seq, seen }: OpenedEntry): Position[] {
  if (!seen || seen.epoch !== known.epoch) return [];
  // Nobody has seen the log up to an envelope before having made it.
  const chain = seen.seq < seq ? chainAt(known, seen.seq) : '';
  return chain === null || chain === seen.chain ? [] : [seen];
}

function claimOf({ covers, chain }: OpenedSnapshot, { epoch }: OpenedLog): Position {
  return { epoch, seq: covers, chain };
}

function usedSnapshot(known: KnownLog, { snapshot }: OpenedLog): OpenedSnapshot | null {
  return snapshot && snapshot.covers > known.seq ? snapshot : null;
}

function newEntries(known: KnownLog, log: OpenedLog): readonly OpenedEntry[] {
  const after = usedSnapshot(known, log)?.covers ?? known.seq;
  return log.entries.filter(({ seq }) => seq > after);
}

function isQuarantined({ quarantine }: Mailbox, hash: string): boolean {
  return quarantine.has(hash);
}

/** What an envelope carries that was made here. */
function sentAs({ outbox, ahead }: Mailbox, hash: string): Holdings | null {
  return [...outbox, ...ahead].find((sent) => sent.hash === hash)?.holdings ?? null;
}

function keyOf({ epoch, seq, chain }: Position): string {
  return `${epoch}:${seq}:${chain}`;
}

function isSame(a: Position): (b: Position) => boolean {
  return (b) => keyOf(a) === keyOf(b);
}

function remember(told: readonly Position[], position: Position): Position[] {
  return [...told, position].slice(-REMEMBERED);
}
