import { prosemirrorToYXmlFragment } from 'y-prosemirror';
import { expect, it } from 'vitest';
import * as Y from 'yjs';
import { HeadlessEditor, page } from './testing.ts';

/** Two people with the same page before them, connected. */
function two(notation: string): [HeadlessEditor, HeadlessEditor] {
  const [here, there] = [new Y.Doc(), new Y.Doc()];
  here.on(
    'update',
    (update: Uint8Array, origin: unknown) => origin !== there && Y.applyUpdate(there, update, here),
  );
  there.on(
    'update',
    (update: Uint8Array, origin: unknown) => origin !== here && Y.applyUpdate(here, update, there),
  );
  if (notation !== '') prosemirrorToYXmlFragment(page(notation).doc, here.getXmlFragment('page'));
  return [new HeadlessEditor(here.getXmlFragment('page')), new HeadlessEditor(there.getXmlFragment('page'))];
}

it('undoes only what one did oneself', () => {
  const [ada, ben] = two('p(start)');
  ada.select('start', 'after').type(' ada');
  ben.select('start', 'before').type('ben ');
  expect(ada.press('Mod-z')).toBe(true);
  expect(ada.text).toBe('p(ben start)');
  expect(ben.text).toBe('p(ben start)');
  expect(ben.press('Mod-z')).toBe(true);
  expect(ada.text).toBe('p(start)');
});

it('redoes it, by either shortcut', () => {
  const [ada, ben] = two('p(a)');
  ada.select('a', 'after').type('1');
  ada.press('Mod-z');
  ben.select('a', 'before').type('0');
  ada.press('Mod-Shift-z');
  expect(ben.text).toBe('p(0a1)');
  ada.press('Mod-z');
  ada.press('Mod-y');
  expect(ben.text).toBe('p(0a1)');
});

it('knows whether there is anything to undo or redo', () => {
  const [ada, ben] = two('p(a)');
  ben.select('a').type('b');
  expect([ada.undo.canUndo(), ada.undo.canRedo()]).toEqual([false, false]);
  ada.select('b', 'after').type('c');
  expect([ada.undo.canUndo(), ada.undo.canRedo()]).toEqual([true, false]);
  ada.press('Mod-z');
  expect([ada.undo.canUndo(), ada.undo.canRedo()]).toEqual([false, true]);
});

it.each(['# ', '- ', '[] ', '> ', '```ts '])(
  'leaves what somebody else wrote into a block made with %j',
  (shortcut) => {
    const [ada, ben] = two('');
    ada.type('x');
    ada.press('Enter');
    ada.undo.stopCapturing();
    ada.type(`${shortcut}mine`);
    ben.select('mine', 'after').type('theirs');
    ada.press('Mod-z');
    expect(ada.text).toContain('theirs');
    expect(ada.text).not.toContain('mine');
    expect(ben.text).toBe(ada.text);
  },
);

it('does not undo what the binding repaired', () => {
  const content = new Y.Doc().getXmlFragment('page');
  const editor = new HeadlessEditor(content);
  const quote = new Y.XmlElement('blockquote');
  quote.insert(0, [new Y.XmlElement('table')]);
  content.doc?.transact(() => content.push([quote]), 'network');
  expect(content.length).toBe(0);
  expect(editor.undo.canUndo()).toBe(false);
});

it('ends with its editor', () => {
  const [ada] = two('p(a)');
  ada.destroy();
  const { doc } = ada.undo;
  doc.transact(() => doc.getXmlFragment('page').push([new Y.XmlElement('paragraph')]));
  expect(doc._observers.get('afterTransaction')?.size ?? 0).toBe(0);
});
