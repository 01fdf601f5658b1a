import { isAccessKey } from './protocol/access-key.ts';
import type { ProblemCode } from './protocol/problems.ts';
import { VariableError } from './variables.ts';

/** Who may use a relay, as its variables say it. */
export interface Access {
  /** Keys, as bytes, of which one has to be given; none for a relay that is open to all. */
  readonly keys: readonly Uint8Array[];
  /** Origins whose pages may use the relay besides its own; none where WebSockets are open to the pages of all. */
  readonly origins: readonly string[];
}

/** The variables that {@link readAccess} reads. */
export interface AccessVariables {
  /** Access keys ({@link isAccessKey}), with commas between them. */
  readonly RELAY_ACCESS_KEYS?: string | undefined;
  /** Origins, with spaces or commas between them. */
  readonly ALLOWED_ORIGINS?: string | undefined;
}

/** What a WebSocket brings to be let in. */
export interface Visitor {
  /** Its `Origin`, which browsers always send; null where there is none. */
  readonly origin: string | null;
  /** The relay's own origin, whose pages always may; null where it has none. */
  readonly at: string | null;
  readonly key: string | null;
}

/**
 * What the variables say of who may use the relay ([HB36], [HB37]).
 *
 * @throws {VariableError} names the first one that is of no use: a mistake in it does not open a relay
 */
export function readAccess({ RELAY_ACCESS_KEYS, ALLOWED_ORIGINS }: AccessVariables): Access {
  const keys = listOf(RELAY_ACCESS_KEYS, ',');
  if (!keys.every(isAccessKey)) {
    throw new VariableError(
      'RELAY_ACCESS_KEYS',
      'keys of 16 to 256 letters, digits, - and _, with commas between them',
    );
  }
  const origins = listOf(ALLOWED_ORIGINS, /[\s,]+/);
  if (!origins.every((origin) => URL.parse(origin)?.origin === origin)) {
    throw new VariableError(
      'ALLOWED_ORIGINS',
      'origins such as https://plan.example, with spaces between them',
    );
  }
  return { keys: keys.map((key) => utf8.encode(key)), origins };
}

/** Why a WebSocket is not let in; null if it is. */
export function refuseVisitor(access: Access, { origin, at, key }: Visitor): ProblemCode | null {
  const isForeign = origin !== null && origin !== at && !access.origins.includes(origin);
  if (access.origins.length > 0 && isForeign) return 'access/origin-refused';
  return hasAccess(access, key) ? null : 'access/key-refused';
}

/** Whether a key opens the relay. How long that takes tells nothing of the keys that do. */
export function hasAccess({ keys }: Access, key: string | null): boolean {
  if (keys.length === 0) return true;
  const given = utf8.encode(key ?? '');
  let isKnown = false;
  // No way out before the last: the time would tell which one it was.
  for (const known of keys) isKnown = isEqual(given, known) || isKnown;
  return isKnown;
}

const utf8 = new TextEncoder();

/** Compares in a time that depends on the length of `given` alone. */
function isEqual(given: Uint8Array, known: Uint8Array): boolean {
  let difference = given.length ^ known.length;
  for (const [index, byte] of given.entries()) difference |= byte ^ (known[index % known.length] ?? 0);
  return difference === 0;
}

function listOf(text: string | undefined, separator: string | RegExp): string[] {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? [] : trimmed.split(separator).map((part) => part.trim());
}
