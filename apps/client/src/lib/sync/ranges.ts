/**
 * Half-open ranges of Yjs clocks a client: `[start, end, start, end, …]`, ascending, neither touching nor empty. A client
 * without ranges is not in it.
 */
export type Ranges = ReadonlyMap<number, readonly number[]>;

export const NO_RANGES: Ranges = new Map();

/** What is in `a` or in `b`. */
export function uniteRanges(a: Ranges, b: Ranges): Ranges {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const united = new Map(a);
  for (const [client, ranges] of b) {
    const own = a.get(client);
    united.set(client, own ? insert(own, ranges) : ranges);
  }
  return united;
}

/** What is in `a` and not in `b`. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  return b.size === 0 ? a : combine(a, b, (inA, inB) => inA && !inB);
}

/** What is in both. */
export function intersectRanges(a: Ranges, b: Ranges): Ranges {
  return combine(a, b, (inA, inB) => inA && inB);
}

/** Ranges from `[client, start, length]` in any order, overlapping or not. */
export function collectRanges(pieces: Iterable<readonly [number, number, number]>): Ranges {
  const byClient = new Map<number, [number, number][]>();
  for (const [client, start, length] of pieces) {
    if (length <= 0) continue;
    let list = byClient.get(client);
    if (!list) byClient.set(client, (list = []));
    const last = list.at(-1);
    // Most come in order and next to each other.
    if (last?.[1] === start) last[1] = start + length;
    else list.push([start, start + length]);
  }
  const collected = new Map<number, readonly number[]>();
  for (const [client, list] of byClient) {
    list.sort((a, b) => a[0] - b[0]);
    const flat: number[] = [];
    for (const [start, end] of list) {
      const reached = flat.at(-1);
      if (reached === undefined || start > reached) flat.push(start, end);
      else if (end > reached) flat[flat.length - 1] = end;
    }
    collected.set(client, flat);
  }
  return collected;
}

type Keep = (inA: boolean, inB: boolean) => boolean;

/** For a rule that keeps nothing of clients that are not in `a`. */
function combine(a: Ranges, b: Ranges, keep: Keep): Ranges {
  if (a.size === 0) return a;
  const result = new Map<number, readonly number[]>();
  for (const [client, ranges] of a) {
    const other = b.get(client) ?? [];
    const [from, to] = near(other, ranges);
    const kept = sweep(ranges, other.slice(from, to), keep);
    if (kept.length > 0) result.set(client, kept);
  }
  return result;
}

/** `a` with what is in `b`. A key's change is small, what is held is large: only what is near the change is looked at. */
function insert(a: readonly number[], b: readonly number[]): readonly number[] {
  const [from, to] = near(a, b);
  const united = sweep(a.slice(from, to), b, (inA, inB) => inA || inB);
  return from === 0 && to === a.length ? united : a.slice(0, from).concat(united, a.slice(to));
}

/** Between which indices the ranges are that touch, or lie between, the first and the last of `span`. */
function near(ranges: readonly number[], span: readonly number[]): [from: number, to: number] {
  const [first = 0, last = 0] = [span[0], span.at(-1)];
  return [
    2 * countRanges(ranges, (_start, end) => end < first),
    2 * countRanges(ranges, (start) => start <= last),
  ];
}

/** How many ranges from the first on are so; once one is not, none after it is. */
function countRanges(ranges: readonly number[], isSo: (start: number, end: number) => boolean): number {
  let [low, high] = [0, ranges.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(ranges[2 * middle] ?? 0, ranges[2 * middle + 1] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Walks along all borders of both, and keeps what the rule wants. */
function sweep(a: readonly number[], b: readonly number[], keep: Keep): number[] {
  const result: number[] = [];
  let i = 0;
  let j = 0;
  let kept = false;
  while (i < a.length || j < b.length) {
    const at = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    if (a[i] === at) i++;
    if (b[j] === at) j++;
    // After an odd number of borders one is inside a range.
    const keeps = keep(i % 2 === 1, j % 2 === 1);
    if (keeps !== kept) result.push(at);
    kept = keeps;
  }
  return result;
}
