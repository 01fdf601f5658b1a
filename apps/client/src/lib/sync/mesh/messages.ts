import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { OWN_KINDS, OWN_MESSAGE } from './chunks.ts';
import type { ReachNews } from './passing-on.ts';

/** A message that only Parley's own peers understand. */
export type OwnMessage =
  | { readonly kind: 'reach'; readonly news: ReachNews }
  | { readonly kind: 'message'; readonly content: Uint8Array<ArrayBuffer> };

/** So many names one message may hold, and so many characters (UTF-16 code units) a name. */
const NAMES = { count: 1_000, length: 100 } as const;

export function encodeOwn(message: OwnMessage): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, OWN_MESSAGE);
  encoding.writeUint8(encoder, OWN_KINDS[message.kind]);
  if (message.kind === 'message') encoding.writeUint8Array(encoder, message.content);
  else {
    for (const names of [message.news.gained, message.news.lost]) {
      encoding.writeVarUint(encoder, names.length);
      for (const name of names) encoding.writeVarString(encoder, name);
    }
  }
  return Uint8Array.from(encoding.toUint8Array(encoder));
}

/** @returns null for what is none, or of a later version */
export function decodeOwn(bytes: Uint8Array<ArrayBuffer>): OwnMessage | null {
  if (bytes[0] !== OWN_MESSAGE) return null;
  const content = bytes.subarray(2);
  if (bytes[1] === OWN_KINDS.message) return { kind: 'message', content };
  if (bytes[1] !== OWN_KINDS.reach) return null;
  try {
    const decoder = decoding.createDecoder(content);
    const [gained, lost] = [readNames(decoder), readNames(decoder)];
    return gained && lost && !decoding.hasContent(decoder) ? { kind: 'reach', news: { gained, lost } } : null;
  } catch {
    // lib0 says no more about bytes that end too early.
    return null;
  }
}

function readNames(decoder: decoding.Decoder): string[] | null {
  const count = decoding.readVarUint(decoder);
  if (count > NAMES.count) return null;
  const names = Array.from({ length: count }, () => decoding.readVarString(decoder));
  return names.every(({ length }) => length <= NAMES.length) ? names : null;
}
