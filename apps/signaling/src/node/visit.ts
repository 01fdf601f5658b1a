import type { IncomingMessage } from 'node:http';
import { ACCESS_HEADER, ACCESS_PARAMETER } from '../protocol/access-key.ts';
import { addressOf } from '../ip-prefix.ts';

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

/** Where a request comes from: what the header says, which is in small letters; the other end of the connection where there is none. */
export function visitorOf({ headers, socket }: IncomingMessage, header: string | null): string | undefined {
  const told = header === null ? undefined : headers[header];
  return addressOf(socket.remoteAddress, Array.isArray(told) ? told.join(',') : told);
}
