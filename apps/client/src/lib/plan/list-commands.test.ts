import { describe, expect, it } from 'vitest';
import { planCommands } from './commands.ts';
import { liftItem, liftItemAtStart, sinkItem, splitItem, toggleTask } from './list-commands.ts';
import { applied, HeadlessEditor } from './testing.ts';

describe('the buttons for lists', () => {
  const { bulletList, orderedList, taskList } = planCommands;

  it('make a list of what is selected', () => {
    expect(applied('p(a|)', bulletList)).toBe('ul(li(p(a|)))');
    expect(applied('p(|a) p(b|) p(c)', orderedList)).toBe('ol(li(p(|a)) li(p(b|))) p(c)');
    expect(applied('p(a|)', taskList)).toBe('tasks(todo(p(a|)))');
  });

  it('make paragraphs of headings on the way', () => {
    expect(applied('h1(|a) p(b|)', bulletList)).toBe('ul(li(p(|a)) li(p(b|)))');
  });

  it('change the kind of a list', () => {
    expect(applied('ul(li(p(a)) li(p(b|)))', taskList)).toBe('tasks(todo(p(a)) todo(p(b|)))');
    expect(applied('tasks(done(p(a|)) todo(p(b)))', orderedList)).toBe('ol(li(p(a|)) li(p(b)))');
  });

  it('change only the innermost list', () => {
    expect(applied('ul(li(p(a) ul(li(p(b|)))))', taskList)).toBe('ul(li(p(a) tasks(todo(p(b|)))))');
  });

  it('take an item out of a list of the same kind', () => {
    expect(applied('ul(li(p(a)) li(p(b|)) li(p(c)))', bulletList)).toBe('ul(li(p(a))) p(b|) ul(li(p(c)))');
  });

  it('join the list that they make with its neighbours', () => {
    expect(applied('ul(li(p(a))) p(b|) ul(li(p(c)))', bulletList)).toBe('ul(li(p(a)) li(p(b|)) li(p(c)))');
  });

  it('gather lists and other blocks into one list, and take that apart again', () => {
    expect(applied('p(|a) ul(li(p(b)) li(p(c))) h2(d|)', taskList)).toBe(
      'tasks(todo(p(|a)) todo(p(b)) todo(p(c)) todo(p(d|)))',
    );
    expect(applied('ul(li(p(|a))) ul(li(p(b|)))', bulletList)).toBe('p(|a) p(b|)');
  });

  it('see "select all" as all the text', () => {
    const editor = HeadlessEditor.open('ul(li(p(a)) li(p(b)))');
    editor.press('Mod-a');
    editor.press('Mod-Shift-8');
    expect(editor.text).toBe('p(a) p(b)');
  });
});

describe('Enter in an item', () => {
  it('starts the next item', () => {
    expect(applied('ul(li(p(a|b)))', splitItem)).toBe('ul(li(p(a)) li(p(|b)))');
    expect(applied('ul(li(p(a|)))', splitItem)).toBe('ul(li(p(a)) li(p(|)))');
  });

  it('starts an unchecked task', () => {
    expect(applied('tasks(done(p(a|)))', splitItem)).toBe('tasks(done(p(a)) todo(p(|)))');
    expect(applied('tasks(done(p(a|b)))', splitItem)).toBe('tasks(done(p(a)) todo(p(|b)))');
  });

  it('leaves a task checked that it puts an empty one in front of', () => {
    expect(applied('tasks(done(p(|a)))', splitItem)).toBe('tasks(todo(p()) done(p(|a)))');
  });

  it('goes out of the list from an empty item', () => {
    const editor = HeadlessEditor.open('tasks(todo(p(a)) todo(p(|)))');
    editor.press('Enter');
    expect(editor.written).toBe('tasks(todo(p(a))) p(|)');
  });

  it('goes one level up from an empty nested item', () => {
    const editor = HeadlessEditor.open('ul(li(p(a) ul(li(p(b)) li(p(|)))))');
    editor.press('Enter');
    expect(editor.written).toBe('ul(li(p(a) ul(li(p(b)))) li(p(|)))');
    editor.press('Enter');
    expect(editor.written).toBe('ul(li(p(a) ul(li(p(b))))) p(|)');
  });
});

describe('levels', () => {
  it('go down under the item above', () => {
    expect(applied('ul(li(p(a)) li(p(b|)))', sinkItem)).toBe('ul(li(p(a) ul(li(p(b|)))))');
    expect(applied('ul(li(p(a|)))', sinkItem)).toBeNull();
  });

  it('keep a task checked on the way', () => {
    expect(applied('tasks(todo(p(a)) done(p(b|)))', sinkItem)).toBe('tasks(todo(p(a) tasks(done(p(b|)))))');
    expect(applied('tasks(todo(p(a) tasks(done(p(b|)))))', liftItem)).toBe('tasks(todo(p(a)) done(p(b|)))');
  });

  it('go up, also out of a list of another kind', () => {
    expect(applied('ul(li(p(a) ul(li(p(b|)))))', liftItem)).toBe('ul(li(p(a)) li(p(b|)))');
    expect(applied('ul(li(p(a) tasks(todo(p(b|)))))', liftItem)).toBe('ul(li(p(a)) li(p(b|)))');
    expect(applied('tasks(todo(p(a) ul(li(p(b)) li(p(c|)))))', liftItem)).toBe(
      'tasks(todo(p(a) ul(li(p(b)))) todo(p(c|)))',
    );
  });

  it('go up with Backspace at the start of an item, and only there', () => {
    expect(applied('ul(li(p(|a)))', liftItemAtStart)).toBe('p(|a)');
    expect(applied('ul(li(p(a|)))', liftItemAtStart)).toBeNull();
    expect(applied('ul(li(p(a) p(|b)))', liftItemAtStart)).toBeNull();
  });
});

it('checks and unchecks the innermost task', () => {
  expect(applied('tasks(todo(p(a|)))', toggleTask)).toBe('tasks(done(p(a|)))');
  expect(applied('tasks(done(p(a) tasks(done(p(b|)))))', toggleTask)).toBe(
    'tasks(done(p(a) tasks(todo(p(b|)))))',
  );
  expect(applied('p(a|)', toggleTask)).toBeNull();
});
