import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nestingOf } from './nesting.ts';

/** How deep a value goes, found by walking through it. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it('[LLM8] is as deep as what the text says', () => {
  const value = fc.jsonValue({ maxDepth: 8, stringUnit: fc.constantFrom('[', '}', '"', '\\', '{', 'a') });
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), (json, space) => {
      expect(nestingOf(JSON.stringify(json, null, space), Infinity)).toBe(depthOf(json));
    }),
    { numRuns: 500 },
  );
});

it.each([
  ['', 0],
  ['1', 0],
  ['[]', 1],
  ['[[],[]]', 2],
  ['{"a":[{}]}', 3],
  ['"[[["', 0],
  ['["\\"[[["]', 1],
  ['["\\\\",[]]', 2],
  ['["\\\\\\"[[["]', 1],
  ['"[[[', 0],
  ['"\\', 0],
])('[LLM8] %s has %i levels', (json, levels) => {
  expect(nestingOf(json, Infinity)).toBe(levels);
});

it('[LLM8] stops counting where it is enough', () => {
  expect(nestingOf('['.repeat(1_000), 65)).toBe(65);
  expect(nestingOf('[[[]]]', 3)).toBe(3);
});

it.each(['[', '{"a":', ']', '"', '\\', '[{'])('[LLM8] a million times %s does not end the stack', (open) => {
  const text = open.repeat(1_000_000);
  expect(nestingOf(text, Infinity)).toBe((text.match(/[[{]/g) ?? []).length);
});
