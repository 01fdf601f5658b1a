import { NodeSelection } from 'prosemirror-state';
import { prosemirrorToYXmlFragment } from 'y-prosemirror';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { HeadlessEditor, page } from './testing.ts';

const EVERYTHING =
  'h1(T) p(a <strong>b</strong><em>c</em><strike>d</strike><code>e</code><link https://a.org>f</link>/g) quote(p(q)) ' +
  'ul(li(p(a) ol3(li(p(b))))) tasks(done(p(x)) todo(p(y) tasks(todo(p(z))))) pre:ts(code) pre(more) hr() p()';

function pageOf(notation: string): Y.XmlFragment {
  const content = new Y.Doc().getXmlFragment('page');
  if (notation !== '') prosemirrorToYXmlFragment(page(notation).doc, content);
  return content;
}

/** The page on another device; what either writes reaches the other at once. */
function shared(content: Y.XmlFragment): Y.XmlFragment {
  const [here, there] = [content.doc, new Y.Doc()];
  if (!here) throw new Error('not in a document');
  Y.applyUpdate(there, Y.encodeStateAsUpdate(here));
  here.on(
    'update',
    (update: Uint8Array, origin: unknown) => origin !== 'there' && Y.applyUpdate(there, update, 'here'),
  );
  there.on(
    'update',
    (update: Uint8Array, origin: unknown) => origin !== 'here' && Y.applyUpdate(here, update, 'there'),
  );
  return there.getXmlFragment('page');
}

function countUpdates(content: Y.XmlFragment): () => number {
  let updates = 0;
  content.doc?.on('update', () => (updates += 1));
  return () => updates;
}

describe('opening a page', () => {
  it.each(['', 'p()', 'p(text)', 'hr()', 'ul(li(p(a)))', EVERYTHING])('changes nothing: %j', (notation) => {
    const content = pageOf(notation);
    const updates = countUpdates(content);
    const editor = new HeadlessEditor(content);
    expect(editor.text).toBe(notation || 'p()');
    editor.isFocused = true;
    editor.dispatch(editor.state.tr.setSelection(editor.state.selection));
    editor.destroy();
    expect(updates()).toBe(0);
  });

  it('twice and empty makes one paragraph for the two who then write', () => {
    const here = pageOf('');
    const there = shared(here);
    const [ada, ben] = [new HeadlessEditor(here), new HeadlessEditor(there)];
    ada.type('a');
    ben.select('a', 'after').type('b');
    expect(ada.text).toBe('p(ab)');
    expect(ben.text).toBe('p(ab)');
    expect(here.length).toBe(1);
  });
});

describe('an empty page', () => {
  it('stays empty when everything was undone and the cursor moves, and can be redone', () => {
    const content = pageOf('');
    const editor = new HeadlessEditor(content).type('abc');
    editor.undo.undo();
    expect(content.length).toBe(0);
    editor.dispatch(editor.state.tr.setSelection(editor.state.selection));
    expect(content.length).toBe(0);
    editor.undo.redo();
    expect(editor.text).toBe('p(abc)');
  });

  it('is empty for everybody when everything was deleted', () => {
    const here = pageOf(EVERYTHING);
    const there = shared(here);
    const [ada, ben] = [new HeadlessEditor(here), new HeadlessEditor(there)];
    ada.press('Mod-a');
    ada.dispatch(ada.state.tr.deleteSelection());
    expect(ben.text).toBe('p()');
    ada.type('new');
    expect(ben.text).toBe('p(new)');
  });
});

describe('two people', () => {
  it('have the same page after writing in it at the same time', () => {
    const here = pageOf('p(one) p(two)');
    const there = new Y.Doc();
    if (here.doc) Y.applyUpdate(there, Y.encodeStateAsUpdate(here.doc));
    const [ada, ben] = [new HeadlessEditor(here), new HeadlessEditor(there.getXmlFragment('page'))];
    ada.select('one', 'after').type(' and **more**');
    ben.select('two', 'before').type('[] ');
    if (here.doc) {
      Y.applyUpdate(there, Y.encodeStateAsUpdate(here.doc));
      Y.applyUpdate(here.doc, Y.encodeStateAsUpdate(there));
    }
    expect(ada.text).toBe('p(one and <strong>more</strong>) tasks(todo(p(two)))');
    expect(ben.text).toBe(ada.text);
  });

  it('keep what one nests under an item while the other removes its first line', () => {
    const here = pageOf('ul(li(p(a) p(b) ul(li(p(kept)))))');
    const there = new Y.Doc();
    if (here.doc) Y.applyUpdate(there, Y.encodeStateAsUpdate(here.doc));
    const item = (content: Y.XmlFragment) => (content.get(0) as Y.XmlElement).get(0) as Y.XmlElement;
    const [ada, ben] = [new HeadlessEditor(here), new HeadlessEditor(there.getXmlFragment('page'))];
    item(here).delete(0);
    item(there.getXmlFragment('page')).delete(1);
    if (here.doc) {
      Y.applyUpdate(there, Y.encodeStateAsUpdate(here.doc));
      Y.applyUpdate(here.doc, Y.encodeStateAsUpdate(there));
    }
    expect(ada.text).toBe('ul(li(ul(li(p(kept)))))');
    expect(ben.text).toBe(ada.text);
  });

  it('may delete what the other has selected', () => {
    const here = pageOf('p(a) hr()');
    const there = shared(here);
    const editor = new HeadlessEditor(here);
    editor.dispatch(editor.state.tr.setSelection(NodeSelection.create(editor.state.doc, 3)));
    there.delete(1);
    expect(editor.text).toBe('p(a)');
    there.insert(0, [new Y.XmlElement('horizontal_rule')]);
    expect(editor.text).toBe('hr() p(a)');
  });
});

describe('an editor that may not write', () => {
  it('neither follows what it may not know, nor writes', () => {
    let mayWrite = true;
    const here = pageOf('p(a)');
    const there = shared(here);
    const editor = new HeadlessEditor(here, null, () => mayWrite);
    mayWrite = false;
    there.insert(0, [new Y.XmlElement('table')]);
    editor.select('a').type('b');
    expect(there.toString()).toBe('<table></table><paragraph>a</paragraph>');
    editor.destroy();
  });
});

it('leaves the document as soon as it is closed', () => {
  const here = pageOf('p(a)');
  const there = shared(here);
  const editor = new HeadlessEditor(here);
  there.insert(1, [new Y.XmlElement('paragraph')]);
  editor.destroy();
  there.insert(1, [new Y.XmlElement('paragraph')]);
  expect(editor.text).toBe('p(a) p()');
  expect(here._dEH.l).toEqual([]);
});

it('does not keep a transaction open when the selection cannot be remembered', () => {
  const here = pageOf('p(abc)');
  const editor = new HeadlessEditor(here).select('abc');
  // A text that the editor does not show yet, as while it is being changed elsewhere.
  const updates = countUpdates(here);
  Object.defineProperty(editor.state, 'selection', {
    get() {
      throw new Error('nowhere');
    },
  });
  here.doc?.getMap('elsewhere').set('saved', true);
  expect(updates()).toBe(1);
});
