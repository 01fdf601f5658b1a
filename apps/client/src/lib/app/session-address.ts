import { decodeBase64url } from '../session/base64url.ts';
import { formatLink } from '../session/link.ts';
import type { SessionRecord } from './database.ts';

/**
 * Where to go to open a session that this device knows: its bare address if the key is kept, else its whole link, because then the
 * address bar is the only place that has it.
 */
export async function sessionAddress({ id, secret }: SessionRecord, kept: boolean): Promise<string> {
  const bytes = kept ? null : decodeBase64url(secret);
  return bytes ? formatLink(id, 'e', bytes) : `/session/${id}`;
}
