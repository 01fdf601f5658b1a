import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import {
  collectRanges,
  intersectRanges,
  NO_RANGES,
  subtractRanges,
  uniteRanges,
  type Ranges,
} from './ranges.ts';

/** What somebody holds of a document: the insertions it has, and the deletions it knows of ([SY1]). */
export interface Holdings {
  readonly inserted: Ranges;
  readonly deleted: Ranges;
}

export const NOTHING: Holdings = { inserted: NO_RANGES, deleted: NO_RANGES };

/** What is in `a` or in `b`. */
export function unite(a: Holdings, b: Holdings): Holdings {
  return { inserted: uniteRanges(a.inserted, b.inserted), deleted: uniteRanges(a.deleted, b.deleted) };
}

/** What is in `a` and not in `b`. */
export function subtract(a: Holdings, b: Holdings): Holdings {
  return { inserted: subtractRanges(a.inserted, b.inserted), deleted: subtractRanges(a.deleted, b.deleted) };
}

/** What is in both. */
export function intersect(a: Holdings, b: Holdings): Holdings {
  return {
    inserted: intersectRanges(a.inserted, b.inserted),
    deleted: intersectRanges(a.deleted, b.deleted),
  };
}

export function isNothing({ inserted, deleted }: Holdings): boolean {
  return inserted.size === 0 && deleted.size === 0;
}

/** Whether `a` contains all that is in `b`. */
export function covers(a: Holdings, b: Holdings): boolean {
  return isNothing(subtract(b, a));
}

/**
 * All that a document can hand on: what it has integrated, and what waits in it for something that is missing. Takes
 * time in proportion to the document.
 */
export function holdingsOf(doc: Y.Doc): Holdings {
  return unite(integratedBy(doc), waitingIn(doc));
}

/** What a document shows, without what waits in it for something that is missing. */
export function integratedBy(doc: Y.Doc): Holdings {
  const inserted = new Map<number, readonly number[]>();
  for (const [client, structs] of doc.store.clients) {
    const last = structs.at(-1);
    if (last) inserted.set(client, [0, last.id.clock + last.length]);
  }
  return { inserted, deleted: rangesOf(Y.createDeleteSetFromStructStore(doc.store)) };
}

/** Whether a document has integrated all of `holdings`: found out without looking at the rest of it. */
export function hasIntegrated({ store }: Y.Doc, { inserted, deleted }: Holdings): boolean {
  const isThere = ([client, borders]: [number, readonly number[]]) =>
    (borders.at(-1) ?? 0) <= Y.getState(store, client);
  if (![...inserted, ...deleted].every(isThere)) return false;
  for (const [client, borders] of deleted) {
    const structs = store.clients.get(client) ?? [];
    for (let i = 0; i + 1 < borders.length; i += 2) {
      const [start = 0, end = 0] = borders.slice(i, i + 2);
      for (let at = Y.findIndexSS(structs, start); at < structs.length; at++) {
        const struct = structs[at];
        if (!struct || struct.id.clock >= end) break;
        if (!struct.deleted) return false;
      }
    }
  }
  return true;
}

/** What a document has received and cannot integrate yet. */
export function waitingIn({ store: { pendingStructs, pendingDs } }: Y.Doc): Holdings {
  const structs = pendingStructs ? holdingsOfUpdate(pendingStructs.update) : NOTHING;
  return pendingDs ? unite(structs, holdingsOfUpdate(pendingDs)) : structs;
}

/**
 * What an update brings.
 *
 * @param update of format V2
 * @throws {Error} of Yjs's, when these bytes are none
 */
export function holdingsOfUpdate(update: Uint8Array): Holdings {
  const { structs, ds } = Y.decodeUpdateV2(update);
  const inserted: [number, number, number][] = [];
  for (const struct of structs) {
    if (!(struct instanceof Y.Skip)) inserted.push([struct.id.client, struct.id.clock, struct.length]);
  }
  // A struct whose content is gone is no deletion: who has it already with its content keeps that, unless the delete set says so.
  return { inserted: collectRanges(inserted), deleted: rangesOf(ds) };
}

/** What a transaction has added to its document, but for what waits for something that is missing. */
export function holdingsOfTransaction({ doc, beforeState, afterState, deleteSet }: Y.Transaction): Holdings {
  const inserted = new Map<number, readonly number[]>();
  const deleted: [number, number, number][] = [];
  for (const [client, end] of afterState) {
    const start = beforeState.get(client) ?? 0;
    if (end <= start) continue;
    inserted.set(client, [start, end]);
    // Yjs does not count what arrives without its content, or has no place any more, among what a transaction deletes.
    const structs = doc.store.clients.get(client) ?? [];
    for (let i = Y.findIndexSS(structs, start); i < structs.length; i++) {
      const struct = structs[i];
      if (!struct || struct.id.clock >= end) break;
      if (struct instanceof Y.GC) deleted.push([client, struct.id.clock, struct.length]);
    }
  }
  return { inserted, deleted: uniteRanges(rangesOf(deleteSet), collectRanges(deleted)) };
}

/**
 * What of `wanted` the document has, as an update of format V2; null when that is nothing. It holds those deletions, and
 * those of the insertions in it, but not the whole delete set, which is large in a document with a long history. Of insertions
 * it can hold more, because Yjs writes a client's structs from some clock on.
 */
export function extractUpdate(doc: Y.Doc, wanted: Holdings): Uint8Array<ArrayBuffer> | null {
  const held = holdingsOf(doc);
  const asked = intersect(wanted, held);
  if (isNothing(asked)) return null;
  const from = new Map<number, number>();
  const brought = new Map<number, readonly number[]>();
  for (const [client, ranges] of held.inserted) {
    const end = ranges.at(-1) ?? 0;
    const start = asked.inserted.get(client)?.[0] ?? end;
    from.set(client, start);
    if (start < end) brought.set(client, [start, end]);
  }
  const deleted = uniteRanges(asked.deleted, intersectRanges(held.deleted, brought));
  const update = Y.encodeStateAsUpdateV2(doc, encodeStateVector(from));
  // An update ends with its delete set, in a format in which it does not depend on what is before it.
  const structs = update.subarray(0, update.length - encodeDeleteSet(wholeDeleteSet(doc)).length);
  const deletes = encodeDeleteSet(deleteSetOf(deleted));
  const extract = new Uint8Array(structs.length + deletes.length);
  extract.set(structs);
  extract.set(deletes, structs.length);
  return extract;
}

/** What the document has and `holdings` lack, as an update of format V2; null when that is nothing. */
export function lackingUpdate(doc: Y.Doc, holdings: Holdings): Uint8Array<ArrayBuffer> | null {
  return extractUpdate(doc, subtract(holdingsOf(doc), holdings));
}

/** Holdings as bytes to keep: about 4 bytes a range. */
export function encodeHoldings({ inserted, deleted }: Holdings): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  for (const ranges of [inserted, deleted]) {
    encoding.writeVarUint(encoder, ranges.size);
    for (const [client, borders] of ranges) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, borders.length);
      let last = 0;
      for (const border of borders) {
        encoding.writeVarUint(encoder, border - last);
        last = border;
      }
    }
  }
  return Uint8Array.from(encoding.toUint8Array(encoder));
}

/** @throws {Error} for bytes that {@link encodeHoldings} did not give */
export function decodeHoldings(bytes: Uint8Array): Holdings {
  const decoder = decoding.createDecoder(bytes);
  const read = (): Ranges => {
    const ranges = new Map<number, readonly number[]>();
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      const client = decoding.readVarUint(decoder);
      const borders: number[] = [];
      let last = 0;
      for (let rest = decoding.readVarUint(decoder); rest > 0; rest--) {
        last += decoding.readVarUint(decoder);
        borders.push(last);
      }
      ranges.set(client, borders);
    }
    return ranges;
  };
  return { inserted: read(), deleted: read() };
}

type DeleteSet = ReturnType<typeof Y.createDeleteSet>;

function rangesOf({ clients }: DeleteSet): Ranges {
  const pieces: [number, number, number][] = [];
  for (const [client, items] of clients) {
    for (const { clock, len } of items) pieces.push([client, clock, len]);
  }
  return collectRanges(pieces);
}

function deleteSetOf(ranges: Ranges): DeleteSet {
  const set = Y.createDeleteSet();
  for (const [client, borders] of ranges) {
    const items = [];
    for (let i = 0; i + 1 < borders.length; i += 2) {
      const clock = borders[i] ?? 0;
      items.push({ clock, len: (borders[i + 1] ?? 0) - clock });
    }
    set.clients.set(client, items);
  }
  return set;
}

/** The delete set that Yjs writes into an update of the whole document. */
function wholeDeleteSet(doc: Y.Doc): DeleteSet {
  const set = Y.createDeleteSetFromStructStore(doc.store);
  const { pendingStructs, pendingDs } = doc.store;
  if (!pendingStructs && !pendingDs) return set;
  const waiting = pendingDs ? [Y.decodeUpdateV2(pendingDs).ds] : [];
  return Y.mergeDeleteSets([set, ...waiting]);
}

function encodeDeleteSet(set: DeleteSet): Uint8Array {
  // A snapshot is a delete set and a state vector; that of nothing is one byte.
  return Y.encodeSnapshotV2(Y.createSnapshot(set, new Map())).subarray(0, -1);
}

function encodeStateVector(clocks: ReadonlyMap<number, number>): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clocks.size);
  for (const [client, clock] of clocks) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
  }
  return encoding.toUint8Array(encoder);
}
