import { ACCESS_HEADER, ACCESS_PARAMETER } from '@parley/signaling/access-key';

/** The headers by which a private relay lets a request in ([SY25]): none without a key. */
export function accessHeaders(key: string | null): Record<string, string> {
  return key === null ? {} : { [ACCESS_HEADER]: key };
}

/** The address of a WebSocket that a private relay lets in ([SY25]): a browser gives it no header. */
export function withAccess(address: string, key: string | null): string {
  return key === null ? address : `${address}?${ACCESS_PARAMETER}=${key}`;
}
