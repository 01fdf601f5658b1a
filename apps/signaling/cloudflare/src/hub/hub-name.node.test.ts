import { expect, it } from 'vitest';
import { hubNameOf } from './hub-name.ts';

const session = (index: number) => String(index).padStart(22, 'A');

it('[HB41] one hub serves all unless there are shards', () => {
  expect(hubNameOf(session(1), 1)).toBe('global-signaling');
  for (const shards of [1, 2, 16]) expect(hubNameOf(undefined, shards)).toBe('global-signaling');
});

it('[HB41] a session is in one shard, and sessions are spread evenly', () => {
  const count = new Map<string, number>();
  for (let index = 0; index < 8_000; index++) {
    const name = hubNameOf(session(index), 8);
    expect(hubNameOf(session(index), 8)).toBe(name);
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  expect([...count.keys()].sort()).toEqual(Array.from({ length: 8 }, (_, shard) => `signaling-${shard}`));
  for (const sessions of count.values()) expect(Math.abs(sessions - 1_000)).toBeLessThan(150);
});

it('[HB41] which shard it is stays as it is: another one would part people during a deployment', () => {
  expect(['AAAAAAAAAAAAAAAAAAAA-_', session(1), session(2)].map((id) => hubNameOf(id, 16))).toEqual([
    'signaling-9',
    'signaling-11',
    'signaling-14',
  ]);
});
