import { expect, it } from 'vitest';
import { describeFormat } from './format.ts';
import { HeadlessEditor, page } from './testing.ts';

function active(notation: string): string[] {
  return [...describeFormat(page(notation), false, false).active].sort();
}

it('tells what the selection already is', () => {
  expect(active('p(a|)')).toEqual(['paragraph']);
  expect(active('h2(a|)')).toEqual(['heading2']);
  expect(active('pre(a|)')).toEqual(['codeBlock']);
  expect(active('quote(ul(li(p(a|))))')).toEqual(['bulletList', 'paragraph', 'quote']);
  expect(active('ul(li(p(a) tasks(todo(p(b|)))))')).toEqual(['paragraph', 'taskList']);
  expect(active('p(<strong>|a</strong>b|)')).toEqual(['bold', 'paragraph']);
  expect(active('p(<em>a</em>|)')).toEqual(['italic', 'paragraph']);
});

it('tells what the next character will be', () => {
  const editor = HeadlessEditor.open('p(a|)');
  editor.press('Mod-b');
  editor.press('Mod-e');
  expect([...describeFormat(editor.state, false, false).active].sort()).toEqual([
    'bold',
    'code',
    'paragraph',
  ]);
});

it('tells about a link, also when everything is selected', () => {
  const editor = HeadlessEditor.open('p(<link https://a.org>ab</link>)');
  editor.press('Mod-a');
  expect(describeFormat(editor.state, true, false)).toMatchObject({
    link: { href: 'https://a.org', from: 1, to: 3 },
    canUndo: true,
    canRedo: false,
  });
});
