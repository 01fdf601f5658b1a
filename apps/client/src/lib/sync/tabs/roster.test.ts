import { describe, expect, it, vi } from 'vitest';
import type { OpenTab } from './messages.ts';
import { Roster } from './roster.ts';

const self: OpenTab = { tab: 'me', kind: 'edit', client: 1, sender: 'a' };
const other: OpenTab = { tab: 'other', kind: 'edit', client: 2, sender: 'b' };

function openRoster(isLeading: boolean) {
  const [onGone, onFoundGone, onTabs] = [vi.fn(), vi.fn(), vi.fn()];
  const roster = new Roster({
    ...{ self, locks: null, onGone, onFoundGone, onTabs },
    lockOf: (tab) => tab,
    isLeading: () => isLeading,
  });
  return { roster, onGone, onFoundGone, onTabs };
}

describe('the other tabs', () => {
  it('[TB8] one that ends is gone, also where nobody had heard of it but through others', () => {
    const { roster, onGone, onTabs } = openRoster(false);
    roster.forget('other', 2);
    expect(onGone).toHaveBeenCalledExactlyOnceWith(2);
    roster.hearOf(other);
    expect(roster.alike).toEqual([self]);
    expect(onTabs).not.toHaveBeenCalled();
    expect(roster.goneClients).toEqual([2]);
  });

  it('[TB5] the leader says again that one has ended to who still tells of it, and nobody else does', () => {
    for (const isLeading of [true, false]) {
      const { roster, onFoundGone } = openRoster(isLeading);
      roster.forget('other', 2);
      roster.hearOf(other);
      expect(onFoundGone).toHaveBeenCalledTimes(isLeading ? 1 : 0);
    }
  });

  it('[TB7] one that comes back is there again', () => {
    const { roster, onTabs } = openRoster(false);
    roster.meet(other);
    roster.forget('other', 2);
    roster.meet(other);
    expect(roster.alike).toEqual([self, other]);
    expect(roster.goneClients).toEqual([]);
    expect(onTabs).toHaveBeenCalledTimes(3);
  });
});
