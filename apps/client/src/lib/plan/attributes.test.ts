import { expect, it } from 'vitest';
import { readChecked, readHeadingLevel, readLanguage, readListStart } from './attributes.ts';

const GARBAGE = ['x', {}, [], null, undefined, true, NaN, () => 1];

it('reads a heading\u2019s level as 1 to 3', () => {
  expect([1, 2, 3].map(readHeadingLevel)).toEqual([1, 2, 3]);
  expect([-1e9, 0, 1.5, 2.5, 4, 1e9, Infinity].map(readHeadingLevel)).toEqual([1, 1, 1, 2, 3, 3, 3]);
  expect(GARBAGE.map(readHeadingLevel)).toEqual(GARBAGE.map(() => 1));
});

it('reads a list\u2019s first number as 0 to 999,999,999', () => {
  expect([0, 1, 42].map(readListStart)).toEqual([0, 1, 42]);
  expect([-1e9, 1e12].map(readListStart)).toEqual([0, 999_999_999]);
  expect([1.5, Infinity, ...GARBAGE].map(readListStart)).toEqual([1, 1, ...GARBAGE.map(() => 1)]);
});

it('reads as checked only what is true', () => {
  expect([true, false, 1, 'true', {}, null].map(readChecked)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

it('reads a short name as a language, and nothing else', () => {
  expect(['ts', 'c++', 'objective-c', 'asp.net', 'c#'].map(readLanguage)).toEqual([
    'ts',
    'c++',
    'objective-c',
    'asp.net',
    'c#',
  ]);
  expect(['', 'a b', '"><script>', 'x'.repeat(31), 5, {}].map(readLanguage)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});
