import { describe, expect, it } from 'vitest';
import { NOT_ASKED, type MailboxStatus } from '../sync/mailbox/ports.ts';
import { describeBroughtOver, describeDeletion } from './link-changes.ts';

const read: MailboxStatus = { ...NOT_ASKED, state: 'current' };

describe('in words', () => {
  it('[NL5] a deletion is called done only when it is, and says what is certain', () => {
    expect(describeDeletion('deleted')).toMatchObject({ done: true });
    for (const deletion of ['offline', 'later', 'refused'] as const) {
      const { done, words } = describeDeletion(deletion);
      expect([done, words]).toEqual([false, expect.stringContaining('Nothing has been deleted')]);
    }
    const { done, words } = describeDeletion('uncertain');
    expect([done, words]).toEqual([false, expect.stringContaining('not certain')]);
    expect(words).not.toContain('Nothing has been deleted');
  });

  it.each([
    ['merged', {}, true, 'What arrived in the old session is here now.'],
    ['nothing', {}, true, 'Nothing new has arrived in the old session.'],
    ['nothing', { state: 'unknown' }, true, 'Nothing new has arrived'],
    ['nothing', { state: 'starting', trouble: 'relay/deleted' }, true, 'Nothing new has arrived'],
    ['merged', { quarantined: 1 }, true, 'Something was left out'],
    ['merged', { incomplete: true }, true, 'Something was left out'],
    ['merged', { state: 'unreachable' }, false, 'it may have more'],
    ['nothing', { state: 'unreachable' }, false, 'The relay cannot be read'],
    ['nothing', { state: 'behind', trouble: 'relay/refused' }, false, 'The relay cannot be read'],
    ['newer', {}, false, 'A newer version'],
    ['unreadable', {}, false, 'cannot be read'],
  ] as const)('[NL4] %s with %o: done %s, “%s”', (merging, change, done, words) => {
    expect(describeBroughtOver(merging, { ...read, ...change })).toEqual({
      done,
      words: expect.stringContaining(words) as string,
    });
  });
});
