import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  addressOf,
  Asker,
  expectProblem,
  PROVIDER_KEY,
  release,
  seenBy,
  withProviders,
} from '../../test/asker.ts';
import type { Env } from '../env.ts';

const at = (...names: string[]) => Asker.create(withProviders(...names));

/** What a provider answers when it is asked without a relay in between, byte for byte. */
async function straight(name: string, body: object): Promise<string> {
  const response = await fetch(`${addressOf(name)}/chat/completions`, {
    ...{ method: 'POST', body: JSON.stringify(body) },
  });
  return response.text();
}

const HELLO = { model: 'model', messages: [{ role: 'user', content: 'Hello there' }] };
const STREAMED = { ...HELLO, stream: true, stream_options: { include_usage: true } };

/** What counts for an answer that nobody reports: the question by its bytes, and the answer. */
const questionBytes = new TextEncoder().encode(JSON.stringify({ messages: HELLO.messages })).length;
const WORST = questionBytes + 8_192;

/** The problem in the last event of a stream that broke off. */
const lastProblem = (text: string) =>
  (JSON.parse(text.trim().split('\n').at(-1)?.slice('data: '.length) ?? '') as { error: { code: string } })
    .error.code;

async function expectState(name: string, state: string): Promise<void> {
  await vi.waitFor(async () => expect((await seenBy(name)).at(-1)?.state).toBe(state), { timeout: 20_000 });
}

/** Reads until something has come that holds this. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, text: string): Promise<void> {
  const decoder = new TextDecoder();
  for (let read = ''; !read.includes(text);) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`It ended without ${text}.`);
    read += decoder.decode(value, { stream: true });
  }
}

afterEach(() => void vi.restoreAllMocks());

describe('answers', () => {
  it('[LLM1] [LLM3] a whole one has the provider’s bytes, and its usage counts', async () => {
    const asker = await at('good-whole');
    const response = await asker.ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-parley-provider')).toBe('good-whole');
    expect(await response.text()).toBe(
      await straight('good-whole-straight', { ...HELLO, max_tokens: 8_192 }),
    );
    // At the price of a model whose price nobody has told: 7 × 5 and 6 × 25 millionths.
    expect(await asker.usage()).toEqual({ tokens: 13, usd: 0.000185, streams: 0, questions: 1 });
  });

  it.each(['good', 'trickle', 'crlf', 'chatty', 'malformed', 'doneless', 'counting', 'unmetered'])(
    '[LLM3] a stream has the bytes of a %s provider',
    async (behaviour) => {
      const asker = await at(`${behaviour}-stream`);
      const response = await asker.stream();
      expect(response.status).toBe(200);
      expect(response.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8');
      const expected = await straight(`${behaviour}-stream-straight`, { ...STREAMED, max_tokens: 8_192 });
      expect(await response.text()).toBe(expected);
      expect((await asker.usage()).streams).toBe(0);
    },
  );

  it.each(['good', 'trickle', 'crlf', 'chatty', 'malformed', 'counting'])(
    '[LLM12] the usage that a %s stream reports is what counts',
    async (behaviour) => {
      const asker = await at(`${behaviour}-usage`);
      await (await asker.stream()).text();
      expect((await asker.usage()).tokens).toBe(13);
    },
  );

  it('[LLM1] tools are passed on, and so are their calls', async () => {
    const asker = await at('tooling-calls');
    const tools = [{ type: 'function', function: { name: 'move_card', parameters: { type: 'object' } } }];
    const response = await asker.ask({ tools, tool_choice: 'auto', parallel_tool_calls: true });
    const { choices } = await response.json<{ choices: [{ message: { tool_calls: { id: string }[] } }] }>();
    const [call] = choices[0].message.tool_calls;
    expect(call).toMatchObject({ type: 'function', function: { name: 'move_card' } });
    const [sent] = await seenBy('tooling-calls');
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      ...{ model: 'model', messages: HELLO.messages, max_tokens: 8_192 },
      ...{ tools, tool_choice: 'auto', parallel_tool_calls: true },
    });
  });

  it('[LLM2] a request without a model goes to the default one, under the name that its provider knows', async () => {
    const models = [{ id: 'advisor', as: 'vendor/model-7' }, 'other'];
    const baseUrl = addressOf('good-default');
    const asker = await Asker.create({
      ...withProviders(),
      LLM_UPSTREAMS: JSON.stringify([
        { name: 'a', baseUrl, models, lengthParameter: 'max_completion_tokens' },
      ]),
    });
    expect((await asker.ask({ model: undefined, max_tokens: 5 })).status).toBe(200);
    const [sent] = await seenBy('good-default');
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      ...{ model: 'vendor/model-7', messages: HELLO.messages, max_completion_tokens: 5 },
    });
    // There was no key to bring.
    expect(sent?.headers.map(([name]) => name)).not.toContain('authorization');
  });

  it('[LLM9] nothing of what the client sent stands in what the provider gets, but the parameters', async () => {
    const asker = await at('good-headers');
    const headers = {
      ...{
        'User-Agent': 'canary',
        Cookie: 'canary=1',
        'X-Forwarded-For': 'canary',
        'OpenAI-Organization': 'canary',
      },
      ...{
        'CF-Connecting-IP': '192.0.2.7',
        'x-api-key': 'canary',
        Origin: 'https://canary.example',
        Via: 'canary',
      },
      ...{
        'X-Stainless-Lang': 'canary',
        'Accept-Encoding': 'gzip',
        Accept: 'canary/canary',
        traceparent: 'canary',
      },
    };
    await (await asker.stream({ user: 'canary', metadata: { who: 'canary' } }, { headers })).text();
    const [sent] = await seenBy('good-headers');
    const names = sent?.headers.map(([name]) => name).sort() ?? [];
    expect(Object.fromEntries(sent?.headers ?? [])).toMatchObject({
      ...{
        authorization: `Bearer ${PROVIDER_KEY}`,
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
      },
    });
    expect(names).toEqual(
      ['accept', 'accept-encoding', 'authorization', 'content-length', 'content-type', 'host']
        .concat(
          // Of this way to run the Worker, not of ours.
          names.filter((name) => /^(?:connection|mf-.*|cf-.*)$/.test(name)),
        )
        .sort(),
    );
    expect(JSON.stringify(sent)).not.toMatch(/canary(?!-of-the)|192\.0\.2\.7/);
  });

  it('[LLM8] what the relay lets an answer have at most stands in what the provider gets', async () => {
    const asker = await at('good-length');
    for (const max_tokens of [1e9, 9_000, 8_191, 1]) await (await asker.ask({ max_tokens })).text();
    const lengths = (await seenBy('good-length')).map(
      ({ body }) => (JSON.parse(body) as HasLength).max_tokens,
    );
    expect(lengths).toEqual([8_192, 8_192, 8_191, 1]);
  });

  it('[LLM2] Workers AI answers where nothing else is set, and its model’s price counts', async () => {
    const asked: unknown[] = [];
    const AI = {
      run: (model: string, inputs: object, options: object) => {
        asked.push([model, inputs, Object.keys(options)]);
        return fetch(`${addressOf('good-workers-ai')}/chat/completions`, {
          ...{ method: 'POST', body: JSON.stringify({ model, ...inputs }) },
        });
      },
    };
    const asker = await Asker.create({ AI } as unknown as Partial<Env>);
    const response = await asker.stream({ model: undefined });
    expect(response.headers.get('x-parley-provider')).toBe('workers-ai');
    expect(await response.text()).toContain('[DONE]');
    const inputs = {
      messages: HELLO.messages,
      max_tokens: 8_192,
      stream: true,
      stream_options: { include_usage: true },
    };
    expect(asked).toEqual([['@cf/zai-org/glm-4.7-flash', inputs, ['returnRawResponse', 'signal']]]);
    expect(await asker.usage()).toMatchObject({ tokens: 13, usd: 0.000003 });
  });
});

interface HasLength {
  readonly max_tokens: number;
}

describe('who goes', () => {
  it('[LLM4] [LLM12] cancelling a stream closes the provider’s socket; what came counts by its bytes', async () => {
    const asker = await at('stalling-cancel');
    const response = await asker.stream();
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    await readUntil(reader, 'said: ');
    expect((await seenBy('stalling-cancel'))[0]?.state).toBe('open');
    await reader.cancel();
    await expectState('stalling-cancel', 'closed by the other side');
    const { tokens, streams } = await asker.usage();
    expect(streams).toBe(0);
    expect(tokens).toBeGreaterThan(questionBytes + 100);
    expect(tokens).toBeLessThan(WORST);
  });

  it.each([true, false])(
    '[LLM4] [LLM12] a client that goes before its answer begins closes it too, and all counts (stream: %s)',
    async (stream) => {
      const name = `slow-gone-${stream}`;
      const asker = await at(name);
      const client = new AbortController();
      const asked = asker.ask({ stream }, { signal: client.signal });
      await expectState(name, 'open');
      client.abort();
      await expectState(name, 'closed by the other side');
      expect((await asked).status).toBe(499);
      expect(await asker.usage()).toMatchObject({ tokens: WORST, streams: 0 });
      expect(await seenBy(name)).toHaveLength(1);
    },
  );

  it('[LLM12] a client that goes between two attempts pays nothing', async () => {
    const asker = await at('busyonce5-gone');
    const client = new AbortController();
    const asked = asker.ask({}, { signal: client.signal });
    await expectState('busyonce5-gone', 'answered');
    client.abort();
    expect((await asked).status).toBe(499);
    expect(await asker.usage()).toMatchObject({ tokens: 0, streams: 0 });
    expect(await seenBy('busyonce5-gone')).toHaveLength(1);
  });

  it('[LLM4] a client that goes in the middle is told by its signal, too', async () => {
    const asker = await at('stalling-signal');
    const client = new AbortController();
    const response = await asker.stream({}, { signal: client.signal });
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    await readUntil(reader, 'said: ');
    client.abort();
    await expectState('stalling-signal', 'closed by the other side');
    expect((await asker.usage()).streams).toBe(0);
  });

  it('[LLM3] a client that reads nothing is not read for', async () => {
    const asker = await at('endless-unread');
    const response = await asker.stream();
    // What its socket and the relay's hold between them is some hundred kilobytes, not eight million.
    await expectState('endless-unread', 'open');
    const line = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await response.body?.cancel();
    await expectState('endless-unread', 'closed by the other side');
    await asker.settled();
    const { llm } = JSON.parse(String(line.mock.calls[0]?.[0])) as { llm: { end: string; bytes: number } };
    expect(llm).toMatchObject({ end: 'gone', bytes: 0 });
  });
});

describe('providers that misbehave', () => {
  it.each([
    ['failing500', 'llm/upstream-failed'],
    ['failing503', 'llm/upstream-failed'],
    ['failing529', 'llm/upstream-failed'],
    ['cutearly', 'llm/upstream-failed'],
    ['cutmute', 'llm/upstream-failed'],
    ['busy60', 'llm/upstream-busy'],
    ['busy', 'llm/upstream-busy'],
    ['unauthorised', 'llm/upstream-account'],
    ['poor', 'llm/upstream-account'],
    ['refusing', 'llm/upstream-refused'],
    ['modelless', 'llm/upstream-model'],
    ['toolong', 'llm/too-long'],
    ['redirecting', 'llm/upstream-nonsense'],
    ['webpage', 'llm/upstream-nonsense'],
    ['empty', 'llm/upstream-nonsense'],
  ] as const)(
    '[LLM6] [LLM7] one that is %s is told as %s, without a word of its own',
    async (behaviour, code) => {
      for (const stream of [true, false]) {
        const name = `${behaviour}-told-${stream}`;
        const asker = await at(name);
        const response = await asker.ask({ stream });
        const retryAfter = response.headers.get('Retry-After');
        expect(retryAfter).toBe(behaviour === 'busy60' ? '60' : null);
        await expectProblem(response, code);
        // What it refused counts nothing; of what is no answer nobody knows.
        const { tokens, streams } = await asker.usage();
        expect({ streams, tokens }).toEqual({
          ...{ streams: 0, tokens: /webpage|empty|cutmute/.test(behaviour) ? WORST : 0 },
        });
      }
      expect(await seenBy(`good-after-${behaviour}-told-true`)).toEqual([]);
    },
  );

  it.each([
    ['failonce', 2],
    ['busyonce0', 2],
    ['busyonce1', 2],
  ])('[LLM6] the only one, %s, is asked again', async (behaviour, times) => {
    const asker = await at(`${behaviour}-again`);
    const response = await asker.stream();
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('[DONE]');
    expect(await seenBy(`${behaviour}-again`)).toHaveLength(times);
    expect(await asker.usage()).toMatchObject({ tokens: 13, questions: 1 });
  });

  it('[LLM6] one that wants to be left alone for a minute is, by all', async () => {
    const asker = await at('busy60-rest');
    await expectProblem(await asker.ask(), 'llm/upstream-busy');
    const again = await (await Asker.create(asker.bindings)).ask();
    expect(Number(again.headers.get('Retry-After'))).toBeGreaterThan(50);
    await expectProblem(again, 'llm/upstream-busy');
    expect(await seenBy('busy60-rest')).toHaveLength(1);
  });

  it('[LLM6] the next one answers instead, in the order of the configuration', async () => {
    const names = ['failing-next', 'busy60-next', 'cutearly-next', 'good-next', 'good-never'];
    const asker = await at(...names);
    const response = await asker.stream();
    expect(response.headers.get('x-parley-provider')).toBe('good-next');
    expect(await response.text()).toContain('[DONE]');
    expect(await Promise.all(names.map(async (name) => (await seenBy(name)).length))).toEqual([
      1, 1, 1, 1, 0,
    ]);
    expect(await asker.usage()).toMatchObject({ tokens: 13, questions: 1 });
  });

  it('[LLM6] one that refuses is the last one', async () => {
    const asker = await at('refusing-last', 'good-unasked');
    await expectProblem(await asker.ask(), 'llm/upstream-refused');
    expect(await seenBy('good-unasked')).toEqual([]);
  });

  it.each(['slow', 'mute'])(
    '[LLM5] [LLM6] [LLM12] a %s one is given up in time, counts, and the next one is asked',
    async (behaviour) => {
      const name = `${behaviour}-late`;
      const asker = (await at(name, 'good-late')).at({ LLM_START_SECONDS: '1' });
      const response = await asker.stream();
      expect(response.headers.get('x-parley-provider')).toBe('good-late');
      await response.text();
      await expectState(name, 'closed by the other side');
      expect(await asker.usage()).toMatchObject({ tokens: WORST + 13, questions: 2, streams: 0 });
    },
  );

  it('[LLM1] [LLM5] without another one, the client learns that it was silent, which may have its price each time', async () => {
    const asker = (await at('slow-alone')).at({ LLM_START_SECONDS: '1' });
    const response = await asker.ask();
    expect(response.headers.get('x-should-retry')).toBe('false');
    await expectProblem(response, 'llm/upstream-silent');
    expect(await seenBy('slow-alone')).toHaveLength(1);
    expect(await asker.usage()).toMatchObject({ tokens: WORST, streams: 0 });
  });

  it('[LLM5] a stream that stalls ends with an event that says so', async () => {
    const asker = (await at('stalling-silent')).at({ LLM_SILENCE_SECONDS: '1' });
    const text = await (await asker.stream()).text();
    expect(text).toContain('said: ');
    expect(lastProblem(text)).toBe('llm/upstream-silent');
    await expectState('stalling-silent', 'closed by the other side');
    expect((await asker.usage()).streams).toBe(0);
  });

  it('[LLM5] a stream that is cut ends with an event that says so, and nobody else is asked', async () => {
    const asker = await at('cut-middle', 'good-spare');
    const text = await (await asker.stream()).text();
    expect(text).toContain('said: ');
    expect(lastProblem(text)).toBe('llm/upstream-cut');
    expect(await seenBy('good-spare')).toEqual([]);
  });

  it('[LLM7] an error in the middle of a stream is told, without a word of the provider', async () => {
    const asker = await at('erring-middle');
    const text = await (await asker.stream()).text();
    expect(text).toContain('said: ');
    expect(lastProblem(text)).toBe('llm/upstream-failed');
    expect(text).not.toMatch(/It went wrong|canary|127\.0\.0\.1/);
    await expectProblem(await asker.ask(), 'llm/upstream-nonsense');
  });

  it('[LLM5] a whole answer that is cut is told', async () => {
    await expectProblem(await (await at('cut-whole')).ask(), 'llm/upstream-cut');
  });

  it.each(['large', 'endless'])(
    '[LLM1] [LLM5] a whole answer that is %s is told, and not worth paying for again',
    async (behaviour) => {
      const response = await (await at(`${behaviour}-whole`)).ask();
      expect(response.headers.get('x-should-retry')).toBe('false');
      await expectProblem(response, 'llm/answer-too-long');
    },
  );

  it.each(['large', 'endless'])('[LLM5] an answer that is %s is passed on up to 8 MB', async (behaviour) => {
    const asker = await at(`${behaviour}-stream`);
    const text = await (await asker.stream()).text();
    expect(text.length).toBeLessThan(8_001_000);
    expect(text.length).toBeGreaterThan(7_000_000);
    expect(lastProblem(text)).toBe('llm/answer-too-long');
    expect(await asker.usage()).toMatchObject({ tokens: WORST, streams: 0 });
    const whole = await at(`${behaviour}-whole`);
    await expectProblem(await whole.ask(), 'llm/answer-too-long');
    await expectState(`${behaviour}-whole`, 'closed by the other side');
  });

  it.each(['unmetered', 'lying0', 'lying1', 'lying2', 'lying3', 'lying4'])(
    '[LLM12] what a provider that is %s took is counted by bytes',
    async (behaviour) => {
      const streaming = await at(`${behaviour}-count`);
      const text = await (await streaming.stream()).text();
      const bytes = new TextEncoder().encode(text).length;
      expect((await streaming.usage()).tokens).toBe(questionBytes + bytes);
      const whole = await at(`${behaviour}-count`);
      await (await whole.ask()).text();
      expect((await whole.usage()).tokens).toBe(WORST);
    },
  );

  it('[LLM12] what was reported on the way is no discount for who leaves before the end', async () => {
    const asker = await at('countingstall-leave');
    const response = await asker.stream();
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    await readUntil(reader, '"completion_tokens"');
    await reader.cancel();
    expect((await asker.usage()).tokens).toBeGreaterThan(questionBytes + 100);
  });

  it('[LLM12] who leaves when the provider has said that this is all pays what it reported', async () => {
    const asker = await at('good-leave');
    const response = await asker.stream();
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    await readUntil(reader, '[DONE]');
    await reader.cancel();
    expect((await asker.usage()).tokens).toBe(13);
  });

  it('[LLM12] what is reported counts up to what was reserved', async () => {
    const asker = await at('greedy-count');
    await (await asker.stream({ max_tokens: 100 })).text();
    expect((await asker.usage()).tokens).toBe(questionBytes + 100);
  });
});

describe('budgets', () => {
  const limited = async (name: string, limits: Partial<Env>) => (await at(name)).at(limits);

  it('[LLM11] a session has so many tokens in a day', async () => {
    const asker = await limited('good-tokens', { LLM_SESSION_TOKENS: String(WORST + 12) });
    expect((await asker.ask()).status).toBe(200);
    await asker.settled();
    const refused = await asker.ask();
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    await expectProblem(refused, 'llm/session-tokens-spent');
    expect((await asker.ask({ max_tokens: 10 })).status).toBe(200);
    const other = await limited('good-tokens', { LLM_SESSION_TOKENS: String(WORST + 12) });
    expect((await other.ask()).status).toBe(200);
  });

  it('[LLM11] a session has so many dollars in a day', async () => {
    const asker = await limited('good-dollars', { LLM_SESSION_USD: '0.000001' });
    const refused = await asker.ask();
    expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
    await expectProblem(refused, 'llm/session-money-spent');
    expect(await seenBy('good-dollars')).toEqual([]);
    const free = asker.at({ LLM_PRICES: '{"model":{"input":0,"output":0}}' });
    expect((await free.ask()).status).toBe(200);
  });

  it('[LLM11] a network has its own, and the relay has them all', async () => {
    const from = (prefix: string) => ({ headers: { 'CF-Connecting-IP': `${prefix}.9` } });
    const asker = await limited('good-network', { LLM_NETWORK_TOKENS: String(2 * WORST - 1) });
    expect((await asker.ask({}, from('192.0.2'))).status).toBe(200);
    await asker.settled();
    const limit = { LLM_NETWORK_TOKENS: String(WORST + 12) };
    const neighbour = await limited('good-network', limit);
    await expectProblem(await neighbour.ask({}, from('192.0.2')), 'llm/network-tokens-spent');
    expect((await neighbour.ask({}, from('198.51.100'))).status).toBe(200);
    const poor = await limited('good-network', { LLM_DAILY_TOKENS: '100', LLM_SESSION_TOKENS: '1000000' });
    await expectProblem(await poor.ask(), 'llm/relay-tokens-spent');
  });

  it('[LLM11] of 200 streams at once from one session, four run', async () => {
    const asker = await at('stalling-crowd');
    const responses = await Promise.all(Array.from({ length: 200 }, () => asker.stream()));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(4);
    const refused = responses.filter(({ status }) => status !== 200);
    for (const response of refused) {
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
      await expectProblem(response, 'llm/session-too-busy');
    }
    expect(await seenBy('stalling-crowd')).toHaveLength(4);
    await release('stalling-crowd');
    for (const response of responses.filter(({ status }) => status === 200)) {
      expect(await response.text()).toContain('[DONE]');
    }
    expect((await asker.usage()).streams).toBe(0);
    expect((await asker.stream()).status).toBe(200);
  });

  it('[LLM11] a budget that does not answer lets nobody through', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const LLM_BUDGET = {
      getByName: () => ({ reserve: () => Promise.reject(new Error('canary-inside')) }),
    } as unknown as Env['LLM_BUDGET'];
    const asker = await limited('good-broken', { LLM_BUDGET });
    await expectProblem(await asker.ask(), 'relay/internal-error');
    expect(await seenBy('good-broken')).toEqual([]);
  });
});
