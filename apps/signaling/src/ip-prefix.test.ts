import { expect, it } from 'vitest';
import { prefixOf } from './ip-prefix.ts';

it.each([
  ['192.0.2.17', '192.0.2.0/24'],
  ['::ffff:192.0.2.17', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
  ['2001:0DB8:0001::9', '2001:db8:1::/48'],
  ['2001:db8::9', '2001:db8:0::/48'],
  ['::9', '0:0:0::/48'],
])('[MB19] %s counts as %s', (address, prefix) => {
  expect(prefixOf(address)).toBe(prefix);
});

it.each([undefined, '', '127.0.0.1', '::ffff:127.0.0.1', '::1', 'localhost'])(
  '[MB19] %s counts as nobody',
  (address) => {
    expect(prefixOf(address)).toBeNull();
  },
);
