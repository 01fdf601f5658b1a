import type { IncomingMessage } from 'node:http';
import { ACCESS_HEADER, ACCESS_PARAMETER } from '../access.ts';

/** The path of what was asked for, without its query. */
export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** The access key that a request brings, in its header or its URL; null where there is none. */
export function keyOf({ url = '', headers }: IncomingMessage): string | null {
  const header = headers[ACCESS_HEADER];
  if (typeof header === 'string') return header;
  const query = url.indexOf('?');
  return query < 0 ? null : new URLSearchParams(url.slice(query)).get(ACCESS_PARAMETER);
}

/**
 * Where a request comes from.
 *
 * @param header the one in which a proxy tells it, in small letters. Of several addresses the last one counts: that is the proxy's own
 *   word, what stands before it is the visitor's.
 */
export function addressOf({ headers, socket }: IncomingMessage, header: string | null): string | undefined {
  const told = header === null ? undefined : headers[header];
  if (told === undefined) return socket.remoteAddress;
  return (Array.isArray(told) ? told.join(',') : told).split(',').at(-1)?.trim();
}
