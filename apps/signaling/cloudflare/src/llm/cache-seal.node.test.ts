import { hkdfSync, createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveCacheKeys, openAnswer, sealAnswer } from './cache-seal.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

const REQUEST = bytesOf('{"model":"small","messages":[{"role":"user","content":"Where?"}]}');

const ADA = 'adaAdaadaAdaadaAdaadaA';
const BOB = 'bobBobbobBobbobBobbobB';

describe('keys', () => {
  it('[LLM17] come with HKDF from the hash of the request, under a label and the session', async () => {
    const { index, key } = await deriveCacheKeys(REQUEST, ADA);
    const hash = createHash('sha256').update(REQUEST).digest();
    const derive = (label: string) => Buffer.from(hkdfSync('sha256', hash, '', `${label}/${ADA}`, 32));
    expect(index).toBe(derive('parley/v1/llm-cache/index').toString('base64url'));
    const raw = Uint8Array.from(derive('parley/v1/llm-cache/key'));
    const same = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']);
    const sealed = await sealAnswer({ index, key: same }, bytesOf('There.'));
    expect(await openAnswer({ index, key }, sealed)).toEqual(bytesOf('There.'));
    expect(key.extractable).toBe(false);
  });

  it.each([
    ['another session', REQUEST, BOB],
    ['another question', bytesOf('{"model":"small","messages":[]}'), ADA],
    ['one byte more', new Uint8Array([...REQUEST, 0x20]), ADA],
  ])('[LLM17] %s has another index, and another key', async (_what, request, sessionId) => {
    const mine = await deriveCacheKeys(REQUEST, ADA);
    const other = await deriveCacheKeys(request, sessionId);
    expect(other.index).not.toBe(mine.index);
    expect(await openAnswer(other, await sealAnswer(mine, bytesOf('There.')))).toBeNull();
  });
});

describe('sealing', () => {
  it('[LLM17] the same answer is never sealed to the same bytes', async () => {
    const keys = await deriveCacheKeys(REQUEST, ADA);
    const [one, other] = [
      await sealAnswer(keys, bytesOf('There.')),
      await sealAnswer(keys, bytesOf('There.')),
    ];
    expect(one.subarray(0, 12)).not.toEqual(other.subarray(0, 12));
    expect(one.subarray(12)).not.toEqual(other.subarray(12));
  });

  it('[LLM17] what was changed or cut anywhere is not opened', async () => {
    const keys = await deriveCacheKeys(REQUEST, ADA);
    const sealed = await sealAnswer(keys, bytesOf('There.'));
    expect(await openAnswer(keys, sealed)).toEqual(bytesOf('There.'));
    for (let at = 0; at < sealed.length; at++) {
      expect(await openAnswer(keys, sealed.with(at, (sealed[at] ?? 0) ^ 1)), `byte ${at}`).toBeNull();
      expect(await openAnswer(keys, sealed.slice(0, at)), `${at} bytes`).toBeNull();
    }
  });
});
