import { describe, expect, it } from 'vitest';
import { SHORTCUTS, describeShortcut } from './shortcuts.ts';
import { HeadlessEditor } from './testing.ts';

function pressed(notation: string, ...keys: string[]): string {
  const editor = HeadlessEditor.open(notation);
  for (const key of keys) editor.press(key);
  return editor.written;
}

it.each([
  ['Mod-b', 'p(<strong>|a</strong>|)'],
  ['Mod-i', 'p(<em>|a</em>|)'],
  ['Mod-e', 'p(<code>|a</code>|)'],
  ['Mod-Shift-x', 'p(<strike>|a</strike>|)'],
  ['Mod-Alt-1', 'h1(|a|)'],
  ['Mod-Alt-2', 'h2(|a|)'],
  ['Mod-Alt-3', 'h3(|a|)'],
  ['Mod-Shift-7', 'ol(li(p(|a|)))'],
  ['Mod-Shift-8', 'ul(li(p(|a|)))'],
  ['Mod-Shift-9', 'tasks(todo(p(|a|)))'],
  ['Mod-Shift-b', 'quote(p(|a|))'],
])('%s formats', (keys, result) => {
  expect(pressed('p(|a|)', keys)).toBe(result);
});

it('Mod-Alt-0 makes a paragraph again', () => {
  expect(pressed('h2(a|)', 'Mod-Alt-0')).toBe('p(a|)');
});

it('Mod-Enter checks a task or leaves a code block', () => {
  expect(pressed('tasks(todo(p(a|)))', 'Mod-Enter')).toBe('tasks(done(p(a|)))');
  expect(pressed('pre(a|)', 'Mod-Enter')).toBe('pre(a) p(|)');
  expect(pressed('tasks(todo(pre(a|)))', 'Mod-Enter')).toBe('tasks(todo(pre(a) p(|)))');
});

it('Backspace goes from heading in an item to paragraph to the level above', () => {
  expect(pressed('ul(li(p(a)) li(h2(|b)))', 'Backspace')).toBe('ul(li(p(a)) li(p(|b)))');
  expect(pressed('ul(li(p(a)) li(h2(|b)))', 'Backspace', 'Backspace')).toBe('ul(li(p(a))) p(|b)');
  expect(pressed('quote(ul(li(p(|a))))', 'Backspace', 'Backspace')).toBe('p(|a)');
  expect(pressed('p(x) quote(p(|a) p(b))', 'Backspace')).toBe('p(x) p(|a) quote(p(b))');
});

it('Enter leaves a quote from an empty line, and goes on with text after a heading', () => {
  expect(pressed('quote(p(a) p(|))', 'Enter')).toBe('quote(p(a)) p(|)');
  expect(pressed('h1(a|)', 'Enter')).toBe('h1(a) p(|)');
});

it('formats all the text when everything is selected', () => {
  expect(pressed('quote(p(a) p(b))', 'Mod-a', 'Mod-Shift-b')).toBe('p(|a) p(b|)');
  expect(pressed('ul(li(p(a)) li(p(b)))', 'Mod-a', 'Mod-Shift-9')).toBe('tasks(todo(p(|a)) todo(p(b|)))');
});

describe('Tab', () => {
  it('indents in lists and code', () => {
    expect(pressed('ul(li(p(a)) li(p(|b)))', 'Tab')).toBe('ul(li(p(a) ul(li(p(|b)))))');
    expect(pressed('pre(|a)', 'Tab')).toBe('pre(  |a)');
    expect(pressed('ul(li(p(a) ul(li(p(|b)))))', 'Shift-Tab')).toBe('ul(li(p(a)) li(p(|b)))');
  });

  it('stays in a list where there is nothing to indent', () => {
    expect(HeadlessEditor.open('ul(li(p(|a)))').press('Tab')).toBe(true);
  });

  it.each(['p(a|)', 'h1(a|)', 'quote(p(a|))'])('moves on from %s', (notation) => {
    expect(HeadlessEditor.open(notation).press('Tab')).toBe(false);
    expect(HeadlessEditor.open(notation).press('Shift-Tab')).toBe(false);
  });

  it.each(['Tab', 'Shift-Tab'])('leaves lists and code after Escape: %s', (key) => {
    for (const notation of ['ul(li(p(a)) li(p(|b)))', 'pre(|a)']) {
      const editor = HeadlessEditor.open(notation);
      editor.press('Escape');
      editor.press('Shift');
      expect(editor.press(key)).toBe(false);
      expect(editor.written).toBe(notation);
    }
  });

  it('indents again when something else was pressed after Escape', () => {
    expect(pressed('pre(|a)', 'Escape', 'ArrowUp', 'Tab')).toBe('pre(  |a)');
  });
});

it.each(['Mod-k', '?', 'Mod-Shift-k'])('leaves %s to the app', (keys) => {
  expect(HeadlessEditor.open('p(a|)').press(keys)).toBe(false);
});

it('names shortcuts as the device does', () => {
  expect(describeShortcut(SHORTCUTS.strike, true)).toBe('⌘⇧X');
  expect(describeShortcut(SHORTCUTS.strike, false)).toBe('Ctrl+Shift+X');
});
