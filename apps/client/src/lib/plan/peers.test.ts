import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { readPeerCursors } from './peers.ts';

function page(): Y.XmlFragment {
  const content = new Y.XmlFragment();
  new Y.Doc().getMap('pages').set('one', content);
  const paragraph = new Y.XmlElement('paragraph');
  paragraph.insert(0, [new Y.XmlText('hello')]);
  content.insert(0, [paragraph]);
  return content;
}

function cursorIn(content: Y.XmlFragment): { anchor: unknown; head: unknown } {
  const at = (index: number): unknown => {
    const json: unknown = JSON.parse(JSON.stringify(Y.createRelativePositionFromTypeIndex(content, index)));
    return json;
  };
  return { anchor: at(0), head: at(1) };
}

const ADA = { id: 'ada', name: 'Ada', hue: 3 };

describe('the cursors of others', () => {
  it('are read for everybody but this person, in this tab and others', () => {
    const content = page();
    const cursor = cursorIn(content);
    const states = new Map<number, unknown>([
      [1, { user: { ...ADA, id: 'me' }, cursor }],
      [2, { user: { ...ADA, id: 'me' }, cursor }],
      [3, { user: ADA, cursor }],
      [4, { user: ADA }],
    ]);
    expect(readPeerCursors(states, content, 1, 'me')).toMatchObject([{ clientId: 3, peer: ADA }]);
  });

  const id = { client: 1, clock: 0 };
  it.each([
    ['no state', null],
    ['a text', 'state'],
    ['no cursor', { user: ADA, cursor: null }],
    ['a number for a cursor', { user: ADA, cursor: 5 }],
    ['an empty cursor', { user: ADA, cursor: {} }],
    ['half a cursor', { user: ADA, cursor: { anchor: { type: id } } }],
    ['ends without a place', { user: ADA, cursor: { anchor: {}, head: {} } }],
    ['a text for a type', { user: ADA, cursor: { anchor: { type: 'x' }, head: { type: 'x' } } }],
    [
      'a negative clock',
      { user: ADA, cursor: { anchor: { item: { client: 1, clock: -1 } }, head: { item: id } } },
    ],
    [
      'a client that is no number',
      { user: ADA, cursor: { anchor: { item: { client: {}, clock: 0 } }, head: { item: id } } },
    ],
    ['no number for a side', { user: ADA, cursor: { anchor: { item: id, assoc: 'x' }, head: { item: id } } }],
    [
      'the name of a type that does not exist',
      { user: ADA, cursor: { anchor: { tname: 'x' }, head: { tname: 'x' } } },
    ],
    [
      'the name of another type',
      { user: ADA, cursor: { anchor: { tname: 'pages' }, head: { tname: 'pages' } } },
    ],
    ['a text for a person', { user: 'ada', cursor: { anchor: { item: id }, head: { item: id } } }],
  ])('are left out for %s', (_what, state) => {
    const content = page();
    expect(readPeerCursors(new Map([[2, state]]), content, 1, null)).toEqual([]);
    expect([...(content.doc?.share.keys() ?? [])]).toEqual(['pages']);
  });

  it('are never looked for under a name, which would make a type of that name', () => {
    const at = { type: id, tname: 'made-up' };
    const states = new Map([[2, { user: ADA, cursor: { anchor: at, head: at } }]]);
    expect(readPeerCursors(states, page(), 1, null)).toMatchObject([
      { anchor: { tname: null }, head: { tname: null } },
    ]);
  });

  it('are found in content that has a name of its own', () => {
    const content = new Y.Doc().getXmlFragment('page');
    const states = new Map([[2, { user: ADA, cursor: cursorIn(content) }]]);
    expect(readPeerCursors(states, content, 1, null)).toHaveLength(1);
  });

  it('are never more than can be shown', () => {
    const content = page();
    const states = new Map(
      Array.from({ length: 5000 }, (_, index) => [index + 2, { user: ADA, cursor: cursorIn(content) }]),
    );
    expect(readPeerCursors(states, content, 1, null)).toHaveLength(100);
  });
});
