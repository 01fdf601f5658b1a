import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askProvider, callOpenAi, ClientGone, type Answer, type CallProvider } from './ask-provider.ts';
import type { Failure } from './failures.ts';
import type { Provider } from './providers.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const START = 5_000;

const PROVIDER: Provider = {
  ...{ name: 'one', baseUrl: 'https://ai.example/v1', apiKey: 'secret', isFree: false },
  ...{ lengthParameter: 'max_tokens', models: new Map([['small', 'small']]) },
};

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A body that says what it is told to, and ends with the connection as that of `fetch` does. */
function bodyOf(signal: AbortSignal, ...pieces: (string | Error)[]) {
  const cancel = vi.fn();
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason), { once: true });
      },
      pull(controller) {
        const piece = pieces[taken];
        taken += 1;
        if (piece instanceof Error) controller.error(piece);
        else if (piece !== undefined) controller.enqueue(bytesOf(piece));
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
  return { body, cancel, taken: () => taken };
}

const stream = { 'Content-Type': 'text/event-stream' };

function ask(call: CallProvider, { body = { stream: true }, client = new AbortController() } = {}) {
  let signal: AbortSignal | null = null;
  const called = vi.fn<CallProvider>((provider, sent, connection) => {
    signal = connection;
    return call(provider, sent, connection);
  });
  const asked = askProvider(called, PROVIDER, body, {
    client: client.signal,
    startWithin: START,
    now: () => NOW,
  });
  const left = () => ({
    timers: vi.getTimerCount(),
    listeners: getEventListeners(client.signal, 'abort').length,
  });
  return { asked, called, client, left, isClosed: () => signal?.aborted };
}

const NOTHING_LEFT = { timers: 0, listeners: 0 };

/** Waits until the connection ends. */
const never: CallProvider = (_, __, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

function answerOf(asked: Answer | Failure): Answer {
  if ('rest' in asked) return asked;
  throw new Error(asked.code);
}

const codeOf = (asked: Answer | Failure) => ('rest' in asked ? 'answer' : asked.code);

describe('an answer', () => {
  it('[LLM5] begins with its first bytes, and holds the others back', async () => {
    let taken = () => 0;
    const { asked, called, left, isClosed } = ask(async (_, __, signal) => {
      const upstream = bodyOf(signal, 'one', 'two');
      ({ taken } = upstream);
      return new Response(upstream.body, { headers: stream });
    });
    const { first, rest } = answerOf(await asked);
    expect(textOf(first)).toBe('one');
    expect(taken()).toBe(1);
    expect(textOf((await rest.read()).value)).toBe('two');
    expect(called.mock.calls).toEqual([[PROVIDER, { stream: true }, expect.any(AbortSignal)]]);
    expect(isClosed()).toBe(false);
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it.each([
    [true, 'text/event-stream', 'answer'],
    [true, 'text/event-stream; charset=utf-8', 'answer'],
    [true, 'Text/Event-Stream', 'answer'],
    [true, 'application/json', 'llm/upstream-nonsense'],
    [true, 'text/html', 'llm/upstream-nonsense'],
    [true, null, 'llm/upstream-nonsense'],
    [false, 'application/json', 'answer'],
    [false, 'application/json; charset=utf-8', 'answer'],
    [false, 'text/event-stream', 'llm/upstream-nonsense'],
    [false, 'text/html', 'llm/upstream-nonsense'],
  ])('[LLM9] with streaming %j, what is %s is an %s', async (isStream, type, code) => {
    const { asked, left, isClosed } = ask(
      async (_, __, signal) =>
        new Response(bodyOf(signal, 'one').body, { headers: type === null ? {} : { 'Content-Type': type } }),
      { body: { stream: isStream } },
    );
    expect(codeOf(await asked)).toBe(code);
    expect(isClosed()).toBe(code !== 'answer');
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it('[LLM6] one without a byte is nonsense', async () => {
    const empty = ask(async () => new Response('', { headers: stream }));
    expect(codeOf(await empty.asked)).toBe('llm/upstream-nonsense');
    const none = ask(async () => new Response(null, { status: 204, headers: stream }));
    expect(codeOf(await none.asked)).toBe('llm/upstream-nonsense');
    expect([empty.left(), none.left()]).toEqual([NOTHING_LEFT, NOTHING_LEFT]);
  });

  it('[LLM4] closes by the signal and by cancelling, also twice, and when it broke off', async () => {
    const cancel = vi.fn();
    // A body that hears of no signal.
    const deaf = ask(async () => {
      const upstream = bodyOf(new AbortController().signal, 'one');
      upstream.cancel.mockImplementation(cancel);
      return new Response(upstream.body, { headers: stream });
    });
    const answer = answerOf(await deaf.asked);
    answer.close();
    answer.close();
    expect(deaf.isClosed()).toBe(true);
    expect(cancel).toHaveBeenCalledTimes(1);
    expect((await answer.rest.read()).done).toBe(true);

    const broken = ask(
      async (_, __, signal) =>
        new Response(bodyOf(signal, 'one', new TypeError('cut')).body, { headers: stream }),
    );
    const cut = answerOf(await broken.asked);
    await expect(cut.rest.read()).rejects.toThrow('cut');
    // What nobody handled would fail this file.
    cut.close();
    expect(broken.isClosed()).toBe(true);
  });
});

describe('a provider that does not begin', () => {
  it.each<[string, CallProvider]>([
    ['does not answer', never],
    ['has headers alone', async (_, __, signal) => new Response(bodyOf(signal).body, { headers: stream })],
  ])('[LLM5] %s in time is silent, and the connection closes', async (_, call) => {
    const { asked, left, isClosed } = ask(call);
    await vi.advanceTimersByTimeAsync(START - 1);
    expect(isClosed()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(codeOf(await asked)).toBe('llm/upstream-silent');
    expect(isClosed()).toBe(true);
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it('[LLM5] one that has begun may take its time', async () => {
    const { asked, isClosed } = ask(
      async (_, __, signal) => new Response(bodyOf(signal, 'one').body, { headers: stream }),
    );
    expect(codeOf(await asked)).toBe('answer');
    await vi.advanceTimersByTimeAsync(10 * START);
    expect(isClosed()).toBe(false);
  });

  it.each<[string, CallProvider]>([
    ['cannot be reached', () => Promise.reject(new TypeError('https://secret.example'))],
    [
      'breaks off before its first byte',
      async (_, __, signal) =>
        new Response(bodyOf(signal, new TypeError('https://secret.example')).body, { headers: stream }),
    ],
  ])('[LLM6] [LLM7] [LLM12] one that %s has failed, and may be asked again', async (how, call) => {
    const { asked, left } = ask(call);
    expect(await asked).toEqual({
      ...{ code: 'llm/upstream-failed', isPassing: true, retryAfter: null },
      mayCost: how !== 'cannot be reached',
    });
    expect(left()).toEqual(NOTHING_LEFT);
  });
});

describe('a failure', () => {
  const fail = (status: number, body: BodyInit | null, headers: Record<string, string> = {}) =>
    ask(async () => new Response(body, { status, headers }));
  const errorOf = (code: unknown) => JSON.stringify({ error: { message: 'secret', code } });

  it.each([
    [400, errorOf('context_length_exceeded'), 'llm/too-long'],
    [429, errorOf('insufficient_quota'), 'llm/upstream-account'],
    [429, errorOf(null), 'llm/upstream-busy'],
    [400, errorOf({ secret: 1 }), 'llm/upstream-refused'],
    [401, errorOf('invalid_api_key'), 'llm/upstream-account'],
    [400, '', 'llm/upstream-refused'],
    [400, null, 'llm/upstream-refused'],
    [400, 'null', 'llm/upstream-refused'],
    [400, '[]', 'llm/upstream-refused'],
    [400, '"secret"', 'llm/upstream-refused'],
    [400, '{"error":null}', 'llm/upstream-refused'],
    [400, '{"error":"secret"}', 'llm/upstream-refused'],
    [400, '<html>secret', 'llm/upstream-refused'],
    [400, Uint8Array.of(0xff, 0xfe), 'llm/upstream-refused'],
    [500, errorOf('context_length_exceeded'), 'llm/upstream-failed'],
    [301, null, 'llm/upstream-nonsense'],
  ])('[LLM6] [LLM7] a %i with %s is %s, and nothing of its words', async (status, body, code) => {
    const { asked, left } = fail(status, body);
    const failure = await asked;
    expect(codeOf(failure)).toBe(code);
    expect(JSON.stringify(failure)).not.toContain('secret');
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it('[LLM6] says when to come back, by the clock it is given', async () => {
    const { asked } = fail(503, null, { 'Retry-After': 'Sun, 22 Nov 2026 12:00:09 GMT' });
    expect(await asked).toEqual({
      ...{ code: 'llm/upstream-busy', isPassing: true, retryAfter: 9, mayCost: false },
    });
  });

  it('[LLM7] is not read further than 64 KiB', async () => {
    const piece = 'x'.repeat(16_384);
    const upstream = bodyOf(new AbortController().signal, ...Array.from({ length: 20 }, () => piece));
    const { asked } = ask(async () => new Response(upstream.body, { status: 400 }));
    expect(codeOf(await asked)).toBe('llm/upstream-refused');
    expect(upstream.taken()).toBe(5);
    expect(upstream.cancel).toHaveBeenCalledTimes(1);
  });

  it('[LLM6] one of the provider’s own is not read', async () => {
    const upstream = bodyOf(new AbortController().signal, 'secret');
    const { asked } = ask(async () => new Response(upstream.body, { status: 500 }));
    expect(codeOf(await asked)).toBe('llm/upstream-failed');
    expect(upstream.taken()).toBe(0);
    expect(upstream.cancel).toHaveBeenCalledTimes(1);
  });

  it.each([
    [429, 'llm/upstream-busy'],
    [503, 'llm/upstream-busy'],
    [400, 'llm/upstream-refused'],
  ])('[LLM6] a %i that breaks off says what its status says', async (status, code) => {
    const { asked, left } = ask(async () => {
      const body = new ReadableStream({ start: (controller) => controller.error(new TypeError('cut')) });
      return new Response(body, { status, headers: { 'Retry-After': '4' } });
    });
    expect(await asked).toMatchObject({ code, retryAfter: status === 400 ? null : 4 });
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it('[LLM5] one whose words do not come is over in time', async () => {
    const { asked, left } = ask(async (_, __, signal) => new Response(bodyOf(signal).body, { status: 429 }));
    await vi.advanceTimersByTimeAsync(START);
    expect(codeOf(await asked)).toBe('llm/upstream-busy');
    expect(left()).toEqual(NOTHING_LEFT);
  });
});

describe('a client that goes', () => {
  it('[LLM4] before a provider is asked: none is', async () => {
    const client = new AbortController();
    client.abort();
    const { asked, called, left } = ask(never, { client });
    await expect(asked).rejects.toThrow(ClientGone);
    await expect(asked).rejects.toHaveProperty('wasAsked', false);
    expect(called).not.toHaveBeenCalled();
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it.each<[string, CallProvider]>([
    ['an answer is waited for', never],
    ['its first byte is', async (_, __, signal) => new Response(bodyOf(signal).body, { headers: stream })],
  ])('[LLM4] while %s: the connection closes', async (_, call) => {
    const { asked, client, left, isClosed } = ask(call);
    const gone = expect(asked).rejects.toMatchObject({ name: 'ClientGone', wasAsked: true });
    await vi.advanceTimersByTimeAsync(1);
    expect(isClosed()).toBe(false);
    client.abort();
    expect(isClosed()).toBe(true);
    await gone;
    expect(left()).toEqual(NOTHING_LEFT);
  });

  it('[LLM4] when the answer has begun, is for whoever has it to see', async () => {
    const { asked, client, isClosed } = ask(
      async (_, __, signal) => new Response(bodyOf(signal, 'one').body, { headers: stream }),
    );
    await asked;
    client.abort();
    expect(isClosed()).toBe(false);
  });
});

describe('OpenAI’s endpoint', () => {
  async function request(provider: Provider, body: Record<string, unknown>) {
    const fetched = vi.fn<typeof fetch>(async () => new Response('{}'));
    vi.stubGlobal('fetch', fetched);
    const { signal } = new AbortController();
    await callOpenAi(provider, body, signal);
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(fetched).toHaveBeenCalledTimes(1);
    expect(init?.signal).toBe(signal);
    return { url, ...init, signal: undefined };
  }

  it('[LLM9] is told the body, the kinds of content, and the key; and leads nowhere else', async () => {
    expect(await request(PROVIDER, { model: 'small', stream: true })).toEqual({
      url: 'https://ai.example/v1/chat/completions',
      method: 'POST',
      headers: {
        ...{ Accept: 'text/event-stream', 'Accept-Encoding': 'identity', 'Content-Type': 'application/json' },
        Authorization: 'Bearer secret',
      },
      body: '{"model":"small","stream":true}',
      redirect: 'manual',
    });
  });

  it('[LLM9] is told no key where there is none', async () => {
    const { headers } = await request({ ...PROVIDER, apiKey: null }, { model: 'small' });
    expect(headers).toEqual({
      ...{ Accept: 'application/json', 'Accept-Encoding': 'identity', 'Content-Type': 'application/json' },
    });
  });
});
