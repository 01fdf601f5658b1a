import fc from 'fast-check';
import { expect, it } from 'vitest';
import { measureJson } from './json-size.ts';

const EVERYTHING = { levels: Infinity, values: Infinity };

/** How many values there are in one, with itself, and where brackets are empty one more. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const parts = Object.values(value).map(valuesIn);
  return parts.reduce((sum, count) => sum + count, parts.length === 0 ? 2 : 1);
}

/** How deep a value goes, found by walking through it. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it('[LLM8] is as deep as what the text says, and has as many values', () => {
  const value = fc.jsonValue({ maxDepth: 8, stringUnit: fc.constantFrom('[', '}', '"', '\\', '{', 'a') });
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), (json, space) => {
      expect(measureJson(JSON.stringify(json, null, space), EVERYTHING)).toEqual({
        ...{ levels: depthOf(json), values: valuesIn(json) },
      });
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
  expect(measureJson(json, EVERYTHING).levels).toBe(levels);
});

it('[LLM8] stops counting where it is enough', () => {
  expect(measureJson('['.repeat(1_000), { ...EVERYTHING, levels: 65 }).levels).toBe(65);
  expect(measureJson('[[[]]]', { ...EVERYTHING, levels: 3 }).levels).toBe(3);
  expect(measureJson(','.repeat(1_000), { ...EVERYTHING, values: 65 }).values).toBe(65);
});

it.each(['[', '{"a":', ']', '"', '\\', '[{'])('[LLM8] a million times %s does not end the stack', (open) => {
  const text = open.repeat(1_000_000);
  expect(measureJson(text, EVERYTHING).levels).toBe((text.match(/[[{]/g) ?? []).length);
});
