import { describe, expect, it } from 'vitest';
import {
  indentCode,
  insertBreak,
  leaveCodeByArrow,
  leaveCodeByEnter,
  openFence,
  outdentCode,
  resetBlock,
  toggleCodeBlock,
  toggleHeading,
  toggleQuote,
} from './blocks.ts';
import { applied, page, written } from './testing.ts';

it('makes a heading, another heading, and a paragraph again', () => {
  expect(applied('p(a|)', toggleHeading(2))).toBe('h2(a|)');
  expect(applied('h2(a|)', toggleHeading(3))).toBe('h3(a|)');
  expect(applied('h2(a|)', toggleHeading(2))).toBe('p(a|)');
});

it('puts blocks into a quote and takes them out', () => {
  expect(applied('p(|a) p(b|)', toggleQuote)).toBe('quote(p(|a) p(b|))');
  expect(applied('quote(p(a) p(b|) p(c))', toggleQuote)).toBe('quote(p(a)) p(b|) quote(p(c))');
  expect(applied('quote(ul(li(p(a|))))', toggleQuote)).toBe('ul(li(p(a|)))');
});

describe('a code block', () => {
  it('is made of one line or several, without their marks', () => {
    expect(applied('p(<strong>a</strong>|)', toggleCodeBlock)).toBe('pre(a|)');
    expect(applied('p(|a) h1(<em>b</em>) p(c|)', toggleCodeBlock)).toBe('pre(|a\nb\nc|)');
    expect(applied('p(a/b|)', toggleCodeBlock)).toBe('pre(a\nb|)');
    expect(applied('p(|a/b) p(c|)', toggleCodeBlock)).toBe('pre(|a\nb\nc|)');
  });

  it('becomes a paragraph with line breaks', () => {
    expect(applied('pre(a\nb|)', toggleCodeBlock)).toBe('p(a/b|)');
  });

  it('opens with Enter behind a fence that is all of the paragraph', () => {
    expect(applied('p(```|)', openFence)).toBe('pre(|)');
    expect(applied('p(```c++|)', openFence)).toBe('pre:c++(|)');
    expect(applied('p(a ```|)', openFence)).toBeNull();
    expect(applied('p(```ts| x)', openFence)).toBeNull();
    expect(applied('p(/```|)', openFence)).toBeNull();
  });

  it('is left with Enter on a second empty line, or down from its end', () => {
    expect(applied('pre(a\n\n|)', leaveCodeByEnter)).toBe('pre(a) p(|)');
    expect(applied('pre(a\n|)', leaveCodeByEnter)).toBeNull();
    expect(applied('pre(a|)', leaveCodeByArrow)).toBe('pre(a) p(|)');
    expect(applied('pre(|a)', leaveCodeByArrow)).toBeNull();
    expect(applied('pre(a|) p(b)', leaveCodeByArrow)).toBeNull();
    expect(applied('quote(pre(a|))', leaveCodeByArrow)).toBe('quote(pre(a) p(|))');
    expect(applied('quote(pre(a|)) p()', leaveCodeByArrow)).toBeNull();
  });

  it('is indented by two spaces', () => {
    expect(applied('pre(a\n|b)', indentCode)).toBe('pre(a\n  |b)');
    expect(applied('pre(a\n  b|)', outdentCode)).toBe('pre(a\nb|)');
    expect(applied('pre( b|)', outdentCode)).toBe('pre(b|)');
    expect(applied('p(a|)', indentCode)).toBeNull();
  });
});

it('Backspace makes headings and empty code blocks paragraphs', () => {
  expect(applied('h2(|a)', resetBlock)).toBe('p(|a)');
  expect(applied('h2(a|)', resetBlock)).toBeNull();
  expect(applied('pre(|)', resetBlock)).toBe('p(|)');
  expect(applied('pre(|a)', resetBlock)).toBeNull();
});

it('breaks a line inside its block', () => {
  expect(applied('p(a|b)', insertBreak)).toBe('p(a/|b)');
  expect(applied('pre(a|b)', insertBreak)).toBe('pre(a\n|b)');
});

it('reads and writes pages in one notation', () => {
  const notation =
    'h1(T) p(a <strong>b</strong>|/c) tasks(done(p(x)) todo(p(y|))) ol3(li(p(z))) pre:ts(q) hr() quote(p())';
  expect(written(page(notation))).toBe(notation);
});
