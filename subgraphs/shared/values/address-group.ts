import { isIPv6 } from 'node:net';

const mappedV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * What limits per address go by: an IPv4 address as it is, an IPv6 address by its /64, since one customer of a
 * provider has all of those. Other text stands for itself.
 */
export function addressGroup(address: string): string {
  const text = address.trim().replace(/%.*$/, '').toLowerCase();
  const v4 = mappedV4.exec(text)?.[1];
  if (v4 !== undefined || !isIPv6(text)) return v4 ?? text;
  const [head = '', tail] = text.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
