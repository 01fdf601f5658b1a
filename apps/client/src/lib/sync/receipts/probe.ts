import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { decodeHoldings, encodeHoldings, type Holdings } from '../holdings.ts';
import type { Ranges } from '../ranges.ts';

/**
 * What devices say to each other about receipts ([RC2]):
 *
 * ```
 *  offset  bytes
 *       0      1  1 for a probe, 2 for an answer; others are left to later versions
 *       1     16  asker, random
 *      17    1–8  number, as lib0 writes an unsigned integer
 *       …      …  of a probe: the holdings that are asked for
 * ```
 */
export type ReceiptMessage =
  | {
      readonly type: 'probe';
      /** Who asks: 16 random bytes, base64url. */
      readonly asker: string;
      /** Which of the asker's probes it is. */
      readonly number: number;
      readonly wanted: Holdings;
    }
  | { readonly type: 'answer'; readonly asker: string; readonly number: number };

export type Probe = Extract<ReceiptMessage, { type: 'probe' }>;

/** The largest holdings that one probe asks for, in bytes. */
export const PROBE_BYTES = 8 * 1024;

const PROBE = 1;
const ANSWER = 2;
const ASKER_BYTES = 16;

/** @throws {RangeError} for an asker that is not 16 bytes of base64url */
export function encodeMessage(message: ReceiptMessage): Uint8Array<ArrayBuffer> {
  const asker = decodeBase64url(message.asker);
  if (asker?.length !== ASKER_BYTES) throw new RangeError(`an asker has ${ASKER_BYTES} bytes`);
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, message.type === 'probe' ? PROBE : ANSWER);
  encoding.writeUint8Array(encoder, asker);
  encoding.writeVarUint(encoder, message.number);
  if (message.type === 'probe') encoding.writeUint8Array(encoder, encodeHoldings(message.wanted));
  return Uint8Array.from(encoding.toUint8Array(encoder));
}

/** What {@link encodeMessage} wrote; null for whatever else somebody may have sent. */
export function decodeMessage(bytes: Uint8Array): ReceiptMessage | null {
  try {
    const message = read(bytes);
    const written = message && encodeMessage(message);
    const isOwnSpelling =
      written?.length === bytes.length && written.every((byte, index) => byte === bytes[index]);
    return isOwnSpelling ? message : null;
  } catch {
    // lib0 says nothing more about bytes that end too early.
    return null;
  }
}

function read(bytes: Uint8Array): ReceiptMessage | null {
  const decoder = decoding.createDecoder(bytes);
  const code = decoding.readUint8(decoder);
  const asker = encodeBase64url(decoding.readUint8Array(decoder, ASKER_BYTES));
  const number = decoding.readVarUint(decoder);
  if (code === ANSWER) return { type: 'answer', asker, number };
  const rest = decoding.readTailAsUint8Array(decoder);
  if (code !== PROBE || rest.length > PROBE_BYTES) return null;
  const wanted = decodeHoldings(rest);
  return areRanges(wanted.inserted) && areRanges(wanted.deleted)
    ? { type: 'probe', asker, number, wanted }
    : null;
}

/** As much of `holdings` as one probe can ask for; all of it if that is little enough. */
export function takePart(holdings: Holdings): Holdings {
  // The numbers of clients of both.
  let room = PROBE_BYTES - 2 * bytesOf(Math.max(holdings.inserted.size, holdings.deleted.size));
  let isFull = false;
  const take = (ranges: Ranges): Ranges => {
    const part = new Map<number, readonly number[]>();
    for (const [client, borders] of ranges) {
      room -= bytesOf(client) + bytesOf(borders.length);
      const end = isFull ? 0 : takeBorders(borders);
      if (end > 0) part.set(client, end === borders.length ? borders : borders.slice(0, end));
      if (isFull) break;
    }
    return part;
  };
  const takeBorders = (borders: readonly number[]): number => {
    let last = 0;
    for (let i = 0; i + 1 < borders.length; i += 2) {
      const [start = 0, end = 0] = [borders[i], borders[i + 1]];
      room -= bytesOf(start - last) + bytesOf(end - start);
      last = end;
      isFull = room < 0;
      if (isFull) return i;
    }
    return borders.length;
  };
  const part = { inserted: take(holdings.inserted), deleted: take(holdings.deleted) };
  return isFull ? part : holdings;
}

/** How many bytes lib0 writes an unsigned integer in. */
function bytesOf(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Whether they are as {@link Ranges} have to be. */
function areRanges(ranges: Ranges): boolean {
  return [...ranges.values()].every(
    (borders) =>
      borders.length > 0 &&
      borders.length % 2 === 0 &&
      Number.isSafeInteger(borders.at(-1)) &&
      borders.every((border, index) => index === 0 || border > (borders[index - 1] ?? 0)),
  );
}
