import { isNothing } from '../holdings.ts';
import type { MailboxStatus, MailboxTrouble } from './ports.ts';
import type { Mailbox } from './state.ts';

function stateOf({
  log,
  head,
  told,
  answered,
  unknown,
  caughtUp,
  unreachableSince,
  deleted,
}: Mailbox): MailboxStatus['state'] {
  // There is nothing that could still come from it.
  if (deleted) return 'current';
  if (unreachableSince !== null) return 'unreachable';
  if (unknown) return 'unknown';
  if (!answered) return 'starting';
  const isBehind = log !== null && (head > log.seq || told.some(({ epoch }) => epoch === log.epoch));
  return caughtUp && !isBehind ? 'current' : 'behind';
}

export function statusOf(mailbox: Mailbox): MailboxStatus {
  return {
    state: stateOf(mailbox),
    onRelay: !mailbox.deleted && (mailbox.role === 'reader' || isNothing(mailbox.lacking)),
    unreachableSince: mailbox.unreachableSince,
    trouble: troubleOf(mailbox),
    quarantined: mailbox.quarantine.size,
    dropped: mailbox.dropped,
    incomplete: mailbox.isIncomplete,
  };
}

function troubleOf(mailbox: Mailbox): MailboxTrouble | null {
  if (mailbox.deleted) return 'relay/deleted';
  if (mailbox.isKeptOut) return 'relay/private';
  if (mailbox.lied) return mailbox.lied;
  if (mailbox.limit) return mailbox.limit;
  if (mailbox.refused) return 'relay/refused';
  return mailbox.quarantine.size > 0 ? 'relay/quarantined' : null;
}

export function isSameStatus(a: MailboxStatus, b: MailboxStatus): boolean {
  return (
    a.state === b.state &&
    a.onRelay === b.onRelay &&
    a.unreachableSince === b.unreachableSince &&
    a.trouble === b.trouble &&
    a.quarantined === b.quarantined &&
    a.dropped === b.dropped &&
    a.incomplete === b.incomplete
  );
}
