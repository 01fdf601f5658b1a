import type { MailboxEffect, MailboxEvent, Moment } from './events.ts';
import { covers, NOTHING, type Holdings } from '../holdings.ts';
import { hearRelay, hearWriter, read, takeOver } from './reading.ts';
import { fail } from './refusals.ts';
import { acknowledge, act, change, finishCompaction, nextWake, schedule } from './sending.ts';
import { isSameStatus, statusOf } from './standing.ts';
import { DUE, isDue, type Mailbox, PACE, type Remembered, survey } from './state.ts';

export type { MailboxEffect, MailboxEvent, Moment } from './events.ts';
export { createMailbox, PACE, seenPosition } from './state.ts';
export type { Ahead, CompactionThreshold, Entry, Mailbox, Remembered } from './state.ts';

/**
 * Tells the mailbox client what happened and answers with what to do about it. It changes `mailbox`, performs nothing
 * itself, and throws for no input. The rules are those of docs/spec.md, [SY1] and after. One request at a time: the answers
 * then come in the order of the questions, and a head that goes back is the relay's doing and nobody else's.
 */
export function advanceMailbox(mailbox: Mailbox, event: MailboxEvent, moment: Moment): MailboxEffect[] {
  const effects: MailboxEffect[] = [];
  const { forgotten } = mailbox;
  keepTime(mailbox, moment.now);
  react(mailbox, event, moment, effects);
  if (mailbox.forgotten !== forgotten) effects.unshift({ type: 'keep', part: 'doubt' });
  if (mailbox.started) proceed(mailbox, moment, effects);
  return effects;
}

function react(mailbox: Mailbox, event: MailboxEvent, moment: Moment, effects: MailboxEffect[]): void {
  switch (event.type) {
    case 'started':
      start(mailbox, event.held, event.remembered);
      return;
    case 'changed':
      change(mailbox, event, moment);
      return;
    case 'woke':
      return;
    case 'online':
      mailbox.isOffline = false;
      mailbox.due.retry = null;
      mailbox.mustPull = true;
      return;
    case 'offline':
      mailbox.isOffline = true;
      giveUp(mailbox, effects);
      return;
    case 'up':
      if (mailbox.request?.isDoubtful) giveUp(mailbox, effects);
      // Whoever subscribes has reached the relay.
      mailbox.isLost = false;
      mailbox.isOffline = false;
      mailbox.due.retry = null;
      mailbox.mustPull = true;
      return;
    case 'down':
      mailbox.isLost = true;
      mailbox.due.check ??= mailbox.now + PACE.lostAtLeast + moment.random() * PACE.lostJitter;
      return;
    case 'flush':
      if (mailbox.due.own !== null) mailbox.due.own = mailbox.now;
      return;
    case 'told-by-relay':
      hearRelay(mailbox, event, effects, moment);
      return;
    case 'told-by-writer':
      hearWriter(mailbox, event.position, moment);
      return;
    case 'pulled':
      if (!mailbox.request) return;
      // It answers a question about a log that is not believed any more; the next one is waiting.
      if (mailbox.request.forgotten !== mailbox.forgotten) mailbox.request = null;
      else if (event.log) read(mailbox, event.log, mailbox.request, moment, effects);
      else fail(mailbox, 'relay/nonsense', null, moment);
      return;
    case 'applied':
      takeOver(mailbox, event.results, moment, effects);
      return;
    case 'sealed':
      mailbox.sealing = false;
      if (event.entry) mailbox.outbox = [...mailbox.outbox, event.entry];
      else if (event.isTooLarge) {
        mailbox.limit = 'relay/quota-exceeded';
        mailbox.due.send = mailbox.now + PACE.refusedPause;
      }
      return;
    case 'appended':
      acknowledge(mailbox, event.answer, event.chains, event.contradicted, moment, effects);
      return;
    case 'weighed':
      mailbox.request = null;
      mailbox.documentBytes = event.bytes;
      mailbox.due.compact = null;
      if (event.bytes === Infinity) mailbox.due.snapshot = mailbox.now + PACE.tooLargePause;
      return;
    case 'compacted':
      finishCompaction(mailbox, event.answer, event.id, moment, effects);
      return;
    case 'refused':
      fail(mailbox, event.code, event.retryAfter, moment);
      return;
    case 'waits':
      mailbox.isIncomplete = event.incomplete;
      return;
    case 'dropped':
      mailbox.dropped += event.count;
  }
}

function start(mailbox: Mailbox, held: Holdings, remembered: Remembered): void {
  mailbox.started = true;
  mailbox.held = held;
  mailbox.outbox = remembered.outbox;
  mailbox.quarantine = new Set(remembered.quarantine);
  mailbox.contradictions = new Set(remembered.contradictions);
  mailbox.gone = new Set(remembered.gone);
  // What was read was applied and committed before it was remembered. If it is not in the document, the device has lost
  // something, and only the log can bring it back.
  if (remembered.log && covers(held, remembered.coverage)) {
    mailbox.log = remembered.log;
    mailbox.coverage = remembered.coverage;
    mailbox.ahead = remembered.ahead;
    mailbox.head = remembered.log.seq;
    mailbox.recovering = false;
  }
  survey(mailbox);
  // Nobody knows any more who did what is not in the mailbox: it counts as done here.
  mailbox.mine = mailbox.role === 'writer' ? mailbox.lacking : NOTHING;
  mailbox.due.own = mailbox.now;
}

/** What is to be done next, and what the person and the clock are to be told. */
function proceed(mailbox: Mailbox, moment: Moment, effects: MailboxEffect[]): void {
  schedule(mailbox, moment);
  const isAtRest = mailbox.deleted || mailbox.isOffline;
  const isIdle = !mailbox.request && !mailbox.sealing && !mailbox.reading && !isAtRest;
  if (isIdle && isDue(mailbox, 'retry')) act(mailbox, effects);
  const wake = nextWake(mailbox, isIdle);
  if (wake !== mailbox.wake) {
    mailbox.wake = wake;
    effects.push({ type: 'wake', at: wake });
  }
  const status = statusOf(mailbox);
  if (!mailbox.status || !isSameStatus(mailbox.status, status)) {
    mailbox.status = status;
    effects.push({ type: 'status', status });
  }
}

/** What hangs would be waited for long after the relay is there again. What is answered already is only being applied. */
function giveUp(mailbox: Mailbox, effects: MailboxEffect[]): void {
  if (!mailbox.request || mailbox.request.isGivenUp || mailbox.reading?.pulled) return;
  mailbox.request = { ...mailbox.request, isGivenUp: true };
  effects.push({ type: 'give-up' });
}

/** Clocks are set back now and then: what was due in a minute is still due in a minute. */
function keepTime(mailbox: Mailbox, now: number): void {
  const back = mailbox.now - now;
  if (back > 0) {
    for (const key of DUE) {
      const at = mailbox.due[key];
      if (at !== null) mailbox.due[key] = at - back;
    }
    mailbox.lastAppend -= back;
    mailbox.wake = null;
  }
  mailbox.now = now;
}
