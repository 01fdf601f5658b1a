import type { Merging } from '../session/rotation.ts';
import type { Deletion } from '../sync/mailbox/deleting.ts';
import type { MailboxStatus } from '../sync/mailbox/ports.ts';

/** What came of something that a person has asked for, in words. What is not done can be tried again. */
export interface Outcome {
  readonly done: boolean;
  readonly words: string;
}

export function describeDeletion(deletion: Deletion | 'offline'): Outcome {
  return { done: deletion === 'deleted', words: deletions[deletion] };
}

const deletions: Record<Deletion | 'offline', string> = {
  deleted: 'The relay keeps nothing of this session any more. Your copy on this device stays.',
  offline: 'You are offline. Nothing has been deleted: try again when you are back.',
  uncertain:
    'The relay does not answer, so it is not certain whether it has deleted the session. Trying again does no harm.',
  later: 'The relay takes nothing more at the moment: its allowance is used up. Nothing has been deleted.',
  refused:
    'The relay has refused. Nothing has been deleted. Check that the date and time of this device are right.',
};

/** What to tell of what was brought over, and of how reading the old session on the relay ended. */
export function describeBroughtOver(merging: Merging, relay: MailboxStatus): Outcome {
  if (merging === 'newer') {
    return {
      done: false,
      words:
        'A newer version of Parley has worked on the old session. Nothing has been brought over: reload until the new version is here.',
    };
  }
  if (merging === 'unreadable') {
    return {
      done: false,
      words: 'What is in the old session cannot be read. Nothing has been brought over.',
    };
  }
  const isRead = relay.state === 'current' || relay.state === 'unknown' || relay.trouble === 'relay/deleted';
  const isMerged = merging === 'merged';
  if (!isRead) {
    return {
      done: false,
      words: isMerged
        ? 'What had arrived on this device has been brought over. The relay cannot be read at the moment: it may have more.'
        : 'The relay cannot be read at the moment. On this device nothing new has arrived in the old session.',
    };
  }
  const words = isMerged
    ? 'What arrived in the old session is here now.'
    : 'Nothing new has arrived in the old session.';
  const left =
    relay.incomplete || relay.quarantined > 0
      ? ' Something was left out, because it cannot be read yet.'
      : '';
  return { done: true, words: words + left };
}
