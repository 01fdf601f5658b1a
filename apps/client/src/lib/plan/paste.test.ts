import { expect, it } from 'vitest';
import { HeadlessEditor } from './testing.ts';

function pasted(notation: string, text: string): string | null {
  const editor = HeadlessEditor.open(notation);
  return editor.paste(text) ? editor.written : null;
}

it('links the selection to a pasted address', () => {
  expect(pasted('p(see |this|)', 'https://a.org/b')).toBe('p(see <link https://a.org/b>|this</link>|)');
});

it('links everything that is selected to a pasted address', () => {
  const editor = HeadlessEditor.open('pre(a) h1(b) ul(li(p(c)))');
  editor.press('Mod-a');
  expect(editor.paste('https://a.org')).toBe(true);
  expect(editor.text).toBe('pre(a) h1(<link https://a.org>b</link>) ul(li(p(<link https://a.org>c</link>)))');
});

it('is the whole text of an empty page', () => {
  const editor = HeadlessEditor.open('p(|)');
  editor.press('Mod-a');
  editor.paste('https://a.org');
  expect(editor.text).toBe('p(<link https://a.org>https://a.org</link>)');
});

it('makes a pasted address a link, and goes on without it', () => {
  expect(pasted('p(see |)', ' www.a.org\n')).toBe('p(see <link https://www.a.org>www.a.org</link>|)');
  const editor = HeadlessEditor.open('p(|)');
  editor.paste('https://a.org');
  expect(editor.type('!').text).toBe('p(<link https://a.org>https://a.org</link>!)');
});

it.each(['some text', 'see https://a.org', 'javascript:alert(1)', ''])(
  'leaves %j to be pasted as it is',
  (text) => {
    expect(pasted('p(|a|)', text)).toBeNull();
  },
);

it('links nothing in code blocks', () => {
  expect(pasted('pre(|a|)', 'https://a.org')).toBeNull();
  expect(pasted('pre(|)', 'https://a.org')).toBeNull();
});
