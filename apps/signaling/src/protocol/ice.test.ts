import { describe, expect, it } from 'vitest';
import { DEFAULT_STUN_URL, iceAnswer, parseIceUrl } from './ice.ts';

describe('URLs', () => {
  it.each([
    [DEFAULT_STUN_URL, 'stun', 3478],
    ['stuns:stun.example', 'stun', null],
    ['turn:turn.example:53?transport=udp', 'turn', 53],
    ['turns:turn.example:443?transport=tcp', 'turn', 443],
    ['turn:192.0.2.1', 'turn', null],
    ['turn:[2001:db8::1]:65535', 'turn', 65_535],
    ['TURN:Turn.Example', 'turn', null],
  ] as const)('[IC2] %s names a server', (url, kind, port) => {
    expect(parseIceUrl(url)).toEqual({ kind, port });
  });

  // Chromium's RTCPeerConnection throws at most of these.
  it.each([
    '',
    'stun:',
    'turn:a.example:',
    'turn:a.example:0',
    'turn:a.example:65536',
    'turn:a.example?transport=sctp',
    'stun:a.example?transport=udp',
    'turn://a.example',
    'turn:ada@a.example',
    'turn:a example',
    ' turn:a.example',
    'turn:a.example\n',
    'https://a.example',
  ])('[IC2] %j names none', (url) => {
    expect(parseIceUrl(url)).toBeNull();
  });
});

describe('the answer', () => {
  const stun = { urls: ['stun:a.example'] };
  const turn = { urls: ['turn:a.example'], username: 'ada', credential: 'secret' };

  it.each([
    { iceServers: [], expires: null },
    { iceServers: [stun, turn], expires: 1_795_000_000_000 },
  ])('[IC1] is read: %j', (answer) => {
    expect(iceAnswer.parse(answer)).toEqual(answer);
  });

  it.each([
    null,
    [],
    { iceServers: [stun] },
    { iceServers: [stun], expires: 'soon' },
    { iceServers: [stun], expires: 1.5 },
    { iceServers: stun, expires: null },
    { iceServers: [{ urls: [] }], expires: null },
    { iceServers: [{ urls: 'stun:a.example' }], expires: null },
    { iceServers: [{ urls: ['nonsense'] }], expires: null },
    { iceServers: [{ ...turn, username: undefined }], expires: null },
    { iceServers: [{ ...turn, credential: undefined }], expires: null },
    { iceServers: [{ ...turn, username: '' }], expires: null },
    { iceServers: [{ ...turn, username: 'x'.repeat(509) }], expires: null },
    { iceServers: [{ ...turn, credential: 'é'.repeat(400) }], expires: null },
    { iceServers: Array.from({ length: 17 }, () => stun), expires: null },
  ])('[IC8] is not taken where a browser would throw at it: %j', (answer) => {
    expect(iceAnswer.safeParse(answer).success).toBe(false);
  });
});
