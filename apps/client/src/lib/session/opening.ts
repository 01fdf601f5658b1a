import { decodeBase64url } from '@parley/signaling/base64url';
import { SessionError, type ErrorCode } from './errors.ts';
import type { EditKeys } from './keys.ts';
import { isSessionId, parseFragment, unlockSession } from './link.ts';

export interface Unlocked {
  readonly keys: EditKeys;
  /** The edit secret, 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The address carried a key that was no good, and the one that this device knows was taken instead. */
  readonly ignored: ErrorCode | null;
}

/**
 * Decides with which key a session is opened: the one in the address, else the one that this device knows. A bad link
 * never replaces a good key ([LK7]).
 *
 * @param fragment the address's fragment, with or without `#`
 * @param stored the base64url secret that this device knows, if it knows one
 * @throws {SessionError} `link/…`, `session/unknown`, `browser/…`
 */
export async function unlockByAddress(
  sessionId: string,
  fragment: string,
  stored: string | undefined,
): Promise<Unlocked> {
  if (!isSessionId(sessionId)) throw new SessionError('link/malformed');
  const known = stored === undefined ? null : decodeBase64url(stored);
  try {
    const link = await parseFragment(sessionId, fragment);
    if (link?.kind === 'v') throw new SessionError('link/view-only');
    const secret = link?.secret ?? known;
    if (!secret) throw new SessionError('session/unknown');
    return { keys: await unlockSession(sessionId, secret), secret, ignored: null };
  } catch (error) {
    if (!known || !(error instanceof SessionError) || !error.code.startsWith('link/')) throw error;
    return { keys: await unlockSession(sessionId, known), secret: known, ignored: error.code };
  }
}
