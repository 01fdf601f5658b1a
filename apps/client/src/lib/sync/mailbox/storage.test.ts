import { describe, expect, test } from 'vitest';
import { MemoryStorage } from './storage.ts';

// What is kept in IndexedDB is tested in a browser: e2e/mailbox.spec.ts.
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
