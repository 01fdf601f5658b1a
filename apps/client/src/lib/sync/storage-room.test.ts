import { describe, expect, it } from 'vitest';
import { askForRoom, isNearlyFull } from './storage-room.ts';

const manager = (estimate: () => Promise<StorageEstimate>, persisted = true) =>
  ({ estimate, persisted: () => Promise.resolve(persisted) }) as StorageManager;

describe('the room on this device', () => {
  it('is what the browser says', async () => {
    const storage = manager(() => Promise.resolve({ usage: 5, quota: 100 }), false);
    expect(await askForRoom(storage)).toEqual({ used: 5, quota: 100, persisted: false });
  });

  it.each<[string, StorageManager | undefined]>([
    ['has no storage manager, as over plain http', undefined],
    ['says nothing', manager(() => Promise.resolve({}))],
    ['gives nothing', manager(() => Promise.resolve({ usage: 0, quota: 0 }))],
    ['refuses', manager(() => Promise.reject(new TypeError('blocked')))],
  ])('is not known where the browser %s', async (_, storage) => {
    expect(await askForRoom(storage)).toBeNull();
  });

  it.each([
    [0, 1_000_000_000, false],
    [979_000_000, 1_000_000_000, false],
    [981_000_000, 1_000_000_000, true],
    [1_000_000_000, 1_000_000_000, true],
    // A small one is not nearly full all the time.
    [5_000_000, 10_000_000, false],
    [9_600_000, 10_000_000, true],
  ])('%d of %d bytes used is nearly full: %j', (used, quota, is) => {
    expect(isNearlyFull({ used, quota, persisted: true })).toBe(is);
  });
});
