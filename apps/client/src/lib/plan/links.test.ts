import { describe, expect, it } from 'vitest';
import { ADDRESS_LIMIT, readAddress, readBareAddress, safeHref } from './links.ts';

describe('a link may be followed', () => {
  it.each([
    'https://example.org',
    'http://example.org/a?b=c#d',
    'HTTPS://EXAMPLE.ORG/',
    'https://bücher.example/größe',
    'https://例え.jp/パス',
    'http://localhost:3000/',
    'https://[::1]/',
    'mailto:ada@example.org',
    'MAILTO:ada@example.org?subject=Hi',
    'tel:+49-30-123456',
  ])('to %s', (address) => {
    expect(safeHref(address)).toBe(address);
  });

  it('without the space around it', () => {
    expect(safeHref('  https://example.org\n')).toBe('https://example.org');
  });
});

describe('a link may not be followed', () => {
  it.each([
    ['a script', 'javascript:alert(1)'],
    ['a script in upper case', 'JaVaScRiPt:alert(1)'],
    ['a script behind a tab', '\tjavascript:alert(1)'],
    ['a script with a tab inside', 'java\tscript:alert(1)'],
    ['a script with a newline inside', 'java\nscript:alert(1)'],
    ['a script behind a control character', '\u0001javascript:alert(1)'],
    ['a script with full-width letters', 'ｊavascript:alert(1)'],
    ['a script with an escaped colon', 'javascript&colon;alert(1)'],
    ['a script that mentions an address', 'javascript://example.org/%0aalert(1)'],
    ['data', 'data:text/html,<script>alert(1)</script>'],
    ['a blob', 'blob:https://example.org/1'],
    ['a file', 'file:///etc/passwd'],
    ['vbscript', 'vbscript:msgbox(1)'],
    ['the page\u2019s own protocol', '//example.org'],
    ['a path', '/session/1'],
    ['a fragment', '#e.secret'],
    ['a scheme with a newline inside', 'htt\nps://example.org'],
    ['a null character', 'https://example.org/\0'],
    ['a backslash for a slash', 'https:\\\\example.org'],
    ['a host behind a backslash', 'https://good.example\\@evil.example'],
    ['a right-to-left override', 'https://example.org/\u202egnp.exe'],
    ['an invisible space', 'https://exam\u200bple.org'],
    ['space inside', 'https://example.org/a b'],
    ['no host', 'https://'],
    ['a relative https', 'https:example.org'],
    ['a mail to nobody', 'mailto:'],
    ['nothing', ''],
    ['what is too long', `https://example.org/${'a'.repeat(ADDRESS_LIMIT)}`],
    ['no text', ['https://example.org']],
    ['nothing at all', null],
  ])('that is %s', (_what, address) => {
    expect(safeHref(address)).toBeNull();
  });
});

describe('an address that somebody typed', () => {
  it.each([
    ['example.org', 'https://example.org'],
    ['www.example.org/a?b', 'https://www.example.org/a?b'],
    ['//example.org/a', 'https://example.org/a'],
    ['localhost:5173/x', 'https://localhost:5173/x'],
    ['example.org:8443', 'https://example.org:8443'],
    ['ada@example.org', 'mailto:ada@example.org'],
    ['http://example.org', 'http://example.org'],
    ['tel:112', 'tel:112'],
  ])('%s leads to %s', (typed, href) => {
    expect(readAddress(typed)).toEqual({ href });
  });

  it.each([
    ['', /where the link should lead/],
    ['javascript:alert(1)', /web page \(https\), a mail address \(mailto\) or a phone number \(tel\)/],
    ['data:text/html,x', /web page \(https\)/],
    ['ftp://example.org', /web page \(https\)/],
    ['hello there', /not an address/],
    ['hello', /not an address/],
    ['https://', /not an address/],
    ['example.org/'.padEnd(ADDRESS_LIMIT + 1, 'x'), /Shorten/],
  ])('%j is explained', (typed, sentence) => {
    expect(readAddress(typed)).toEqual({ problem: expect.stringMatching(sentence) });
  });
});

describe('a pasted text', () => {
  it.each([
    ['https://example.org/a', 'https://example.org/a'],
    [' www.example.org\n', 'https://www.example.org'],
    ['mailto:ada@example.org', 'mailto:ada@example.org'],
    ['example.org', null],
    ['see https://example.org', null],
    ['https://example.org and more', null],
    ['javascript:alert(1)', null],
  ])('%j is an address: %j', (text, href) => {
    expect(readBareAddress(text)).toBe(href);
  });
});
