import { describe, expect, it, vi } from 'vitest';
import type { Verdict } from '../access/llm-budget.ts';
import { completeChat, streamChat, type ChatWorld } from './answer-chat.ts';
import type { CallProvider } from './ask-provider.ts';
import { readChatRequest } from './chat-request.ts';
import { LlmRecorder } from './record.ts';
import { readLlmSettings } from './settings.ts';

const ONE = { name: 'one', baseUrl: 'https://one.example/v1', models: ['small'] };
const WORST = { tokens: 63 + 8_192, money: 63 * 5 + 8_192 * 25 };

/** A world in which a client asks `call`, what it is charged, and whether anything keeps its request alive. */
function ask(isStream: boolean, call: CallProvider, changes: Partial<ChatWorld> = {}) {
  const client = new AbortController();
  const reserve = vi.fn<ChatWorld['budget']['reserve']>(async () => ({ id: 'reservation' }));
  const settle = vi.fn<ChatWorld['budget']['settle']>(async () => undefined);
  let held = 0;
  const world: ChatWorld = {
    settings: readLlmSettings({ LLM_UPSTREAMS: JSON.stringify([ONE]) }, false),
    ...{ call, budget: { reserve, settle }, resting: new Map(), now: () => 0, random: () => 0 },
    pause: async () => undefined,
    later: () => undefined,
    hold() {
      held += 1;
      return () => (held -= 1);
    },
    ...changes,
  };
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello there, whoever' }] });
  const request = readChatRequest(new TextEncoder().encode(body), world.settings);
  const recorder = new LlmRecorder(
    'req',
    () => 0,
    () => undefined,
  );
  const asker = { sessionId: 'session', prefix: null, signal: client.signal };
  const asked = (isStream ? streamChat : completeChat)(world, { ...request, isStream }, asker, recorder);
  return { asked, client, reserve, settle, held: () => held };
}

const fail: CallProvider = async () => new Response(null, { status: 500 });

/** Something that is waited for, and whether it is by now. */
function gate<Value>() {
  const { promise, resolve } = Promise.withResolvers<Value>();
  const wait = vi.fn(() => promise);
  return { wait, open: resolve, reached: () => vi.waitFor(() => expect(wait).toHaveBeenCalled()) };
}

describe.each([true, false])('a question (stream: %s)', (isStream) => {
  it('[LLM12] whose client goes while the budget is asked costs nothing, and is held until that is settled', async () => {
    const { wait, open, reached } = gate<Verdict>();
    const settle = vi.fn<ChatWorld['budget']['settle']>(async () => undefined);
    const call = vi.fn(fail);
    const { asked, client, held } = ask(isStream, call, { budget: { reserve: wait, settle } });
    const gone = expect(asked).rejects.toThrow(expect.objectContaining({ name: 'ClientGone' }));
    await reached();
    expect(held()).toBe(1);
    client.abort();
    open({ id: 'late' });
    await gone;
    expect(settle.mock.calls).toEqual([['late', { tokens: 0, money: 0 }]]);
    expect(call).not.toHaveBeenCalled();
    expect(held()).toBe(0);
  });

  it('[LLM12] whose client goes while a provider is asked costs all, and is held until that is settled', async () => {
    const call = vi.fn<CallProvider>(
      (_, __, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
    );
    const { asked, client, settle, held } = ask(isStream, call);
    const gone = expect(asked).rejects.toThrow(expect.objectContaining({ name: 'ClientGone' }));
    await vi.waitFor(() => expect(call).toHaveBeenCalled());
    expect(held()).toBe(1);
    client.abort();
    await gone;
    expect(settle.mock.calls).toEqual([['reservation', WORST]]);
    expect(held()).toBe(0);
  });

  it('[LLM12] whose client goes in a pause between two turns costs nothing, and is held until that is settled', async () => {
    const { wait, open, reached } = gate<undefined>();
    const call = vi.fn(fail);
    const { asked, client, settle, held } = ask(isStream, call, { pause: wait });
    const gone = expect(asked).rejects.toThrow(expect.objectContaining({ name: 'ClientGone' }));
    await reached();
    expect(held()).toBe(1);
    client.abort();
    open(undefined);
    await gone;
    expect(settle.mock.calls).toEqual([['reservation', { tokens: 0, money: 0 }]]);
    expect(call).toHaveBeenCalledTimes(1);
    expect(held()).toBe(0);
  });

  it('[LLM12] that a provider refuses: what was reserved is settled once, and nothing is held', async () => {
    const { asked, settle, held } = ask(isStream, fail);
    await expect(asked).rejects.toHaveProperty('code', 'llm/upstream-failed');
    expect(settle.mock.calls).toEqual([['reservation', { tokens: 0, money: 0 }]]);
    expect(held()).toBe(0);
  });

  it('[LLM13] is reserved for as long as all turns and the answer may take', async () => {
    const { asked, reserve } = ask(isStream, fail);
    await expect(asked).rejects.toThrow();
    expect(reserve.mock.calls[0]?.[0].lifetime).toBe(2 * (90_000 + 5_000) + 600_000);
  });
});
