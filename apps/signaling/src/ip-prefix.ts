/**
 * What of an address counts for the budgets ([MB19]): a /24 of IPv4, a /48 of IPv6. Null for none, and for loopback, where
 * everybody is the same person.
 *
 * @param address as `CF-Connecting-IP` has it
 */
export function prefixOf(address: string | undefined): string | null {
  if (address === undefined) return null;
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/i.exec(address);
  if (v4) return v4[1] === '127' ? null : `${v4[1]}.${v4[2]}.${v4[3]}.0/24`;
  if (!/^[0-9a-f:.]+$/i.test(address) || !address.includes(':')) return null;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0'), ...after);
  }
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  if (numbers.slice(0, 7).every((number) => number === 0) && numbers[7] === 1) return null;
  return `${numbers
    .slice(0, 3)
    .map((number) => number.toString(16))
    .join(':')}::/48`;
}

/**
 * Where somebody comes from.
 *
 * @param direct the other end of the connection
 * @param told what a proxy that is known to be there says in its header. Of several addresses the last one counts: that is the proxy's
 *   own word, what stands before it is the visitor's.
 */
export function addressOf(direct: string | undefined, told: string | undefined): string | undefined {
  return told === undefined ? direct : told.split(',').at(-1)?.trim();
}
