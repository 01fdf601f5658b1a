import { describe, expect, it } from 'vitest';
import { linkAround, removeLink, setLink } from './link-range.ts';
import { applied, HeadlessEditor, page } from './testing.ts';

const URL = 'https://a.org';

describe('the link around the cursor', () => {
  it('is found with its whole text, across other marks', () => {
    expect(linkAround(page(`p(x<link ${URL}>ab|<strong>c</strong></link>)`))).toEqual({
      href: URL,
      from: 2,
      to: 5,
    });
    expect(linkAround(page(`p(x<link ${URL}>ab<strong>c|d</strong></link>y)`))).toEqual({
      href: URL,
      from: 2,
      to: 6,
    });
  });

  it('ends where the next one starts', () => {
    expect(linkAround(page(`p(<link https://b.org>ab</link><link ${URL}>c|d</link>)`))).toEqual({
      href: URL,
      from: 3,
      to: 5,
    });
  });

  it('is not there before, after or between links, nor when more than it is selected', () => {
    expect(linkAround(page(`p(|<link ${URL}>ab</link>)`))).toBeNull();
    expect(linkAround(page(`p(<link ${URL}>ab</link>|)`))).toBeNull();
    expect(linkAround(page(`p(<link ${URL}>|ab</link>c|)`))).toBeNull();
    expect(linkAround(page(`p(<link ${URL}>|ab|</link>c)`))).toEqual({ href: URL, from: 1, to: 3 });
  });

  it('has no address when it may not be followed', () => {
    expect(linkAround(page('p(<link javascript:x>a|b</link>)'))).toEqual({ href: null, from: 1, to: 3 });
  });
});

it('links the selection, replaces a link, or inserts the address', () => {
  expect(applied('p(a |b| c)', setLink(URL))).toBe(`p(a <link ${URL}>|b</link>| c)`);
  expect(applied('p(<link https://b.org>ab|c</link>)', setLink(URL))).toBe(`p(<link ${URL}>ab|c</link>)`);
  expect(applied('p(see |)', setLink('mailto:a@b.org'))).toBe('p(see <link mailto:a@b.org>a@b.org</link>|)');
  expect(applied('pre(a|)', setLink(URL))).toBeNull();
});

it('links what can be a link in a selection of several blocks', () => {
  expect(applied('pre(|a) p(b|c)', setLink(URL))).toBe(`pre(|a) p(<link ${URL}>b</link>|c)`);
  expect(applied('p(|) pre(a|)', setLink(URL))).toBeNull();
  expect(applied('p(|) p(|)', setLink(URL))).toBeNull();
});

it('removes a link and leaves its text', () => {
  expect(applied(`p(<link ${URL}>ab|c</link>)`, removeLink)).toBe('p(ab|c)');
  expect(applied(`p(|x<link ${URL}>ab</link>|)`, removeLink)).toBe('p(|xab|)');
  expect(applied('p(a|)', removeLink)).toBeNull();
});

it('does not grow while one types behind it', () => {
  expect(HeadlessEditor.open(`p(<link ${URL}>a</link>|)`).type('b').written).toBe(
    `p(<link ${URL}>a</link>b|)`,
  );
});
