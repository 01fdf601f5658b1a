import OpenAI from 'openai';
import { expect, it, onTestFinished } from 'vitest';
import { demonstrate } from './demonstration.ts';
import { startProvider } from './provider.ts';
import { question } from './wire.ts';

const NOTICE = /^This is the demonstration: no AI answers\. .* LLM_BASE_URL, .*\n\n/;

/** What it answers to these messages when it has two tools. */
function ask(...messages: { role: string; content: string }[]) {
  const tools = ['add_card', 'read_plan'].map((name) => ({ type: 'function', function: { name } }));
  const { words, calls } = demonstrate(question.parse({ model: 'demonstration', messages, tools }));
  const text = words.join('');
  expect(text).toMatch(NOTICE);
  return { text: text.replace(NOTICE, ''), calls };
}

const user = (content: string) => ({ role: 'user', content });

it('[LLM19] counts what it was given', () => {
  const { text, calls } = ask({ role: 'system', content: 'Be brief.' }, user('Hello'), user('And?'));
  expect(text).toBe(
    'It was given 3 messages (1 system, 2 user) of 18 characters in all, and 2 tools: add_card, read_plan. It calls one when you ' +
      'write /add_card {"some": "arguments"}. The last question was: “And?”',
  );
  expect(calls).toEqual([]);
});

it('[LLM19] calls the tools that the last question names, with their arguments', () => {
  const { text, calls } = ask(user('/read_plan'), user('Please:\n/add_card {"title": "a b"}\n/read_plan\n'));
  expect(text).toBe('It calls add_card, read_plan.');
  expect(calls).toEqual([
    { name: 'add_card', arguments: '{"title": "a b"}' },
    { name: 'read_plan', arguments: '{}' },
  ]);
});

it.each(['{"title"', '[]', 'null', 'title'])('[LLM19] does not call a tool with %s', (given) => {
  const { text, calls } = ask(user(`/add_card ${given}`));
  expect(text).toBe(`What follows /add_card is no JSON object: “${given}”.`);
  expect(calls).toEqual([]);
});

it('[LLM19] calls no tool that it was not given', () => {
  expect(ask(user('/remove_all {}')).calls).toEqual([]);
});

it('[LLM19] says what the tools gave', () => {
  const assistant = { role: 'assistant', content: '' };
  const results = ['x'.repeat(400), 'done'].map((content) => ({ role: 'tool', content }));
  expect(ask(user('/add_card'), assistant, ...results).text).toBe(
    `The tools gave: “${'x'.repeat(300)}…”, “done”.`,
  );
  expect(ask(user('/add_card'), assistant, ...results, user('And?')).text).toContain('5 messages');
});

it('is one of the provider’s behaviours, streaming and not, with a model of its name', async () => {
  const provider = await startProvider({ paceMs: 0 });
  onTestFinished(provider.stop);
  const baseURL = `${provider.origin}/demonstration-1/v1`;
  const { models, chat } = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
  expect((await models.list()).data).toMatchObject([{ id: 'demonstration', owned_by: 'demonstration' }]);
  const request = { model: 'demonstration', messages: [{ role: 'user' as const, content: 'Hello' }] };
  const whole = await chat.completions.create(request);
  const streamed = await chat.completions.stream(request).finalChatCompletion();
  for (const { choices } of [whole, streamed]) {
    expect(choices[0]?.message.content).toMatch(NOTICE);
    expect(choices[0]?.message.content).toMatch(/and no tools\. The last question was: “Hello”$/);
  }
});
