import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { watchCaches } from '../../test/cache-visits.ts';
import { LlmCache } from './cache-object.ts';

/** A cache that nobody else has. */
const newCache = () => env.LLM_CACHE.getByName(crypto.randomUUID());

type Cache = ReturnType<typeof newCache>;

/** The task of getting an answer that somebody was given. */
async function leadOf(entering: ReturnType<Cache['enter']>) {
  const entrance = await entering;
  if (entrance.state !== 'lead') throw new Error(`not to lead: ${entrance.state}`);
  return entrance.lead;
}

/** Keeps an answer of so many bytes. */
async function keep(cache: Cache, index: string, bytes = 10): Promise<void> {
  using lead = await leadOf(cache.enter(index));
  await lead.bring(new Uint8Array(bytes));
}

/** What somebody is told who comes now. */
async function told(cache: Cache, index: string): Promise<string> {
  using entrance = await cache.enter(index);
  return entrance.state;
}

const storageOf = (cache: Cache) =>
  runInDurableObject(cache, async (_, { storage }) => ({
    keys: [...storage.kv.list()].map(([key]) => key).sort(),
    alarm: await storage.getAlarm(),
  }));

const { untilEntered } = watchCaches();

describe('who waits', () => {
  it('[LLM17] enters again when the one who leads has none', async () => {
    const cache = newCache();
    const lead = await leadOf(cache.enter('a'));
    const waiting = [cache.enter('a'), cache.enter('a')];
    await untilEntered(3);
    lead[Symbol.dispose]();
    expect(await Promise.all(waiting)).toMatchObject([{ state: 'again' }, { state: 'again' }]);
    using next = await leadOf(cache.enter('a'));
    await next.bring(new Uint8Array(10));
    expect(await told(cache, 'a')).toBe('hit');
  });

  it('[LLM17] and is gone holds up nobody', async () => {
    const cache = newCache();
    const lead = await leadOf(cache.enter('a'));
    const gone = cache.enter('a');
    await untilEntered(2);
    // A call can be taken back, though its type does not say so.
    (gone as unknown as Disposable)[Symbol.dispose]();
    const waiting = cache.enter('a');
    await untilEntered(3);
    lead[Symbol.dispose]();
    expect(await waiting).toMatchObject({ state: 'again' });
    expect(await told(cache, 'a')).toBe('lead');
  });

  it('[LLM17] waits for one who leads no longer than the lease', async () => {
    await runInDurableObject(newCache(), async (_, ctx) => {
      const cache = new LlmCache(ctx, env, 1);
      const first = await cache.enter('a');
      expect(await cache.enter('a')).toEqual({ state: 'again' });
      const second = await cache.enter('a');
      if (first.state !== 'lead' || second.state !== 'lead') throw new Error('not to lead');
      // Whoever had it before ends nothing of the one who has it now, and still may bring the answer.
      const waiting = cache.enter('a');
      first.lead[Symbol.dispose]();
      await first.lead.bring(new Uint8Array(10));
      expect(await waiting).toMatchObject({ state: 'hit', waited: true });
      second.lead[Symbol.dispose]();
    });
  });

  it('[LLM17] is one of 32; another gets the answer alone, for all of them', async () => {
    const cache = newCache();
    using lead = await leadOf(cache.enter('a'));
    const waiting = Array.from({ length: 32 }, () => cache.enter('a'));
    await untilEntered(33);
    expect(await told(cache, 'a')).toBe('lead');
    // It had none, which changes nothing for those who wait.
    using alone = await leadOf(cache.enter('a'));
    await alone.bring(new Uint8Array(10));
    for (const entrance of await Promise.all(waiting)) {
      expect(entrance).toMatchObject({ state: 'hit', waited: true });
    }
    await lead.bring(new Uint8Array(20));
    expect(await cache.enter('a')).toMatchObject({ state: 'hit', sealed: new Uint8Array(20), waited: false });
  });

  it('[LLM17] gets an answer of more than 256 kB, too, which is not kept', async () => {
    const cache = newCache();
    using lead = await leadOf(cache.enter('a'));
    const waiting = cache.enter('a');
    await untilEntered(2);
    await lead.bring(new Uint8Array(256_001));
    expect(await waiting).toMatchObject({ state: 'hit', sealed: new Uint8Array(256_001) });
    expect(await storageOf(cache)).toEqual({ keys: [], alarm: null });
    await keep(cache, 'a', 256_000);
    expect(await told(cache, 'a')).toBe('hit');
  });
});

describe('what is kept', () => {
  it('[LLM17] are the last 64 answers', async () => {
    const cache = newCache();
    for (let i = 0; i < 66; i++) await keep(cache, `index-${i}`);
    const { keys } = await storageOf(cache);
    const kept = Array.from({ length: 64 }, (_, i) => `index-${i + 2}`);
    expect(keys).toEqual([...kept, 'kept'].sort());
    expect(await told(cache, 'index-1')).toBe('lead');
    expect(await told(cache, 'index-2')).toBe('hit');
  });

  it('[LLM17] an alarm deletes what is over, and then everything', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const start = Date.now();
    const cache = newCache();
    await keep(cache, 'a');
    vi.advanceTimersByTime(1_000);
    await keep(cache, 'b');
    expect(await storageOf(cache)).toEqual({ keys: ['a', 'b', 'kept'], alarm: start + 600_000 });
    vi.advanceTimersByTime(599_000);
    await runDurableObjectAlarm(cache);
    expect(await storageOf(cache)).toEqual({ keys: ['b', 'kept'], alarm: start + 601_000 });
    vi.advanceTimersByTime(1_000);
    await runDurableObjectAlarm(cache);
    expect(await storageOf(cache)).toEqual({ keys: [], alarm: null });
    await keep(cache, 'a');
    expect(await storageOf(cache)).toEqual({ keys: ['a', 'kept'], alarm: start + 1_201_000 });
  });

  it('[LLM17] an answer that comes again is kept anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const start = Date.now();
    const cache = newCache();
    await keep(cache, 'a');
    vi.advanceTimersByTime(600_000);
    // The alarm is late.
    await keep(cache, 'a');
    expect(await storageOf(cache)).toEqual({ keys: ['a', 'kept'], alarm: start + 1_200_000 });
  });

  it('[LLM17] nothing is stored of who only asks', async () => {
    const cache = newCache();
    const lead = await leadOf(cache.enter('a'));
    lead[Symbol.dispose]();
    expect(await storageOf(cache)).toEqual({ keys: [], alarm: null });
  });
});
