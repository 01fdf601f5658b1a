import { problemDocument, type ProblemCode } from '@parley/signaling/problems';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  enterAccessKey,
  forgetAccessKey,
  hasAccessKey,
  receiveAccessKey,
  takeAccessLink,
} from './access-key.ts';

const device = vi.hoisted(() => ({
  accessKey: null as string | null,
  /** Whether the browser keeps anything. */
  keeps: true,
  load: () => Promise.resolve(),
  useAccessKey: (key: string | null) => {
    device.accessKey = key;
    return Promise.resolve(device.keeps);
  },
}));
vi.mock('./this-device.svelte.ts', () => ({ thisDevice: device }));
vi.mock('./relay-address.ts', () => ({ relayOrigin: () => 'https://relay.invalid' }));

const KEY = 'a-key-of-some-people';
const OTHER = 'another-key-of-others';
/** What is asked of the relay. */
const asked = vi.fn<typeof globalThis.fetch>();

const answer = (code: ProblemCode) =>
  asked.mockImplementation(() => Promise.resolve(Response.json(problemDocument(code), { status: 401 })));

beforeEach(() => {
  [device.accessKey, device.keeps] = [null, true];
  asked.mockReset();
  vi.stubGlobal('fetch', asked);
});
afterEach(() => vi.unstubAllGlobals());

describe('an access key', () => {
  it('[LK13] that the relay takes becomes the device’s, in place of another', async () => {
    answer('access/token-missing');
    expect(await receiveAccessKey(KEY)).toBe('taken');
    expect(device.accessKey).toBe(KEY);
    expect(await receiveAccessKey(OTHER)).toBe('taken');
    expect(device.accessKey).toBe(OTHER);
  });

  it('[LK13] [SY25] is shown to the relay in a header, and nowhere else', async () => {
    answer('access/token-missing');
    await receiveAccessKey(KEY);
    const [address, request] = asked.mock.calls[0] ?? [];
    expect(address).toBe('https://relay.invalid/api/ice');
    expect(request).toMatchObject({ headers: { 'x-parley-access': KEY }, referrerPolicy: 'no-referrer' });
  });

  it('[LK13] that the relay refuses does not, whether there is another or not', async () => {
    answer('access/key-refused');
    expect(await receiveAccessKey(OTHER)).toBe('refused');
    expect(device.accessKey).toBeNull();
    device.accessKey = KEY;
    expect(await receiveAccessKey(OTHER)).toBe('refused');
    expect(device.accessKey).toBe(KEY);
  });

  it.each([
    ['there is no network', () => Promise.reject(new TypeError('no network'))],
    ['something else answers', () => Promise.resolve(new Response('<p>Welcome</p>'))],
    ['something else answers JSON', () => Promise.resolve(Response.json(null))],
    ['the relay fails', () => Promise.resolve(Response.json(problemDocument('relay/unavailable')))],
  ])('[LK13] is kept where there is none, but takes no other’s place, while %s', async (_, fetched) => {
    asked.mockImplementation(fetched);
    expect(await receiveAccessKey(KEY)).toBe('unchecked');
    expect(await receiveAccessKey(OTHER)).toBe('unsure');
    expect(device.accessKey).toBe(KEY);
  });

  it.each(['', 'short', 'with.a.dot.in.it.all', 'with a space inside', 'x'.repeat(257), 'é'.repeat(20)])(
    '[LK13] that cannot be one is asked of nobody: %j',
    async (key) => {
      expect(await receiveAccessKey(key)).toBe('malformed');
      expect(asked).not.toHaveBeenCalled();
    },
  );
});

describe('what a person enters', () => {
  it.each([
    KEY,
    `  ${KEY}\n`,
    `${KEY}.`,
    `https://relay.invalid/#a.${KEY}`,
    `(https://relay.invalid/#a.${KEY}).`,
    `The link:\nhttps://relay.invalid/#a.${KEY}%20`,
    `https://relay.invalid/session/0123456789012345678901#a.${KEY}.e.secret.chck`,
  ])('[LK13] may be %j', async (text) => {
    answer('access/token-missing');
    expect(await enterAccessKey(text)).toEqual({
      done: true,
      words: 'This device has the relay’s access key now.',
    });
    expect(device.accessKey).toBe(KEY);
  });

  it.each([
    ['nothing', ''],
    ['spaces', ' \t '],
    ['what is too short', 'x'.repeat(15)],
    ['what is too long', 'x'.repeat(257)],
    ['what is much too long', 'x'.repeat(100_000)],
    ['a space in it', 'a-key-of some-people'],
    ['a dot in it', 'a-key-of.some-people'],
    ['a line break in it', 'a-key-of-\nsome-people'],
    ['letters of other alphabets', 'ein-schlüssel-für-alle'],
    ['an invisible space behind it', `${KEY}\u200b`],
    ['quotes before it', `“${KEY}`],
    ['two keys', `${KEY},${OTHER}`],
    ['the link of a relay without its key', 'https://relay.invalid/#a.'],
    ['the link of a session without one', `https://relay.invalid/session/x#e.${'x'.repeat(43)}.chck`],
  ])('[LK13] %s is told to be no key, and asked of nobody; the key that is there stays', async (_, text) => {
    expect((await enterAccessKey(text)).words).toMatch(
      /^This is no access key: those have 16 to 256 [^.]*\.$/,
    );
    device.accessKey = KEY;
    const { done, words } = await enterAccessKey(text);
    expect(done).toBe(false);
    expect(words).toMatch(/^This is no access key.* This device stays with the one that it has\.$/);
    expect([device.accessKey, asked.mock.calls.length]).toEqual([KEY, 0]);
  });

  it('[LK13] and is refused is told so; the key that is there stays', async () => {
    answer('access/key-refused');
    expect(await enterAccessKey(KEY)).toEqual({
      done: false,
      words: 'The relay does not take this access key. Ask whoever runs it for the right one.',
    });
    device.accessKey = OTHER;
    expect((await enterAccessKey(KEY)).words).toMatch(/stays with the one that it has\.$/);
    expect(device.accessKey).toBe(OTHER);
  });

  it('[LK13] is not called done while the relay cannot be asked and there is another', async () => {
    asked.mockRejectedValue(new TypeError('no network'));
    expect(await enterAccessKey(KEY)).toMatchObject({ done: true });
    expect(await enterAccessKey(OTHER)).toMatchObject({ done: false });
  });

  it('[SY27] is not called kept where the browser keeps nothing', async () => {
    answer('access/token-missing');
    device.keeps = false;
    expect((await enterAccessKey(KEY)).words).toMatch(
      /The browser does not keep it: it ends with the tab\.$/,
    );
    expect(device.accessKey).toBe(KEY);
  });
});

describe('an access key that is forgotten', () => {
  it('[SY27] is not there any more', async () => {
    device.accessKey = KEY;
    expect(hasAccessKey()).toBe(true);
    expect(await forgetAccessKey()).toEqual({ done: true, words: 'The access key is forgotten.' });
    expect([hasAccessKey(), asked.mock.calls.length]).toEqual([false, 0]);
  });

  it('[SY27] and could not be deleted is told to be there still', async () => {
    [device.accessKey, device.keeps] = [KEY, false];
    const { done, words } = await forgetAccessKey();
    expect(done).toBe(false);
    expect(words).toMatch(/the browser could not delete it/);
    expect(hasAccessKey()).toBe(false);
  });
});

describe('the link of a private relay', () => {
  it.each([`#a.${KEY}`, `#a.${KEY}.`, `#a.${KEY}%20`, `#a.${KEY}>).`])('[LK13] is %j', async (fragment) => {
    answer('access/token-missing');
    expect(await takeAccessLink(fragment)).toBe('This device has the relay’s access key now.');
    expect(device.accessKey).toBe(KEY);
  });

  it.each([
    ['#a.', 'This link is cut off'],
    [`#a.${KEY.slice(0, 15)}`, 'This link is cut off'],
    [`#a.${KEY}~x`, 'This link is damaged'],
    [`#a.${KEY}.more`, 'This link is damaged'],
    ['#a.a-key-of%20some-people', 'This link is damaged'],
    ['#a.a-key-of%0Asome-people', 'This link is damaged'],
    [`#a.${encodeURIComponent('ein-schlüssel-für-alle')}`, 'This link is damaged'],
    [`#a.${'x'.repeat(257)}`, 'This link is damaged'],
    ['#damaged', 'This link is damaged'],
  ])('[LK13] [LK5] %j is told as what it is, and nobody is asked', async (fragment, words) => {
    expect(await takeAccessLink(fragment)).toMatch(words);
    expect([device.accessKey, asked.mock.calls.length]).toEqual([null, 0]);
  });
});
