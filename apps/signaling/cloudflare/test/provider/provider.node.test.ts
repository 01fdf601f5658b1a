import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startProvider, type Provider, type Seen } from './provider.ts';

let provider: Provider;

beforeAll(async () => {
  provider = await startProvider({ key: 'provider-key' });
});

afterAll(() => provider.stop());

const model = 'some-model';
const messages = [{ role: 'user' as const, content: 'Grüße' }];
const base = (name: string) => `${provider.origin}/${name}/v1`;
const clientOf = (name: string, apiKey = 'provider-key') =>
  new OpenAI({ baseURL: base(name), apiKey, maxRetries: 0, logLevel: 'off' });
const functionOf = (name: string) => ({ type: 'function' as const, function: { name, parameters: {} } });

/** The text of a streamed answer, the chunks and what it took. */
async function read(name: string): Promise<{ text: string; chunks: number; usage: unknown }> {
  const stream = await clientOf(name).chat.completions.create({
    ...{ model, messages, stream: true, stream_options: { include_usage: true } },
  });
  const read = { text: '', chunks: 0, usage: null as unknown };
  for await (const { choices, usage } of stream) {
    read.text += choices[0]?.delta.content ?? '';
    read.chunks += 1;
    read.usage ??= usage;
  }
  return read;
}

/** Waits until what was seen at a name is this. */
const expectSeen = (name: string, seen: readonly Partial<Seen>[]) =>
  vi.waitFor(async () => expect(await seenBy(name)).toMatchObject(seen), 30_000);

const seenBy = async (name: string) =>
  (await (await fetch(`${provider.origin}/${name}/seen`)).json()) as Seen[];

it.each(['good', 'trickle', 'crlf', 'chatty', 'doneless', 'packed', 'busyonce', 'failonce'])(
  'OpenAI’s client reads what `%s` streams',
  async (behaviour) => {
    const name = `${behaviour}-streams`;
    if (behaviour.endsWith('once')) await expect(read(name)).rejects.toThrow();
    expect(await read(name)).toEqual({
      text: 'You said: Grüße 👋',
      chunks: 7,
      usage: expect.objectContaining({ prompt_tokens: 6, completion_tokens: 5, total_tokens: 11 }),
    });
  },
);

it.each(['good', 'trickle', 'packed', 'counting'])(
  'OpenAI’s client reads what `%s` answers in one piece',
  async (behaviour) => {
    const { choices, usage } = await clientOf(`${behaviour}-whole`).chat.completions.create({
      ...{ model, messages },
    });
    expect(choices).toMatchObject([
      { finish_reason: 'stop', message: { role: 'assistant', content: 'You said: Grüße 👋' } },
    ]);
    expect(usage).toMatchObject({ total_tokens: 11 });
  },
);

it('usage that nobody asked for is in no chunk', async () => {
  const body = JSON.stringify({ model, messages, stream: true });
  const headers = { Authorization: 'Bearer provider-key' };
  const response = await fetch(`${base('good-unasked')}/chat/completions`, { method: 'POST', body, headers });
  const answer = await response.text();
  expect(answer).toContain('"finish_reason":"stop"');
  expect(answer).toMatch(/\n\ndata: \[DONE\]\n\n$/);
  expect(answer).not.toContain('usage');
});

it('calls all tools, in pieces and in one', async () => {
  const { chat } = clientOf('tooling-all');
  const request = { model, messages, tools: [functionOf('look'), functionOf('listen')] };
  const expected = ['look', 'listen'].map((name, index) => ({
    ...{ id: `call_1_${index}`, type: 'function' },
    function: { name, arguments: '{"question":"Grüße"}' },
  }));
  const whole = await chat.completions.create(request);
  expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { tool_calls: expected } });
  const streamed = await chat.completions.stream(request).finalChatCompletion();
  expect(streamed.choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { tool_calls: expected },
  });
});

it('lets the AI SDK call tools, and says what they gave', async () => {
  const sdk = createOpenAICompatible({
    ...{ name: 'provider', apiKey: 'provider-key', includeUsage: true, baseURL: base('tooling-sdk') },
  });
  const asked: unknown[] = [];
  const look = tool({
    inputSchema: jsonSchema<{ question: string }>({ type: 'object' }),
    execute: (input) => {
      asked.push(input);
      return 'a tree';
    },
  });
  const options = { model: sdk(model), prompt: 'What is there?', tools: { look }, stopWhen: isStepCount(3) };
  expect((await generateText(options)).text).toBe('The tools say: a tree');
  const { text, totalUsage } = streamText(options);
  expect(await text).toBe('The tools say: a tree');
  expect((await totalUsage).outputTokens).toBe(15);
  expect(asked).toEqual(Array(2).fill({ question: 'What is there?' }));
});

it.each([
  ['malformed', 'JSON'],
  ['cut', 'terminated'],
  ['cutearly', 'Connection error.'],
  ['erring', 'It went wrong'],
  ['busy1', '429'],
  ['failing', '500 It went wrong: Bearer provider-key at http://127.0.0.1'],
  ['failing503', '503'],
  ['refusing', '400'],
  ['toolong', '400'],
  ['unauthorised', '401'],
  ['poor', '402'],
  ['modelless', '404'],
])('`%s` gives OpenAI’s client an error: %s', async (behaviour, message) => {
  await expect(read(`${behaviour}-errors`)).rejects.toThrow(message);
});

it('says when to come back', async () => {
  await expect(read('busy60-headers')).rejects.toMatchObject({
    headers: expect.toSatisfy((headers: Headers) => headers.get('Retry-After') === '60'),
  });
});

it.each([
  ['unmetered', null],
  ['greedy', { prompt_tokens: 1e12, completion_tokens: 1e12, total_tokens: 2e12 }],
  ['lying1', { prompt_tokens: '5', completion_tokens: '7', total_tokens: '12' }],
])('`%s` says that it took %j', async (behaviour, usage) => {
  expect((await read(`${behaviour}-usage`)).usage ?? null).toEqual(usage);
  const whole = await clientOf(`${behaviour}-usage`).chat.completions.create({ model, messages });
  expect(whole.usage ?? null).toEqual(usage);
});

it.each(['cut', 'cutearly'])('says that `%s` closed the connection itself', async (behaviour) => {
  await expect(read(`${behaviour}-seen`)).rejects.toThrow();
  await expectSeen(`${behaviour}-seen`, [{ state: 'cut' }]);
});

it.each(['slow', 'mute', 'stalling'])('`%s` goes on when it is released', async (behaviour) => {
  const name = `${behaviour}-released`;
  const reading = read(name);
  await expectSeen(name, [{ state: 'open' }]);
  await fetch(`${provider.origin}/${name}/release`, { method: 'POST' });
  expect((await reading).text).toBe('You said: Grüße 👋');
  await expectSeen(name, [{ state: 'answered' }]);
});

it.each(['slow', 'mute', 'stalling', 'endless'])('sees when somebody leaves `%s`', async (behaviour) => {
  const name = `${behaviour}-left`;
  const leaving = new AbortController();
  const body = JSON.stringify({ model, messages, stream: true });
  const headers = { Authorization: 'Bearer provider-key' };
  const asking = fetch(`${base(name)}/chat/completions`, {
    ...{ method: 'POST', body, headers, signal: leaving.signal },
  }).then((response) => response.text());
  await expectSeen(name, [{ state: 'open' }]);
  leaving.abort();
  await expect(asking).rejects.toThrow('aborted');
  await expectSeen(name, [{ state: 'closed by the other side' }]);
});

it('answers as much as it is asked to', async () => {
  expect((await read('large300-streams')).text).toHaveLength(300 * 1024);
  const { choices } = await clientOf('large300-whole').chat.completions.create({ model, messages });
  expect(choices[0]?.message.content).toHaveLength(300 * 1024);
});

it('leads away, and sees who follows', async () => {
  await read('redirecting-away');
  expect(await seenBy('good-after-redirecting-away')).toHaveLength(1);
});

it('remembers requests as they came', async () => {
  await read('good-remembered');
  const [{ method, path, headers, body } = {} as Seen] = await seenBy('good-remembered');
  expect([method, path]).toEqual(['POST', '/good-remembered/v1/chat/completions']);
  expect(headers).toContainEqual(['authorization', 'Bearer provider-key']);
  expect(JSON.parse(body)).toMatchObject({ model, messages });
});

it('lists models, and wants its key', async () => {
  expect((await clientOf('good-models').models.list()).data).toMatchObject([{ id: 'good-model' }]);
  const { models, chat } = clientOf('good-models', 'another');
  await expect(models.list()).rejects.toThrow('401');
  await expect(chat.completions.create({ model, messages })).rejects.toThrow('401');
  expect((await fetch(`${provider.origin}/nobody-1/v1/models`)).status).toBe(404);
  expect(
    (
      await fetch(`${base('good-get')}/chat/completions`, {
        headers: { Authorization: 'Bearer provider-key' },
      })
    ).status,
  ).toBe(400);
});

it('refuses what is no question', async () => {
  for (const body of ['{', '{}', '{"model":"a","messages":[]}']) {
    const headers = { Authorization: 'Bearer provider-key' };
    const init = { method: 'POST', body, headers };
    expect((await fetch(`${base('good-refuses')}/chat/completions`, init)).status).toBe(400);
  }
});
