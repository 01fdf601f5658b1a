import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import { describe, expect, it } from 'vitest';
import { countPulled, planPull } from './pull-plan.ts';

const reach = { epoch: 'e', head: 100, hashesAfter: 20, bodiesAfter: 50, covers: 70 };

describe('where an answer begins', () => {
  it.each<[string, number, string | null, ReturnType<typeof planPull>]>([
    ['within reach of the bodies', 50, 'e', { from: 50, hasSnapshot: false, hashesTo: 0 }],
    ['further back', 49, 'e', { from: 49, hasSnapshot: true, hashesTo: 70 }],
    ['as far back as hashes are known', 20, 'e', { from: 20, hasSnapshot: true, hashesTo: 70 }],
    ['further back than hashes are known', 19, 'e', { from: 70, hasSnapshot: true, hashesTo: 70 }],
    ['at the beginning', 0, 'e', { from: 70, hasSnapshot: true, hashesTo: 70 }],
    ['in another log', 80, 'f', { from: 70, hasSnapshot: true, hashesTo: 70 }],
    ['in no log', 80, null, { from: 70, hasSnapshot: true, hashesTo: 70 }],
    ['ahead of the log', 101, 'e', { from: 100, hasSnapshot: false, hashesTo: 0 }],
  ])('[MB8] [MB9] %s', (_, after, epoch, plan) => {
    expect(planPull(reach, after, epoch)).toEqual(plan);
  });

  it('[MB9] a log without a snapshot begins at its beginning', () => {
    const young = { ...reach, hashesAfter: 0, bodiesAfter: 0, covers: null };
    expect(planPull(young, 7, 'f')).toEqual({ from: 0, hasSnapshot: false, hashesTo: 0 });
  });

  it('[MB9] hashes that are too many for one answer are left out', () => {
    const { pullHashes } = MAILBOX_LIMITS;
    const long = { ...reach, head: 90_000, hashesAfter: 0, bodiesAfter: 30_000, covers: 40_000 };
    expect(planPull(long, 40_000 - pullHashes, 'e').from).toBe(40_000 - pullHashes);
    expect(planPull(long, 40_000 - pullHashes - 1, 'e').from).toBe(40_000);
  });
});

describe('how much is in an answer', () => {
  const { pullBytes, pullEntries } = MAILBOX_LIMITS;

  it('[MB8] as many entries as the limits allow', () => {
    expect(countPulled([1, pullBytes - 1, 1], 0)).toBe(2);
    expect(countPulled(Array<number>(pullEntries + 5).fill(1), 0)).toBe(pullEntries);
    expect(countPulled([], 0)).toBe(0);
  });

  it('[MB8] at least one', () => {
    expect(countPulled([pullBytes + 1, 1], 0)).toBe(1);
  });

  it('[MB9] all hashes, which take no bytes', () => {
    expect(countPulled([pullBytes, pullBytes, pullBytes + 1, 1], 2)).toBe(3);
    expect(countPulled(Array<number>(pullEntries + 5).fill(1), pullEntries + 5)).toBe(pullEntries + 5);
    expect(countPulled(Array<number>(2 * pullEntries).fill(1), 5)).toBe(pullEntries + 5);
  });
});
