import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { Asker, seenBy, withProviders } from '../../test/asker.ts';
import { RELAY_ORIGIN } from '../../test/author.ts';
import type { Env } from '../env.ts';

const BASE_URL = `${RELAY_ORIGIN}/api/llm/v1`;
const HELLO = { model: 'model', messages: [{ role: 'user' as const, content: 'Hello there' }] };
const MOVE_CARD = {
  type: 'function' as const,
  function: { name: 'move_card', description: 'Moves it', parameters: { type: 'object', properties: {} } },
};

/** OpenAI's own client, with a session's token as its API key. */
async function openAi(name: string, more: Partial<Env> = {}) {
  const asker = await Asker.create({ ...withProviders(name), ...more });
  const client = new OpenAI({
    ...{ baseURL: BASE_URL, apiKey: await asker.token() },
    fetch: (url, init) => asker.pass(new Request(url, init as RequestInit)),
  });
  return { asker, client };
}

describe('the client of OpenAI', () => {
  it('[LLM1] gets a whole answer, and its usage', async () => {
    const { client } = await openAi('good-openai');
    const { choices, usage } = await client.chat.completions.create(HELLO);
    expect(choices[0]?.message.content).toBe('You said: Hello there 👋');
    expect(usage?.total_tokens).toBe(13);
  });

  it('[LLM1] gets a stream, and its usage though it did not ask', async () => {
    const { client, asker } = await openAi('trickle-openai');
    let text = '';
    let total: number | undefined;
    for await (const { choices, usage } of await client.chat.completions.create({ ...HELLO, stream: true })) {
      text += choices[0]?.delta.content ?? '';
      total = usage?.total_tokens ?? total;
    }
    expect(text).toBe('You said: Hello there 👋');
    expect(total).toBe(13);
    expect((await asker.usage()).tokens).toBe(13);
  });

  it('[LLM1] calls tools in a stream, and sends back what they gave', async () => {
    const { client } = await openAi('tooling-openai');
    const first = await client.chat.completions.stream({ ...HELLO, tools: [MOVE_CARD] }).finalMessage();
    const [call] = first.tool_calls ?? [];
    expect(call).toMatchObject({ type: 'function', function: { name: 'move_card' } });
    const messages = [
      ...HELLO.messages,
      first,
      { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'moved' },
    ];
    const { choices } = await client.chat.completions.create({ ...HELLO, messages, tools: [MOVE_CARD] });
    expect(choices[0]?.message.content).toBe('The tools say: moved');
  });

  it('[LLM1] lists the models, and knows one', async () => {
    const { client } = await openAi('good-models');
    const models = [];
    for await (const { id, owned_by } of client.models.list()) models.push([id, owned_by]);
    expect(models).toEqual([['model', 'good-models']]);
    expect((await client.models.retrieve('model')).id).toBe('model');
    await expect(client.models.retrieve('other/model')).rejects.toMatchObject({ code: 'llm/unknown-model' });
  });

  it('[LLM1] throws the sentence and the code of a problem, with the request’s id, and tries no more', async () => {
    const { client, asker } = await openAi('good-problem', { LLM_SESSION_TOKENS: '10' });
    const pass = vi.spyOn(asker, 'pass');
    const error: unknown = await client.chat.completions.create(HELLO).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({
      ...{ status: 429, code: 'llm/session-tokens-spent', requestID: expect.stringMatching(/^req_/) },
      message: expect.stringContaining('The tokens that one session may use in a day are spent.'),
    });
    expect(pass).toHaveBeenCalledOnce();
    expect(await seenBy('good-problem')).toEqual([]);
  });

  it('[LLM5] throws what ends a stream in the middle', async () => {
    const { client } = await openAi('erring-openai');
    const reading = async () => {
      for await (const chunk of await client.chat.completions.create({ ...HELLO, stream: true })) void chunk;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'llm/upstream-failed' });
  });
});

describe('an OpenAI-compatible provider of the AI SDK', () => {
  async function aiSdk(name: string) {
    const asker = await Asker.create(withProviders(name));
    const provider = createOpenAICompatible({
      ...{ name: 'parley', baseURL: BASE_URL, apiKey: await asker.token(), includeUsage: true },
      fetch: (url, init) => asker.pass(new Request(url as string, init as RequestInit)),
    });
    return provider('model');
  }

  it('[LLM1] generates text', async () => {
    const { text, usage } = await generateText({
      ...{ model: await aiSdk('good-aisdk'), prompt: 'Hello there', temperature: 0.5, maxOutputTokens: 100 },
    });
    expect(text).toBe('You said: Hello there 👋');
    expect(usage.totalTokens).toBe(13);
  });

  it('[LLM1] streams text with tools that it runs in between', async () => {
    const tools = {
      move_card: tool({
        description: 'Moves it',
        inputSchema: z.object({ question: z.string() }),
        execute: ({ question }) => `moved for ${question}`,
      }),
    };
    const { text, steps } = streamText({
      ...{ model: await aiSdk('tooling-aisdk'), prompt: 'Hello there', tools },
      stopWhen: ({ steps: made }) => made.length === 2,
    });
    expect(await text).toContain('moved for Hello there');
    expect(await steps).toHaveLength(2);
  });
});
