import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import { SessionError, type ErrorCode } from './errors.ts';
import { deriveViewKeys, type EditKeys, type ViewKeys } from './keys.ts';
import { isSessionId, parseFragment, unlockSession } from './link.ts';

/** What the key to a session lets its holder do. */
export type Access = 'edit' | 'view';

/** A key as this device remembers it. */
export interface KnownKey {
  readonly kind: Access;
  /** The edit or the view secret, base64url. */
  readonly secret: string;
  /** Something that it opens has arrived. An edit key proves itself: the id is made of it. */
  readonly proven: boolean;
}

export type Unlocked = {
  /** The edit or the view secret, 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Why the link in the address was not taken, but the key that this device knows; null when there is nothing to say. */
  readonly ignored: ErrorCode | null;
  /** The access key that the link in the address gives along. */
  readonly access?: string | undefined;
} & (
  | { readonly kind: 'edit'; readonly keys: EditKeys; readonly view: ViewKeys }
  | { readonly kind: 'view'; readonly keys: null; readonly view: ViewKeys }
);

/**
 * Decides with which key a session is opened: the one in the address, else the one that this device knows. A bad link
 * never replaces a good key ([LK7]), nor a view link an edit key ([LK9]).
 *
 * @param fragment the address's fragment, with or without `#`
 * @param known the key that this device knows, if it knows one
 * @throws {SessionError} `link/…`, `session/unknown`, `browser/…`
 */
export async function unlockByAddress(
  sessionId: string,
  fragment: string,
  known: KnownKey | undefined,
): Promise<Unlocked> {
  if (!isSessionId(sessionId)) throw new SessionError('link/malformed');
  const knownSecret = known ? decodeBase64url(known.secret) : null;
  const unlockKnown = async (ignored: ErrorCode | null): Promise<Unlocked> => {
    if (!known || !knownSecret) throw new SessionError('session/unknown');
    return unlock(sessionId, known.kind, knownSecret, ignored);
  };
  try {
    const link = await parseFragment(sessionId, fragment);
    if (!link) return await unlockKnown(null);
    const { access } = link;
    if (link.kind === 'e') return { ...(await unlock(sessionId, 'edit', link.secret, null)), access };
    // A view link cannot be held against the id. What is known to be good is not given up for it, what is not is ([LK10]).
    if (!knownSecret || !known?.proven) {
      return { ...(await unlock(sessionId, 'view', link.secret, null)), access };
    }
    const unlocked = { ...(await unlockKnown(null)), access };
    const isSame = encodeBase64url(unlocked.view.secret) === encodeBase64url(link.secret);
    if (!isSame) return { ...unlocked, ignored: 'link/foreign' };
    return unlocked.kind === 'edit' ? { ...unlocked, ignored: 'link/weaker' } : unlocked;
  } catch (error) {
    if (!knownSecret || !(error instanceof SessionError) || !error.code.startsWith('link/')) throw error;
    return unlockKnown(error.code);
  }
}

async function unlock(
  sessionId: string,
  kind: Access,
  secret: Uint8Array<ArrayBuffer>,
  ignored: ErrorCode | null,
): Promise<Unlocked> {
  if (kind === 'view') return { kind, keys: null, view: await deriveViewKeys(secret), secret, ignored };
  const keys = await unlockSession(sessionId, secret);
  return { kind, keys, view: keys.view, secret, ignored };
}
