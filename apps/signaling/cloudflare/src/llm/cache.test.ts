import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { watchCaches } from '../../test/cache-visits.ts';
import { answerOnce, type Answered, type Got } from './cache.ts';

const bytesOf = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

/** The text of an answer, and where it was from. */
const told = ({ bytes, source }: Answered) => [new TextDecoder().decode(bytes), source];

/** A session that nobody else has. */
class Session {
  readonly id = crypto.randomUUID().replaceAll('-', '').slice(0, 22);
  readonly cache = env.LLM_CACHE.getByName(this.id);
  readonly #later: Promise<void>[] = [];

  ask(question: string, get: () => Promise<Got>): Promise<Answered> {
    const later = (work: Promise<void>) => void this.#later.push(work);
    return answerOnce({ cache: this.cache, sessionId: this.id, request: bytesOf(question), get, later });
  }

  /** What goes on after the answers has been done. */
  async settle(): Promise<void> {
    await Promise.all(this.#later);
  }
}

/** Somebody who answers when told to. */
function provider() {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  return {
    get: vi.fn(() => promise),
    answer: (text: string, keep = true) => resolve({ bytes: bytesOf(text), keep }),
    fail: (reason: string) => reject(new Error(reason)),
  };
}

const answering = (text: string, keep = true) => vi.fn(async () => ({ bytes: bytesOf(text), keep }));

const unasked = () => vi.fn(async () => Promise.reject<Got>(new Error('asked again')));

const { indices, untilEntered } = watchCaches();

describe('at once', () => {
  it('[LLM17] those who ask the same get the one answer, and so does who asks later', async () => {
    const session = new Session();
    const { get, answer } = provider();
    const asked = [session.ask('Where?', get), session.ask('Where?', get), session.ask('Where?', get)];
    await untilEntered(3);
    answer('There.');
    expect((await Promise.all(asked)).map(told).sort()).toEqual([
      ['There.', 'new'],
      ['There.', 'shared'],
      ['There.', 'shared'],
    ]);
    expect(get).toHaveBeenCalledOnce();
    await session.settle();
    expect(told(await session.ask('Where?', unasked()))).toEqual(['There.', 'hit']);
  });

  it('[LLM17] sessions share nothing, not even the name of a question', async () => {
    const [ada, bob] = [new Session(), new Session()];
    const hers = ada.ask('Where?', answering('Hers.'));
    const his = bob.ask('Where?', answering('His.'));
    expect([told(await hers), told(await his)]).toEqual([
      ['Hers.', 'new'],
      ['His.', 'new'],
    ]);
    await Promise.all([ada.settle(), bob.settle()]);
    expect(told(await ada.ask('Where?', unasked()))).toEqual(['Hers.', 'hit']);
    expect(new Set(indices()).size).toBe(2);
  });

  it('[LLM17] another question waits for nobody', async () => {
    const session = new Session();
    const { get, answer } = provider();
    const where = session.ask('Where?', get);
    await untilEntered(1);
    expect(told(await session.ask('When?', answering('Now.')))).toEqual(['Now.', 'new']);
    answer('There.');
    expect(told(await where)).toEqual(['There.', 'new']);
  });

  it('[LLM17] a failure is that of whom it happens to; who waited asks again', async () => {
    const session = new Session();
    const { get, fail } = provider();
    const first = session.ask('Where?', get);
    await untilEntered(1);
    const second = session.ask('Where?', answering('There.'));
    await untilEntered(2);
    fail('out of order');
    await expect(first).rejects.toThrow('out of order');
    expect(told(await second)).toEqual(['There.', 'new']);
  });

  it('[LLM17] an answer that is not to be kept is nobody else’s', async () => {
    const session = new Session();
    const { get, answer } = provider();
    const first = session.ask('Where?', get);
    await untilEntered(1);
    const second = session.ask('Where?', answering('There.', false));
    await untilEntered(2);
    answer('Half a sen', false);
    expect(told(await first)).toEqual(['Half a sen', 'new']);
    expect(told(await second)).toEqual(['There.', 'new']);
    await session.settle();
    expect(told(await session.ask('Where?', answering('Here.')))).toEqual(['Here.', 'new']);
  });
});

describe('later', () => {
  it('[LLM17] an answer outlives the object’s memory, and is forgotten after ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const session = new Session();
    await session.ask('Where?', answering('There.'));
    await session.settle();
    await evictDurableObject(session.cache);
    vi.advanceTimersByTime(599_999);
    expect(told(await session.ask('Where?', unasked()))).toEqual(['There.', 'hit']);
    vi.advanceTimersByTime(1);
    expect(told(await session.ask('Where?', answering('Here.')))).toEqual(['Here.', 'new']);
    await session.settle();
    expect(told(await session.ask('Where?', unasked()))).toEqual(['Here.', 'hit']);
  });

  it('[LLM17] what is stored tells neither question nor answer nor session', async () => {
    const session = new Session();
    await session.ask('canary-question', answering('canary-answer'));
    await session.settle();
    const stored = await runInDurableObject(session.cache, async (_, { storage }) => ({
      tables: storage.sql
        .exec("SELECT name FROM sqlite_schema WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
        .toArray(),
      entries: [...storage.kv.list<unknown>()],
    }));
    expect(stored.tables).toEqual([]);
    const { kept, ...answers } = Object.fromEntries(stored.entries);
    expect(answers).toEqual({ [indices()[0] ?? '']: expect.any(Uint8Array) });
    expect(kept).toEqual([{ index: Object.keys(answers)[0], until: expect.any(Number) }]);
    const text = stored.entries.map(([key, value]) => key + readable(value)).join('\n');
    for (const canary of ['canary', session.id]) expect(text).not.toContain(canary);
    // The search finds what is there.
    expect(readable(bytesOf('a canary, readable'))).toContain('canary');
  });

  it('[LLM17] what was tampered with is not there', async () => {
    const session = new Session();
    await session.ask('Where?', answering('There.'));
    await session.settle();
    await runInDurableObject(session.cache, (_, { storage: { kv } }) => {
      for (const [key, value] of [...kv.list<unknown>()]) {
        if (value instanceof Uint8Array) kv.put(key, value.with(20, (value[20] ?? 0) ^ 1));
      }
    });
    expect(told(await session.ask('Where?', answering('Here.')))).toEqual(['Here.', 'new']);
  });
});

describe('a cache that fails', () => {
  it('[LLM17] costs no answer when it ends while somebody waits', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const session = new Session();
    const { get, answer } = provider();
    const first = session.ask('Where?', get);
    await untilEntered(1);
    const second = session.ask('Where?', answering('Here.'));
    await untilEntered(2);
    const ended = runInDurableObject(session.cache, (_, ctx) => ctx.abort('for the test'));
    await expect(ended).rejects.toThrow('for the test');
    expect(told(await second)).toEqual(['Here.', 'new']);
    answer('There.');
    expect(told(await first)).toEqual(['There.', 'new']);
    await session.settle();
  });

  it('[LLM17] costs no answer when it cannot be asked, and tells the log no word of it', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const session = new Session();
    await runInDurableObject(session.cache, (_, { storage }) => storage.kv.put('kept', 'nonsense'));
    expect(told(await session.ask('canary-question', answering('There.')))).toEqual(['There.', 'new']);
    expect(log).toHaveBeenCalledOnce();
    expect(JSON.stringify(log.mock.calls)).toContain('llm cache');
    expect(JSON.stringify(log.mock.calls)).not.toContain('canary');
  });
});

/** All that could be read in a value, its bytes as Latin letters. */
function readable(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder('latin1').decode(value) : JSON.stringify(value);
}
