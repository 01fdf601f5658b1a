import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { expect, inject, it, vi } from 'vitest';
import { Author } from '../test/author.ts';

/** Asks the demonstration, which takes its time for each word, over a connection of its own. */
async function ask(words: string): Promise<{ next: (text: string) => Promise<void>; leave: () => void }> {
  const relay = inject('relayUrl');
  const token = await (await Author.create()).token('writer', { scope: undefined, aud: relay });
  const sent = request(`${relay}/api/llm/v1/chat/completions`, {
    ...{ method: 'POST', agent: false },
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  });
  let come = '';
  sent.on('response', (response) =>
    response.setEncoding('utf8').on('data', (text: string) => (come += text)),
  );
  // It ends when the client leaves.
  sent.on('error', () => undefined);
  sent.end(JSON.stringify({ stream: true, messages: [{ role: 'user', content: words }] }));
  return {
    next: (text) => vi.waitFor(() => expect(come).toContain(text), { timeout: 20_000 }),
    leave: () => sent.destroy(),
  };
}

interface Seen {
  readonly state: string;
}

it('[LLM4] a client that leaves in the middle of an answer ends the provider’s work, and the log has its line', async () => {
  const { next, leave } = await ask('canary-words '.repeat(500));
  await next('demonstration');
  leave();
  const seen = async () =>
    (await (await fetch(`${inject('llmProvider')}/demonstration-dev/seen`)).json()) as readonly Seen[];
  await vi.waitFor(async () => expect((await seen()).at(-1)?.state).toBe('closed by the other side'), {
    timeout: 20_000,
  });
  const log = () => readFileSync(inject('relayLog'), 'utf8');
  await vi.waitFor(() => expect(log()).toContain('"end":"gone"'), { timeout: 20_000 });
  expect(log()).not.toContain('canary-words');
});
