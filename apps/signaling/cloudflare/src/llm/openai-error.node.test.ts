import { CATALOGUE, type RelayProblemCode } from '../catalogue.ts';
import { describe, expect, it } from 'vitest';
import { openAiError, problemEvent } from './openai-error.ts';

const codes = Object.keys(CATALOGUE) as RelayProblemCode[];

describe('an error', () => {
  it.each<[RelayProblemCode, string]>([
    ['llm/parameter', 'invalid_request_error'],
    ['llm/unknown-model', 'invalid_request_error'],
    ['llm/too-large', 'invalid_request_error'],
    ['access/token-missing', 'authentication_error'],
    ['llm/session-money-spent', 'insufficient_quota'],
    ['llm/off', 'permission_error'],
    ['llm/relay-tokens-spent', 'rate_limit_error'],
    ['llm/upstream-failed', 'server_error'],
    ['llm/not-configured', 'server_error'],
    ['llm/upstream-silent', 'server_error'],
  ])('[LLM1] %s is of the type %s', (code, type) => {
    expect(openAiError(code, null)).toEqual({ message: CATALOGUE[code].detail, type, param: null, code });
  });

  it('[LLM1] names the parameter', () => {
    expect(openAiError('llm/parameter', 'messages.0.role').param).toBe('messages.0.role');
  });

  it('[LLM1] none lacks a sentence or a type', () => {
    for (const code of codes) {
      const { message, type } = openAiError(code, null);
      expect(message).toMatch(/\.$/);
      expect(type).toMatch(/^[a-z_]+$/);
    }
  });
});

it('[LLM5] in a stream it is an event of its own, also after half a line', () => {
  const text = new TextDecoder().decode(problemEvent('llm/upstream-cut'));
  const events = `data: {"a":1}\n\ndata: {"b${text}`.split('\n\n');
  expect(events).toEqual([
    ...['data: {"a":1}', 'data: {"b'],
    `data: ${JSON.stringify({ error: openAiError('llm/upstream-cut', null) })}`,
    '',
  ]);
});
