import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SimulatedDatabases } from '../simulated-database.ts';
import { MemoryStorage, openMailboxStorage, StorageTakenOver } from './storage.ts';

describe('storage for a tab', () => {
  test('gives back what was written last, part by part', async () => {
    const storage = new MemoryStorage<{ log: { seq: number }; outbox: Uint8Array[] }>('a');
    expect(await storage.read()).toEqual({});
    await storage.write({ log: { seq: 1 }, outbox: [Uint8Array.of(1)] });
    await storage.write({ log: { seq: 2 } });
    expect(await storage.read()).toEqual({ log: { seq: 2 }, outbox: [Uint8Array.of(1)] });
  });

  test('keeps a copy: what is changed afterwards, here or there, is not written', async () => {
    const storage = new MemoryStorage<{ outbox: number[] }>('b');
    const outbox = [1];
    await storage.write({ outbox });
    outbox.push(2);
    (await storage.read()).outbox?.push(3);
    expect(await storage.read()).toEqual({ outbox: [1] });
  });

  test('[SY16] lasts until the session is opened anew in the same tab, and is of that session only', async () => {
    const storage = new MemoryStorage<{ quarantine: string[] }>('c');
    await storage.write({ quarantine: ['hash'] });
    storage.close();
    expect(await new MemoryStorage('c').read()).toEqual({ quarantine: ['hash'] });
    expect(await new MemoryStorage('d').read()).toEqual({});
  });
});

interface Kept {
  log: { seq: number };
  outbox: number[];
}

describe('storage on the device', () => {
  let databases = new SimulatedDatabases();

  beforeEach(() => {
    databases = new SimulatedDatabases();
    vi.stubGlobal('indexedDB', databases.factory);
  });

  afterEach(() => vi.unstubAllGlobals());

  test('[TB10] whoever takes it over finds all, and whoever had it writes nothing more, in whole or in part', async () => {
    const first = await openMailboxStorage<Kept>('session');
    await first.write({ log: { seq: 1 }, outbox: [1] });
    const second = await openMailboxStorage<Kept>('session');
    expect(await second.read()).toEqual({ log: { seq: 1 }, outbox: [1] });
    await second.write({ outbox: [1, 2] });
    await expect(first.write({ log: { seq: 9 }, outbox: [] })).rejects.toThrow(StorageTakenOver);
    expect(await second.read()).toEqual({ log: { seq: 1 }, outbox: [1, 2] });
    await second.write({ log: { seq: 2 } });
    expect(await second.read()).toEqual({ log: { seq: 2 }, outbox: [1, 2] });
  });

  test('[TB10] what was being written when it was taken over is there before, or not at all', async () => {
    const first = await openMailboxStorage<Kept>('session');
    const writing = first.write({ log: { seq: 5 } });
    const second = await openMailboxStorage<Kept>('session');
    await writing;
    expect(await second.read()).toEqual({ log: { seq: 5 } });
  });

  test('[TB10] one with a view link and one with the edit link have parts of their own', async () => {
    const editor = await openMailboxStorage<Kept>('session', 'edit');
    const viewer = await openMailboxStorage<Kept>('session', 'view');
    await editor.write({ log: { seq: 1 } });
    await viewer.write({ log: { seq: 2 } });
    expect(await editor.read()).toEqual({ log: { seq: 1 } });
    expect(await viewer.read()).toEqual({ log: { seq: 2 } });
  });

  test('what an earlier version kept is an editor’s', async () => {
    const before = await openMailboxStorage<Kept>('session');
    await before.write({ log: { seq: 7 } });
    expect([...databases.contents('parley/mailbox/session', 'parts').keys()]).toContain('log');
  });

  test('where the browser gives no database it lasts as long as the tab', async () => {
    vi.stubGlobal('indexedDB', {
      open: () => {
        throw new DOMException('blocked', 'SecurityError');
      },
    });
    const storage = await openMailboxStorage<Kept>('blocked');
    await storage.write({ log: { seq: 3 } });
    expect(await (await openMailboxStorage<Kept>('blocked')).read()).toEqual({ log: { seq: 3 } });
  });
});
