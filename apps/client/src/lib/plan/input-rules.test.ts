import { describe, expect, it } from 'vitest';
import { HeadlessEditor } from './testing.ts';

function typed(text: string, into = 'p(|)'): string {
  return HeadlessEditor.open(into).type(text).written;
}

describe('Markdown at the start of a paragraph', () => {
  it.each([
    ['# ', 'h1(|)'],
    ['## ', 'h2(|)'],
    ['### ', 'h3(|)'],
    ['#### ', 'p(#### |)'],
    ['#x', 'p(#x|)'],
    ['- ', 'ul(li(p(|)))'],
    ['* ', 'ul(li(p(|)))'],
    ['+ ', 'ul(li(p(|)))'],
    ['1. ', 'ol(li(p(|)))'],
    ['7. ', 'ol7(li(p(|)))'],
    ['0) ', 'ol0(li(p(|)))'],
    ['[] ', 'tasks(todo(p(|)))'],
    ['[ ] ', 'tasks(todo(p(|)))'],
    ['[x] ', 'tasks(done(p(|)))'],
    ['[X] ', 'tasks(done(p(|)))'],
    ['> ', 'quote(p(|))'],
    ['``` ', 'pre(|)'],
    ['```ts ', 'pre:ts(|)'],
    ['---', 'hr() p(|)'],
    ['—-', 'hr() p(|)'],
  ])('%j makes %s', (text, result) => {
    expect(typed(text)).toBe(result);
  });

  it.each([
    ['# ', 'p(so |)'],
    ['- ', 'h1(|)'],
    ['- ', 'pre(|)'],
    ['# ', 'pre(|)'],
    ['--- ', 'pre(|)'],
    ['[] ', 'pre(|)'],
    ['# ', 'p(<code>a|b</code>)'],
    ['- ', 'ul(li(p(|)))'],
    ['1. ', 'tasks(todo(p(|)))'],
    ['---', 'ul(li(p(|)))'],
  ])('%j in %s stays as it is', (text, page) => {
    expect(typed(text, page)).toBe(page.replace('|', `${text}|`));
  });

  it('opens a code block with Enter behind the fence', () => {
    const editor = HeadlessEditor.open('p(|)').type('```js');
    expect(editor.press('Enter')).toBe(true);
    expect(editor.written).toBe('pre:js(|)');
  });

  it('carries a list on that stands above', () => {
    expect(typed('- ', 'ul(li(p(one))) p(|)')).toBe('ul(li(p(one)) li(p(|)))');
    expect(typed('2. ', 'ol(li(p(one))) p(|)')).toBe('ol(li(p(one)) li(p(|)))');
    expect(typed('5. ', 'ol(li(p(one))) p(|)')).toBe('ol(li(p(one))) ol5(li(p(|)))');
    expect(typed('> ', 'quote(p(one)) p(|)')).toBe('quote(p(one) p(|))');
  });

  it('makes an item of a list a task, and leaves its neighbours', () => {
    expect(typed('[] ', 'ul(li(p(|)))')).toBe('tasks(todo(p(|)))');
    expect(typed('[x] ', 'ul(li(p(a)) li(p(|b)) li(p(c)))')).toBe(
      'ul(li(p(a))) tasks(done(p(|b))) ul(li(p(c)))',
    );
    expect(typed('[] ', 'tasks(todo(p(a))) ul(li(p(|b)) li(p(c)))')).toBe(
      'tasks(todo(p(a)) todo(p(|b))) ul(li(p(c)))',
    );
    expect(typed('[] ', 'ul(li(p(a) ul(li(p(|b)))))')).toBe('ul(li(p(a) tasks(todo(p(|b)))))');
  });

  it('checks or unchecks the task that it is typed into', () => {
    expect(typed('[x] ', 'tasks(todo(p(a)) todo(p(|b)))')).toBe('tasks(todo(p(a)) done(p(|b)))');
    expect(typed('[ ] ', 'tasks(done(p(|)))')).toBe('tasks(todo(p(|)))');
    expect(typed('[] ', 'tasks(done(p(|)))')).toBe('tasks(todo(p(|)))');
    expect(typed('[x] ', 'tasks(todo(p(a |)))')).toBe('tasks(todo(p(a [x] |)))');
    const editor = HeadlessEditor.open('tasks(done(p(|a)))').type('[ ] ');
    editor.press('Backspace');
    expect(editor.written).toBe('tasks(done(p([ ] |a)))');
  });

  it('keeps what stands behind the cursor', () => {
    expect(typed('## ', 'p(|Title)')).toBe('h2(|Title)');
    expect(typed('---', 'p(|after)')).toBe('hr() p(|after)');
  });
});

describe('Markdown inside a line', () => {
  it.each([
    ['**b**', 'p(<strong>b</strong>|)'],
    ['a **bold text** ', 'p(a <strong>bold text</strong> |)'],
    ['__b__', 'p(<strong>b</strong>|)'],
    ['*i*', 'p(<em>i</em>|)'],
    ['_i_', 'p(<em>i</em>|)'],
    ['~~s~~', 'p(<strike>s</strike>|)'],
    ['`c` x', 'p(<code>c</code> x|)'],
    ['(*i*', 'p((<em>i</em>|)'],
    ['[t](https://a.org) x', 'p(<link https://a.org>t</link> x|)'],
    ['[t](a.org/b_(c))', 'p(<link https://a.org/b_(c)>t</link>|)'],
    ['[a b](mailto:a@b.org)', 'p(<link mailto:a@b.org>a b</link>|)'],
  ])('%j makes %s', (text, result) => {
    expect(typed(text)).toBe(result);
  });

  it.each([
    'snake_case_name',
    '2*3*4',
    'a * b * c',
    '_ x_',
    '** b**',
    '****',
    '__init',
    '5__x__',
    '![t](https://a.org)',
    '[t](javascript:alert(1))',
    '[t](nowhere)',
    '[](https://a.org)',
    '``',
  ])('%j stays as it is', (text) => {
    expect(HeadlessEditor.open('p(|)').type(text).state.doc.textContent).toBe(text);
    expect(typed(text)).not.toContain('<');
  });

  it('has no meaning inside code', () => {
    expect(typed('**b**', 'pre(|)')).toBe('pre(**b**|)');
    expect(typed('**b** ', 'p(<code>a|b</code>)')).toBe('p(<code>a**b** |b</code>)');
    expect(typed('*', 'p(*a<code>b</code>c|)')).toBe('p(*a<code>b</code>c*|)');
  });
});

describe('Backspace right after a shortcut', () => {
  it.each(['# ', '- ', '1. ', '[x] ', '> ', '```ts ', '---', '**b**', '`c`', '[t](a.org)'])(
    'brings %j back',
    (text) => {
      const editor = HeadlessEditor.open('p(|)').type(text);
      expect(editor.press('Backspace')).toBe(true);
      expect(editor.state.doc.textContent).toBe(text);
      expect(editor.state.doc.childCount).toBe(1);
    },
  );

  it('does so no more once something else was typed', () => {
    const editor = HeadlessEditor.open('p(|)').type('**b**x');
    expect(editor.press('Backspace')).toBe(false);
  });
});
