import * as decoding from 'lib0/decoding';
import { encodeAwarenessUpdate, modifyAwarenessUpdate, type Awareness } from 'y-protocols/awareness';

/** What goes along with a presence, and is no part of the state that it tells: base64url, not looked into here. */
export interface Extras {
  readonly probe?: string;
  readonly answers?: readonly string[];
}

/** Who has something to send along with presence, and takes what came along. */
export interface PresenceExtras {
  /** What is to go along with the presence that is being sent; null for nothing. It counts as sent. */
  extras(): Extras | null;
  /** What came along with the presence of a client, which the key of that role has signed; nothing may be in it. */
  receiveExtras(client: number, extras: Extras, role: 'writer' | 'reader'): void;
}

/** The most answers that are read of one presence. */
const ANSWERS = 64;

/** A presence as it came. */
export interface Presence {
  readonly client: number;
  /** It says goodbye. */
  readonly isGone: boolean;
  /** An awareness update for that client, without what came along. */
  readonly update: Uint8Array;
  readonly extras: Extras | null;
  /** It asks those who are there to say so. */
  readonly asks: boolean;
}

/** What goes along with a presence, in the state itself: an answer to be given by all who are there, and what others have to send. */
export interface Along extends Extras {
  readonly asks?: true;
}

/** The presence of one client, as bytes to seal ([EN9]). Nothing goes along with a goodbye. */
export function writePresence(
  awareness: Awareness,
  client: number,
  state: Record<string, unknown> | null,
  along: Along | null,
): Uint8Array<ArrayBuffer> {
  const states = new Map(state === null ? [] : [[client, { ...state, ...along }] as const]);
  return Uint8Array.from(encodeAwarenessUpdate(awareness, [client], states));
}

/** Reads a presence that `role` has signed, and marks that of a viewer as one; null if it is not that of exactly one client ([EN9]). */
export function readPresence(content: Uint8Array, role: 'writer' | 'reader'): Presence | null {
  try {
    const decoder = decoding.createDecoder(content);
    const count = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    decoding.readVarUint(decoder);
    const state: unknown = JSON.parse(decoding.readVarString(decoder));
    if (typeof state !== 'object' || Array.isArray(state) || count !== 1 || decoding.hasContent(decoder))
      return null;
    if (state === null) return { client, isGone: true, update: content, extras: null, asks: false };
    const { probe, answers, asks, ...told } = state as Record<string, unknown>;
    const isPlain = role === 'writer' && Object.keys(told).length === Object.keys(state).length;
    // A viewer has no place in the mesh.
    const update = isPlain
      ? content
      : modifyAwarenessUpdate(content, () =>
          role === 'reader' ? { ...told, peer: undefined, viewer: true } : told,
        );
    return { client, isGone: false, update, extras: readExtras(probe, answers), asks: asks === true };
  } catch {
    // Neither lib0 nor JSON says more about bytes that are no presence.
    return null;
  }
}

function readExtras(probe: unknown, answers: unknown): Extras | null {
  const texts = (Array.isArray(answers) ? answers : [])
    .slice(0, ANSWERS)
    .filter((answer) => typeof answer === 'string');
  if (typeof probe !== 'string' && texts.length === 0) return null;
  return { ...(typeof probe === 'string' && { probe }), ...(texts.length > 0 && { answers: texts }) };
}
