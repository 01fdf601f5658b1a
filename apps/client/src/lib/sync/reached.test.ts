import { describe, expect, it } from 'vitest';
import { describeBytes, describeWay } from './reached-words.ts';
import { listReached, type PeerConnection } from './reached.ts';

const person = (id: string, peer: string | null) => ({ id, name: id, hue: 1, viewing: peer === null, peer });
const connection = (peer: string, rest: Partial<PeerConnection> = {}): PeerConnection => ({
  ...{ peer, state: 'connected', way: 'direct', sent: 1_234, received: 99 },
  ...rest,
});

const waysOf = (connections: readonly PeerConnection[], isRelayReached: boolean) =>
  listReached([person('Ada', 'a'), person('Bob', 'b'), person('Vic', null)], connections, [], isRelayReached)
    .map(({ way }) => way)
    .join(' ');

describe('how others are reached', () => {
  it('[RC7] is directly only over a connection that stands', () => {
    expect(waysOf([connection('a'), connection('b', { way: 'turn' })], true)).toBe('direct turn relay');
    expect(waysOf([connection('a', { state: 'connecting', way: null })], true)).toBe('relay relay relay');
    expect(waysOf([connection('somebody else')], true)).toBe('relay relay relay');
  });

  it('[RC7] is through others where neither the mesh nor the relay reaches them', () => {
    expect(waysOf([connection('a')], false)).toBe('direct others others');
  });

  it('[RC7] a viewer without a place in the mesh is not taken for a connection without a name', () => {
    expect(waysOf([connection('')], true)).toBe('relay relay relay');
  });

  it('[RC1] says of each whether they have the last change', () => {
    const people = [person('Ada', 'a'), person('Bob', 'b')];
    expect(listReached(people, [], ['Bob', 'Cy'], true).map(({ having }) => having)).toEqual([false, true]);
  });

  it('is said in a line', () => {
    const line = (...connections: PeerConnection[]) =>
      listReached([person('Ada', 'a')], connections, [], true).map(describeWay)[0];
    expect(line(connection('a'))).toBe('Directly · 1.2 kB sent, 99 bytes received');
    expect(line(connection('a', { way: 'turn' }))).toMatch(/^Through a TURN server · /);
    expect(line(connection('a', { state: 'connecting', way: null }))).toBe(
      'Through the relay, connecting directly',
    );
    expect(line()).toBe('Through the relay');
  });

  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1 kB'],
    [12_345, '12 kB'],
    [123_456, '123 kB'],
    [5_400_000, '5.4 MB'],
    [2_000_000_000, '2 GB'],
    [7e15, '7,000 TB'],
  ])('%d bytes are %j', (bytes, text) => expect(describeBytes(bytes)).toBe(text));
});
