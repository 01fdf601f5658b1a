import { problemDocument, type ProblemCode } from '@parley/signaling/problems';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { enterAccessKey, receiveAccessKey, takeAccessLink } from './access-key.ts';

const device = vi.hoisted(() => ({
  accessKey: null as string | null,
  load: () => Promise.resolve(),
  useAccessKey: (key: string) => {
    device.accessKey = key;
    return Promise.resolve(true);
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
  device.accessKey = null;
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
  it.each([KEY, `  ${KEY}\n`, `https://relay.invalid/#a.${KEY}`])('[LK13] may be %j', async (text) => {
    answer('access/token-missing');
    await enterAccessKey(text);
    expect(device.accessKey).toBe(KEY);
  });

  it('[LK13] is answered in words that do not repeat it', async () => {
    answer('access/key-refused');
    expect(await enterAccessKey(KEY)).toMatch(/does not take this access key/);
    expect(await enterAccessKey('short')).toMatch(/no access key/);
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
    [`#a.${'x'.repeat(257)}`, 'This link is damaged'],
    ['#damaged', 'This link is damaged'],
  ])('[LK13] [LK5] %j is told as what it is, and nobody is asked', async (fragment, words) => {
    expect(await takeAccessLink(fragment)).toMatch(words);
    expect([device.accessKey, asked.mock.calls.length]).toEqual([null, 0]);
  });
});
