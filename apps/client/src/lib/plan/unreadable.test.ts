import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { HeadlessEditor } from './testing.ts';
import { removeUnreadable } from './unreadable.ts';

type Child = Y.XmlElement | Y.XmlText;

function element(name: string, ...children: Child[]): Y.XmlElement {
  const made = new Y.XmlElement(name);
  made.insert(0, children);
  return made;
}

const paragraph = (text: string): Y.XmlElement => element('paragraph', new Y.XmlText(text));

function pageOf(...children: Child[]): Y.XmlFragment {
  const content = new Y.Doc().getXmlFragment('page');
  content.insert(0, children);
  return content;
}

/** Values of any kind, as only a made-up update can put them there. */
function insertRaw(into: Y.XmlFragment, value: object): void {
  into.insert(0, [value as Y.XmlElement]);
}

describe('content that no editor of this version makes', () => {
  it.each<[string, (content: Y.XmlFragment) => void]>([
    ['text outside of elements', (content) => content.insert(0, [new Y.XmlText('x')])],
    ['an item outside of a list', (content) => content.insert(0, [element('list_item', paragraph('x'))])],
    ['a hook', (content) => insertRaw(content, new Y.XmlHook('x'))],
    ['a map', (content) => insertRaw(content, new Y.Map())],
    ['an array', (content) => insertRaw(content, new Y.Array())],
    ['a hook in an element', (content) => insertRaw(content.get(0) as Y.XmlElement, new Y.XmlHook('x'))],
    ['plain text in an element', (content) => insertRaw(content.get(0) as Y.XmlElement, new Y.Text('x'))],
    [
      'an object in text',
      (content) => ((content.get(0) as Y.XmlElement).get(0) as Y.XmlText).insertEmbed(0, { x: 1 }),
    ],
  ])('loses %s, and keeps the rest', (_what, spoil) => {
    const before = pageOf(paragraph('kept'));
    spoil(before);
    expect(new HeadlessEditor(before).text).toBe('p(kept)');

    const live = pageOf(paragraph('kept'));
    const editor = new HeadlessEditor(live);
    live.doc?.transact(() => spoil(live));
    expect(editor.text).toBe('p(kept)');
    expect(editor.select('kept', 'after').type('!').text).toBe('p(kept!)');
  });

  it('keeps text whose formatting it does not know', () => {
    const content = pageOf(paragraph('some text'));
    const text = (content.get(0) as Y.XmlElement).get(0) as Y.XmlText;
    text.format(0, 4, { blink: { fast: true }, strong: {} });
    expect(new HeadlessEditor(content).text).toBe('p(<strong>some</strong> text)');
    text.format(5, 4, { shout: true });
    expect(new HeadlessEditor(content).text).toBe('p(<strong>some</strong> text)');
  });

  it('is cut where it is nested without end', () => {
    const content = pageOf(paragraph('kept'));
    let innermost = new Y.XmlElement('blockquote');
    content.push([innermost]);
    for (let depth = 0; depth < 3000; depth += 1) {
      const next = new Y.XmlElement('blockquote');
      innermost.insert(0, [next]);
      innermost = next;
    }
    innermost.insert(0, [paragraph('deep')]);
    expect(new HeadlessEditor(content).text).toContain('p(kept)');
  });
});

it('leaves ordinary content alone, attributes of any type included', () => {
  const heading = element('heading', new Y.XmlText('T'));
  heading.setAttribute('level', { x: 1 } as unknown as string);
  const link = new Y.XmlText('link');
  const content = pageOf(
    heading,
    element('paragraph', link),
    element('bullet_list', element('list_item', paragraph('a'))),
  );
  link.format(0, 4, { link: { href: 'javascript:x' } });
  let updates = 0;
  content.doc?.on('update', () => (updates += 1));
  removeUnreadable(content);
  expect(updates).toBe(0);
});
