import { decodeBase64url } from '@parley/signaling/base64url';
import { formatLink } from '../session/link.ts';
import type { SessionRecord } from './database.ts';

/** The whole address of a session that the device could not keep: then the address bar is the only place that has its key. */
export async function formatAddress({ id, kind, secret }: SessionRecord): Promise<string> {
  const bytes = decodeBase64url(secret);
  return bytes ? formatLink(id, kind === 'view' ? 'v' : 'e', bytes) : `/session/${id}`;
}
