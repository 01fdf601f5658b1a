import { pauseBefore } from '../back-off.ts';
import type { Moment } from './events.ts';
import type { RefusalCode } from './ports.ts';
import { dismissOtherLogs, forget, hearAnswer, type Mailbox, PACE } from './state.ts';

/** Refusals that say nothing about the mailbox. */
const UNREACHED: ReadonlySet<RefusalCode> = new Set([
  'access/key-refused',
  'relay/unreachable',
  'relay/nonsense',
  'relay/unavailable',
  'relay/internal-error',
]);

export function fail(mailbox: Mailbox, code: RefusalCode, retryAfter: number | null, moment: Moment): void {
  const { kind = 'pull', entries: sent = [], isGivenUp = false } = mailbox.request ?? {};
  mailbox.request = null;
  mailbox.reading = null;
  if (kind === 'pull') mailbox.mustPull = true;
  // It was this client that did not wait: that says nothing about the relay.
  if (isGivenUp && code === 'relay/unreachable') return;
  const backOff = () => {
    const pause = pauseBefore(mailbox.failures, moment.random);
    mailbox.failures += 1;
    mailbox.due.retry = mailbox.now + Math.max(pause, retryAfter ?? 0);
  };
  const pause = () => {
    const jitter = PACE.refusedPause * (0.5 + moment.random() / 2);
    return mailbox.now + Math.max(jitter, retryAfter ?? 0);
  };
  const wasReached = !UNREACHED.has(code);
  if (wasReached) hearAnswer(mailbox);
  switch (code) {
    case 'access/key-refused':
      // Whatever else is asked is answered in the same way.
      mailbox.isKeptOut = true;
      mailbox.unreachableSince ??= mailbox.now;
      backOff();
      return;
    case 'relay/unreachable':
    case 'relay/nonsense':
    case 'relay/unavailable':
    case 'relay/internal-error':
      mailbox.unreachableSince ??= mailbox.now;
      backOff();
      return;
    case 'mailbox/not-found':
      if (kind === 'pull' && mailbox.role === 'writer') {
        // Nobody has written yet, or nothing is left: the first append makes the log.
        mailbox.failures = 0;
        if (mailbox.log) forget(mailbox, null, moment);
        mailbox.mustPull = false;
        mailbox.caughtUp = true;
        mailbox.recovering = false;
        dismissOtherLogs(mailbox, mailbox.told);
        mailbox.told = [];
        return;
      }
      mailbox.unknown = true;
      backOff();
      return;
    case 'mailbox/stale-snapshot':
      mailbox.due.compact = null;
      mailbox.mustPull = true;
      return;
    case 'mailbox/conflict': {
      // Its id is taken by other bytes, which these can never replace: what it carries is sealed anew.
      const refused = new Set(sent.map(({ hash }) => hash));
      mailbox.outbox = mailbox.outbox.filter(({ hash }) => !refused.has(hash));
      mailbox.mustPull = true;
      mailbox.due.own ??= mailbox.now;
      backOff();
      return;
    }
    case 'mailbox/quota-exceeded':
    case 'relay/budget-spent':
    case 'mailbox/too-fast':
      mailbox.limit = code === 'mailbox/quota-exceeded' ? 'relay/quota-exceeded' : 'relay/budget-spent';
      if (kind === 'pull') {
        backOff();
        return;
      }
      // One attempt at a snapshot for every time that the quota refuses an append.
      mailbox.squeeze = kind === 'append' && code === 'mailbox/quota-exceeded';
      mailbox.due.send = pause();
      // Past a quota a snapshot makes room, unless it is what was refused. Past a budget it only costs more.
      if (kind === 'compact' || code !== 'mailbox/quota-exceeded') {
        mailbox.due.compact = null;
        mailbox.due.snapshot = mailbox.due.send;
      }
      return;
    case 'mailbox/deleted':
      // Only the writer's own tombstone counts, and a pull brings it ([SY12]).
      mailbox.mustPull = true;
      backOff();
      return;
    case 'mailbox/too-large':
      if (kind === 'compact') {
        mailbox.due.compact = null;
        mailbox.due.snapshot = mailbox.now + PACE.tooLargePause;
        return;
      }
      mailbox.oneByOne = true;
      mailbox.refused = sent.length <= 1;
      backOff();
      return;
    default:
      mailbox.refused = true;
      backOff();
  }
}
