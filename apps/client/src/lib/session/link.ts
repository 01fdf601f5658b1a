import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import { SessionError } from './errors.ts';
import { deriveEditKeys, SECRET_LENGTH, type EditKeys } from './keys.ts';

/** What a link lets its holder do: `e` edit, `v` view. */
export type LinkKind = 'e' | 'v';

export interface LinkFragment {
  readonly kind: LinkKind;
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The access key of a private relay, as whoever made the link gave it along ([LK12]). */
  readonly access?: string;
}

/** A session id: 22 characters of base64url ([LK1]). */
export function isSessionId(text: string): boolean {
  return /^[\w-]{22}$/.test(text);
}

/**
 * The path and fragment of a session's link, from the first slash on ([LK4]).
 *
 * @param access an access key of a private relay, to be given along ([LK12])
 */
export async function formatLink(
  sessionId: string,
  kind: LinkKind,
  secret: Uint8Array<ArrayBuffer>,
  access: string | null = null,
): Promise<string> {
  const before = `/session/${sessionId}#${prefixOf(access)}${kind}.${encodeBase64url(secret)}`;
  return `${before}.${await checkOf(before)}`;
}

/**
 * Reads the fragment of a session's address ([LK4], [LK5], [LK12]). Punctuation and space behind it are no part of it.
 *
 * @param fragment with or without its `#`; empty means that the address carries no key, and gives null
 * @throws {SessionError} `link/malformed`, `link/incomplete`, `link/mistyped`
 */
export async function parseFragment(sessionId: string, fragment: string): Promise<LinkFragment | null> {
  if (!isSessionId(sessionId)) throw new SessionError('link/malformed');
  // Mail programs take the full stop or bracket behind an address for a part of it.
  const text = fragment.replace(/^#/, '').replace(/(%20|[\s.,;:!?)\]}>'"*])+$/, '');
  if (text === '') return null;
  const parts = text.split('.');
  const access = parts[0] === 'a' ? (parts.splice(0, 2)[1] ?? '') : null;
  const [kind, encoded, check, ...rest] = parts;
  if (access !== null && !kind) throw new SessionError('link/incomplete');
  if ((kind !== 'e' && kind !== 'v') || rest.length > 0) throw new SessionError('link/mistyped');
  // A character that belongs to no key is damage; its absence alone is a link that was cut off.
  if (!/^[\w-]*$/.test(`${encoded ?? ''}${check ?? ''}`)) throw new SessionError('link/mistyped');
  if (encoded === undefined || encoded.length < ENCODED_SECRET_LENGTH)
    throw new SessionError('link/incomplete');
  if (check === undefined || check.length < CHECK_LENGTH) throw new SessionError('link/incomplete');
  const secret = decodeBase64url(encoded);
  if (secret?.length !== SECRET_LENGTH) throw new SessionError('link/mistyped');
  if (check !== (await checkOf(`/session/${sessionId}#${prefixOf(access)}${kind}.${encoded}`))) {
    throw new SessionError('link/mistyped');
  }
  return { kind, secret, ...(access !== null && { access }) };
}

/**
 * The keys of an edit secret, once it is known to belong to this session ([LK6]).
 *
 * @throws {SessionError} `link/foreign`, or what {@link deriveEditKeys} throws
 */
export async function unlockSession(sessionId: string, secret: Uint8Array<ArrayBuffer>): Promise<EditKeys> {
  const keys = await deriveEditKeys(secret);
  if (keys.sessionId !== sessionId) throw new SessionError('link/foreign');
  return keys;
}

const CHECK_LENGTH = 4;
const ENCODED_SECRET_LENGTH = Math.ceil((SECRET_LENGTH * 4) / 3);

function prefixOf(access: string | null): string {
  return access === null ? '' : `a.${access}.`;
}

/** 24 bits over all that stands before the check, from the path on: the origin may change, the link stays good. */
async function checkOf(before: string): Promise<string> {
  // Without WebCrypto nothing can be opened anyway, and deriving the keys says so.
  const { subtle } = crypto as Partial<Crypto>;
  if (!subtle) throw new SessionError('browser/insecure');
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(before));
  return encodeBase64url(new Uint8Array(digest)).slice(0, CHECK_LENGTH);
}
