import { prosemirrorToYXmlFragment } from 'y-prosemirror';
import { DecorationSet } from 'prosemirror-view';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { HeadlessEditor, page } from './testing.ts';

let here: Awareness;
let there: Awareness;
let ada: HeadlessEditor;
let ben: HeadlessEditor;

beforeEach(() => {
  const docs = [new Y.Doc(), new Y.Doc()] as const;
  prosemirrorToYXmlFragment(page('p(hello) p(world)').doc, docs[0].getXmlFragment('page'));
  Y.applyUpdate(docs[1], Y.encodeStateAsUpdate(docs[0]));
  [here, there] = [new Awareness(docs[0]), new Awareness(docs[1])];
  here.setLocalStateField('user', { id: 'ada', name: 'Ada', hue: 1 });
  there.setLocalStateField('user', { id: 'ben', name: 'Ben', hue: 2 });
  ada = new HeadlessEditor(docs[0].getXmlFragment('page'), here);
  ben = new HeadlessEditor(docs[1].getXmlFragment('page'), there);
});

afterEach(() => {
  here.destroy();
  there.destroy();
});

/** What `there` says reaches `here`. */
async function tell(): Promise<void> {
  applyAwarenessUpdate(here, encodeAwarenessUpdate(there, [there.clientID]), 'network');
  await Promise.resolve();
}

/** Where other people's cursors are shown, as [from, to] of what they select. */
function shown(editor: HeadlessEditor): [number, number][] {
  return editor.state.plugins.flatMap((plugin) => {
    const set = plugin.props.decorations?.call(plugin, editor.state);
    if (!(set instanceof DecorationSet)) return [];
    const widgets = set.find(undefined, undefined, (spec) => typeof spec.key === 'string');
    return widgets.flatMap((widget) => {
      const selection = set.find().find((other) => other !== widget && other.to > other.from);
      return [
        [Math.min(widget.from, selection?.from ?? widget.from), selection?.to ?? widget.to] as [
          number,
          number,
        ],
      ];
    });
  });
}

describe('the cursor of somebody else', () => {
  it('is shown where it is, and moves with the text', async () => {
    ben.isFocused = true;
    ben.select('world');
    await tell();
    expect(shown(ada)).toEqual([[8, 13]]);
    ada.select('hello', 'before').type('oh ');
    expect(shown(ada)).toEqual([[11, 16]]);
  });

  it('goes when they leave the text', async () => {
    ben.isFocused = true;
    ben.select('hello');
    await tell();
    ben.isFocused = false;
    ben.select('hello');
    await tell();
    expect(shown(ada)).toEqual([]);
  });

  it('is not shown when they are this person in another tab', async () => {
    there.setLocalStateField('user', { id: 'ada', name: 'Ada', hue: 1 });
    ben.isFocused = true;
    ben.select('hello');
    await tell();
    expect(shown(ada)).toEqual([]);
  });

  it('is not shown when it is in another page', async () => {
    const other = there.doc.getXmlFragment('other');
    other.insert(0, [new Y.XmlElement('paragraph')]);
    Y.applyUpdate(here.doc, Y.encodeStateAsUpdate(there.doc));
    const at = Y.relativePositionToJSON(
      Y.createRelativePositionFromTypeIndex(other.get(0) as Y.XmlElement, 0),
    ) as unknown;
    there.setLocalStateField('cursor', { anchor: at, head: at });
    await tell();
    expect(shown(ada)).toEqual([]);
  });
});

it.each([
  ['a text', 'x'],
  ['an empty cursor', { cursor: {} }],
  ['a cursor that is a number', { user: { id: 'x' }, cursor: 5 }],
  ['a person that is a text', { user: 'x', cursor: { anchor: { type: null }, head: null } }],
  [
    'a place that nobody knows',
    {
      user: { id: 'x' },
      cursor: { anchor: { item: { client: 9, clock: 9 } }, head: { item: { client: 9, clock: 9 } } },
    },
  ],
  [
    'a place that is no place',
    { user: { id: 'x' }, cursor: { anchor: { type: {} }, head: { tname: '__proto__' } } },
  ],
])('one bad peer breaks nothing: %s', async (_what, state) => {
  there.setLocalState(state as Record<string, unknown>);
  await tell();
  ada.select('hello', 'after').type('!');
  expect(ada.text).toBe('p(hello!) p(world)');
  expect(shown(ada)).toEqual([]);
  ada.destroy();
  const late = new HeadlessEditor(here.doc.getXmlFragment('page'), here);
  expect(late.text).toBe('p(hello!) p(world)');
});

it('news that arrives while the editor closes is not shown to it', async () => {
  ben.isFocused = true;
  ben.select('hello');
  const dispatched = vi.spyOn(ada, 'dispatch');
  const told = tell();
  ada.destroy();
  await told;
  await Promise.resolve();
  expect(dispatched).not.toHaveBeenCalled();
  expect(here.getLocalState()?.['cursor']).toBeNull();
});

it('is told only when it changed', () => {
  ben.isFocused = true;
  ben.select('hello');
  const told = vi.fn();
  there.on('update', told);
  ben.dispatch(ben.state.tr.setMeta('nothing', true));
  expect(told).not.toHaveBeenCalled();
  ben.select('world');
  expect(told).toHaveBeenCalledTimes(1);
});
