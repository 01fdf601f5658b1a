import { expect, it } from 'vitest';
import { Connections } from './connections.ts';

it('[HB40] a prefix has so many connections at once, and the others theirs', () => {
  const connections = new Connections(2);
  const [first, second] = [connections.take('192.0.2.0/24'), connections.take('192.0.2.0/24')];
  expect(first).not.toBeNull();
  expect(second).not.toBeNull();
  expect(connections.take('192.0.2.0/24')).toBeNull();
  expect(connections.take('198.51.100.0/24')).not.toBeNull();
  first?.();
  first?.();
  expect(connections.take('192.0.2.0/24')).not.toBeNull();
  expect(connections.take('192.0.2.0/24')).toBeNull();
});

it('[HB40] whoever has no prefix is not counted', () => {
  const connections = new Connections(1);
  for (let index = 0; index < 3; index++) expect(connections.take(null)).not.toBeNull();
});
