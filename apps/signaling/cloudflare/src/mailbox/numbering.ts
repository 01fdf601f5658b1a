/** What an envelope is known by. */
export interface Identity {
  readonly id: string;
  readonly hash: string;
}

/** The seqs of the envelopes of one request. */
export interface Numbering {
  /** In the order of the request. */
  readonly seqs: readonly number[];
  /** Indices of those that are new, each once; they get the seqs behind the head, in this order. */
  readonly fresh: readonly number[];
}

/**
 * Numbers the envelopes of one request ([MB5], [MB7]): what is known keeps its seq, what is new gets the next one. Null
 * when an id comes with other bytes than those it is known by, or than another of the same request.
 */
export function numberEnvelopes(
  head: number,
  known: readonly (Identity & { readonly seq: number })[],
  incoming: readonly Identity[],
): Numbering | null {
  const numbered = new Map(known.map(({ id, hash, seq }) => [id, { hash, seq }]));
  const seqs: number[] = [];
  const fresh: number[] = [];
  for (const [index, { id, hash }] of incoming.entries()) {
    let entry = numbered.get(id);
    if (!entry) {
      fresh.push(index);
      entry = { hash, seq: head + fresh.length };
      numbered.set(id, entry);
    }
    if (entry.hash !== hash) return null;
    seqs.push(entry.seq);
  }
  return { seqs, fresh };
}
