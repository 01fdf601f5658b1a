import { expect, it } from 'vitest';
import { highlightLinked } from './linking.ts';
import { HeadlessEditor } from './testing.ts';

function highlighted(editor: HeadlessEditor): string[] {
  const { doc } = editor.state;
  return highlightLinked(editor.state)
    .find()
    .map(({ from, to }) => doc.textBetween(from, to, ' '));
}

it('highlights the selection, the link around the cursor, or everything', () => {
  expect(highlighted(HeadlessEditor.open('p(see |this|)'))).toEqual(['this']);
  expect(highlighted(HeadlessEditor.open('p(see <link https://a.org>th|is</link>)'))).toEqual(['this']);
  const editor = HeadlessEditor.open('p(a) p(b)');
  editor.press('Mod-a');
  expect(highlighted(editor)).toEqual(['a b']);
});

it('highlights nothing at a mere cursor', () => {
  expect(highlighted(HeadlessEditor.open('p(a|b)')).join('')).toBe('');
});
