import { describe, expect, test } from 'vitest';
import { catalogue } from '../session/error-sentences.ts';
import type { MailboxStatus, MailboxTrouble } from './mailbox/ports.ts';
import { describeDetails, describeWaiting } from './status-details.ts';
import { describeSync, type SyncFacts } from './status.ts';

const synced: MailboxStatus = {
  state: 'current',
  onRelay: true,
  unreachableSince: null,
  trouble: null,
  quarantined: 0,
  dropped: 0,
};

const calm: SyncFacts = {
  device: 'saved',
  online: true,
  hub: 'connected',
  mailbox: synced,
  viewing: false,
  others: 0,
  waiting: false,
  looking: false,
};

type Changes = Partial<Omit<SyncFacts, 'mailbox'>> & { mailbox?: Partial<MailboxStatus> };

function having({ mailbox, ...facts }: Changes): SyncFacts {
  return { ...calm, ...facts, mailbox: { ...synced, ...mailbox } };
}

const describeAt = (changes: Changes) => ({
  ...describeSync(having(changes), () => '14:05'),
  ...describeDetails(having(changes), () => '14:05'),
});

const troubles = Object.keys(catalogue).filter((code) => code.startsWith('relay/')) as MailboxTrouble[];

describe('sync status', () => {
  test.each<[Changes, string]>([
    [{}, 'On this device · on the relay'],
    [{ others: 1 }, 'On this device · on the relay · connected to 1 person'],
    [{ others: 7 }, 'On this device · on the relay · connected to 7 people'],
    [{ online: false }, 'On this device · offline'],
    [{ hub: 'unreachable' }, 'On this device · on the relay'],
    [{ device: 'saving', mailbox: { onRelay: false } }, 'Saving · waiting for the relay'],
    [{ mailbox: { onRelay: false } }, 'On this device · waiting for the relay'],
    [{ mailbox: { onRelay: false, state: 'unknown' } }, 'On this device · waiting for the relay'],
    [{ mailbox: { onRelay: false, state: 'starting' } }, 'On this device'],
    [{ mailbox: { state: 'behind' } }, 'On this device · receiving'],
    [
      { mailbox: { state: 'unreachable', unreachableSince: 1 } },
      'On this device · relay unreachable since 14:05',
    ],
    [{ mailbox: { trouble: 'relay/quota-exceeded', onRelay: false } }, 'On this device · relay: full'],
    [{ mailbox: { trouble: 'relay/deleted' } }, 'On this device · deleted from the relay'],
    [{ mailbox: { trouble: 'relay/forked' } }, 'On this device · relay contradicts itself'],
    [{ device: 'device/full' }, 'Not saved: storage is full · on the relay'],
    [{ device: 'device/failed', online: false }, 'Not saved · offline'],
    [{ device: 'device/unavailable', others: 1 }, 'Only in this tab · on the relay · connected to 1 person'],
    [{ waiting: true }, 'Waiting'],
    [{ waiting: true, online: false }, 'Waiting · offline'],
    [{ waiting: true, mailbox: { state: 'behind' } }, 'Waiting · receiving'],
    [{ viewing: true }, 'On this device · on the relay'],
    [{ viewing: true, mailbox: { state: 'unknown' } }, 'On this device · not on the relay'],
  ])('%j is called %j', (changes, label) => {
    expect(describeAt(changes).label).toBe(label);
  });

  test('only a committed change fills the first arc', () => {
    for (const device of ['saving', 'device/full', 'device/failed', 'device/unavailable'] as const) {
      expect(describeAt({ device, others: 3 }).onDevice).toBe(false);
    }
    expect(describeAt({ waiting: true }).onDevice).toBe(false);
    expect(describeAt({}).onDevice).toBe(true);
  });

  test('[SY19] only what the relay has acknowledged fills its arc', () => {
    expect(describeAt({}).relayArc).toBe('filled');
    // What was acknowledged stays so while nobody can be asked.
    expect(describeAt({ online: false }).relayArc).toBe('filled');
    for (const state of ['behind', 'current', 'unknown', 'unreachable'] as const) {
      expect([state, describeAt({ mailbox: { state, onRelay: false } }).relayArc]).toEqual([
        state,
        'waiting',
      ]);
    }
    expect(describeAt({ mailbox: { state: 'starting', onRelay: false } }).relayArc).toBe('empty');
    expect(describeAt({ waiting: true }).relayArc).toBe('empty');
  });

  test('[SY19] a viewer’s is filled only while this device has all that the relay has told of', () => {
    for (const state of ['starting', 'behind', 'unknown', 'unreachable'] as const) {
      expect(describeAt({ viewing: true, mailbox: { state } }).relayArc).not.toBe('filled');
    }
    expect(describeAt({ viewing: true, mailbox: { onRelay: false } }).relayArc).toBe('filled');
  });

  test('[SY9] [SY12] [SY19] a relay that contradicts itself or has deleted the session has nothing', () => {
    for (const trouble of ['relay/forked', 'relay/rolled-back'] as const) {
      expect(describeAt({ mailbox: { trouble } }).relayArc).toBe('danger');
    }
    expect(describeAt({ mailbox: { trouble: 'relay/deleted' } }).relayArc).toBe('empty');
  });

  test('[SY19] “on the relay” is not said of what it has not acknowledged', () => {
    for (const state of ['starting', 'behind', 'current', 'unknown', 'unreachable'] as const) {
      for (const online of [true, false]) {
        for (const trouble of [null, ...troubles]) {
          const { label, relay } = describeAt({ online, mailbox: { state, trouble, onRelay: false } });
          expect(label).not.toMatch(/· on the relay/);
          expect(relay).not.toMatch(/is on the relay/);
        }
      }
    }
    expect(describeAt({}).relay).toMatch(/is on the relay/);
  });

  test('that others are connected is never called synced, saved or received', () => {
    const status = describeAt({ device: 'device/failed', others: 3, mailbox: { onRelay: false } });
    expect(status.tone).toBe('danger');
    expect(`${status.label} ${status.people} ${status.relay}`).not.toMatch(
      /synced|received|up to date|backed up/i,
    );
  });

  test('each trouble has its own words: what is so, and what is safe or to be done', () => {
    expect(troubles).toHaveLength(7);
    for (const trouble of troubles) {
      const { relay } = describeAt({ mailbox: { trouble, onRelay: false } });
      if (trouble === 'relay/quarantined') continue;
      expect(relay).toContain(catalogue[trouble].what);
      expect(relay).toContain(catalogue[trouble].next);
    }
  });

  test('[LK11] a viewer is promised nothing about what they write', () => {
    for (const state of ['starting', 'behind', 'current', 'unknown', 'unreachable'] as const) {
      for (const online of [true, false]) {
        const facts = having({ viewing: true, online, others: 2, mailbox: { state, onRelay: false } });
        const { device, people, relay } = describeDetails(facts);
        expect(`${device} ${people} ${relay}`).not.toMatch(/you write|last change/);
      }
    }
  });

  test('[SY8] what came and was not what it claimed to be is told in the details, and only then', () => {
    expect(describeAt({}).refused).toBe('');
    expect(describeAt({ mailbox: { dropped: 1 } }).refused).toMatch(/^One message was not/);
    expect(describeAt({ mailbox: { dropped: 12 } }).refused).toMatch(/^12 messages were not/);
  });

  test('since when the relay is silent is said in the details', () => {
    const mailbox = { state: 'unreachable', unreachableSince: 1, onRelay: false } as const;
    expect(describeAt({ mailbox }).relay).toBe(
      'It has not answered since 14:05. What it lacks is kept on this device and sent by itself.',
    );
  });

  test.each<[Changes, string]>([
    [{ online: false }, 'You are offline.'],
    [{ online: false, mailbox: { state: 'unreachable' } }, 'You are offline.'],
    [{ mailbox: { state: 'starting' } }, 'Looking for the session.'],
    [{ mailbox: { state: 'unknown' }, looking: true }, 'Looking for the session.'],
    [{ mailbox: { state: 'unknown' } }, 'The relay has nothing of this session yet.'],
    [{ mailbox: { state: 'current' } }, 'The relay has nothing of this session yet.'],
    [{ mailbox: { state: 'unknown' }, viewing: true }, 'The relay does not know this view link.'],
    [
      { mailbox: { state: 'unknown' }, viewing: true, looking: true },
      'The relay does not know this view link.',
    ],
    [{ mailbox: { state: 'current' }, viewing: true }, 'The relay has nothing of this session yet.'],
    [{ mailbox: { state: 'unreachable' } }, 'The relay cannot be reached.'],
    [{ mailbox: { state: 'unreachable' }, viewing: true }, 'The relay cannot be reached.'],
    [{ mailbox: { state: 'behind' } }, 'Receiving the session.'],
    [{ mailbox: { state: 'unreachable' }, others: 2 }, 'Receiving the session.'],
    // Others cannot give a viewer anything but through the relay.
    [{ mailbox: { state: 'unreachable' }, others: 2, viewing: true }, 'The relay cannot be reached.'],
    [{ mailbox: { trouble: 'relay/deleted' } }, 'This session has been deleted from the relay.'],
    [{ mailbox: { trouble: 'relay/refused' } }, catalogue['relay/refused'].what],
  ])('a newcomer for whom %j is told %j', (changes, what) => {
    expect(describeWaiting(having({ waiting: true, ...changes })).what).toBe(what);
  });
});
