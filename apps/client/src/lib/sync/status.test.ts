import { describe, expect, test } from 'vitest';
import { describeSync, describeWaiting, type SyncFacts } from './status.ts';

const calm: SyncFacts = {
  device: 'saved',
  online: true,
  hub: 'connected',
  others: 0,
  waiting: false,
  looking: false,
};

describe('sync status', () => {
  test.each<[Partial<SyncFacts>, string]>([
    [{}, 'On this device'],
    [{ others: 1 }, 'On this device · connected to 1 person'],
    [{ others: 7 }, 'On this device · connected to 7 people'],
    [{ online: false }, 'On this device · offline'],
    [{ hub: 'unreachable' }, 'On this device'],
    [{ device: 'saving' }, 'Saving'],
    [{ device: 'saving', others: 2 }, 'Saving · connected to 2 people'],
    [{ device: 'device/full' }, 'Not saved: storage is full'],
    [{ device: 'device/failed', online: false }, 'Not saved · offline'],
    [{ device: 'device/unavailable', others: 1 }, 'Only in this tab · connected to 1 person'],
    [{ waiting: true }, 'Waiting'],
    [{ waiting: true, online: false }, 'Waiting · offline'],
  ])('%j is called %j', (facts, label) => {
    expect(describeSync({ ...calm, ...facts }).label).toBe(label);
  });

  test('only a committed change fills the ring', () => {
    for (const device of ['saving', 'device/full', 'device/failed', 'device/unavailable'] as const) {
      expect(describeSync({ ...calm, device, others: 3 }).onDevice).toBe(false);
    }
    expect(describeSync({ ...calm, waiting: true }).onDevice).toBe(false);
    expect(describeSync(calm).onDevice).toBe(true);
  });

  test('that others are connected is never called synced, saved or received', () => {
    const status = describeSync({ ...calm, device: 'device/failed', others: 3 });
    expect(status.tone).toBe('danger');
    expect(`${status.label} ${status.people} ${status.relay}`).not.toMatch(
      /synced|received|up to date|backed up/i,
    );
  });

  test('the relay is not said to be reached when it is not', () => {
    for (const facts of [{ hub: 'unreachable' }, { hub: 'connecting' }, { online: false }] as const) {
      expect(describeSync({ ...calm, ...facts }).relay).not.toMatch(/^Reached/);
    }
    expect(describeSync(calm).relay).toMatch(/^Reached/);
  });

  test.each<[Partial<SyncFacts>, string]>([
    [{}, 'Nobody who has this session is online right now.'],
    [{ looking: true }, 'Looking for somebody who has this session.'],
    [{ hub: 'connecting' }, 'Looking for somebody who has this session.'],
    [{ hub: 'unreachable' }, 'The relay cannot be reached.'],
    [{ hub: 'unreachable', looking: true }, 'The relay cannot be reached.'],
    [{ others: 2, hub: 'unreachable' }, 'Receiving the session.'],
    [{ online: false }, 'You are offline.'],
  ])('a newcomer for whom %j is told %j', (facts, what) => {
    expect(describeWaiting({ ...calm, waiting: true, ...facts }).what).toBe(what);
  });
});
