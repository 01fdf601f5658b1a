import { describe, expect, it } from 'vitest';
import { VariableError } from '@parley/signaling/variables';
import { readIceSettings } from './settings.ts';

describe('STUN', () => {
  it.each([
    [{}, ['stun:stun.cloudflare.com:3478']],
    [{ STUN_URLS: '' }, []],
    [{ STUN_URLS: ' , ' }, []],
    [{ STUN_URLS: 'stun:a.example' }, ['stun:a.example']],
    [{ STUN_URLS: 'stun:a.example:3478, stuns:b.example' }, ['stun:a.example:3478', 'stuns:b.example']],
  ])('[IC2] %j names %j', (variables, stun) => {
    expect(readIceSettings(variables)).toEqual({ stun, turn: null });
  });

  it.each(['a.example', 'turn:a.example', 'stun:a.example stun:b.example', 'stun:a.example?transport=udp'])(
    '[IC2] %j names nothing, and the error names the variable',
    (STUN_URLS) => {
      expect(() => readIceSettings({ STUN_URLS })).toThrow(VariableError);
      expect(() => readIceSettings({ STUN_URLS })).toThrow(/^STUN_URLS has to be /);
    },
  );
});

describe('TURN', () => {
  const key = { TURN_KEY_ID: 'id', TURN_KEY_TOKEN: 'secret' };

  it('[IC3] a key is one of Cloudflare’s, unless another origin is named', () => {
    const turn = { origin: 'https://rtc.live.cloudflare.com', keyId: 'id', token: 'secret' };
    expect(readIceSettings(key).turn).toEqual(turn);
    // A secret that comes from a file ends with its line.
    expect(readIceSettings({ TURN_KEY_ID: 'id\n', TURN_KEY_TOKEN: 'secret\n' }).turn).toEqual(turn);
    expect(readIceSettings({ ...key, TURN_API: 'http://127.0.0.1:9' }).turn?.origin).toBe(
      'http://127.0.0.1:9',
    );
  });

  it.each([{}, { TURN_KEY_ID: '', TURN_KEY_TOKEN: '' }, { TURN_API: 'http://127.0.0.1:9' }])(
    '[IC3] without a key there is none: %j',
    (variables) => {
      expect(readIceSettings(variables).turn).toBeNull();
    },
  );

  it.each([
    ['TURN_KEY_TOKEN', { TURN_KEY_ID: 'id' }],
    ['TURN_KEY_ID', { TURN_KEY_TOKEN: 'secret' }],
    ['TURN_API', { ...key, TURN_API: 'nowhere' }],
  ])('[IC3] half a key is a mistake, which names %s and tells no secret', (variable, variables) => {
    expect(() => readIceSettings(variables)).toThrow(new RegExp(`^${variable} has to be `));
    expect(() => readIceSettings(variables)).not.toThrow(/secret|nowhere/);
  });
});
