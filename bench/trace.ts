import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as Y from 'yjs';

/** A recorded editing session: who typed what, when. Source and format: github.com/josephg/editing-traces, CC BY 4.0. */
export interface Trace {
  readonly endContent: string;
  readonly txns: readonly {
    /** ISO 8601. */
    readonly time: string;
    readonly patches: readonly (readonly [position: number, deleted: number, inserted: string])[];
  }[];
}

const folder = process.env['PARLEY_TRACES'] ?? fileURLToPath(new URL('../../shared/data', import.meta.url));

/**
 * Reads a recording: `automerge-paper`, known as B4, in which one author writes a paper in 259,778 transactions, whose times were not
 * kept; or `sveltecomponent`, in which one author writes code in 18,335, with real times to the second.
 *
 * @throws {Error} where it is not at hand
 */
export function readTrace(name: 'automerge-paper' | 'sveltecomponent'): Trace {
  const file = `${folder}/${name}.json.gz`;
  if (!existsSync(file)) {
    throw new Error(
      `The benchmarks replay ${name}.json.gz of github.com/josephg/editing-traces, which is not at ${file}. ` +
        'Get it, and name its folder in PARLEY_TRACES.',
    );
  }
  return JSON.parse(gunzipSync(readFileSync(file)).toString()) as Trace;
}

/** Types one transaction of a trace. */
export function typeTransaction(text: Y.Text, { patches }: Trace['txns'][number]): void {
  text.doc?.transact(() => {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) text.delete(position, deleted);
      if (inserted) text.insert(position, inserted);
    }
  });
}

/** A written document as some store keeps it: nearly everything in one update, and what came since, an update a change. */
export interface Written {
  /** Everything, as one update of format V2: the floor in bytes. */
  readonly merged: Uint8Array;
  /** Everything before the tail, format V2. */
  readonly base: Uint8Array;
  /** Format V2. */
  readonly tail: readonly Uint8Array[];
}

/** Replays a whole trace into one document with one client. `tail` says where the last transactions begin to be kept apart, group by group. */
export function writeTrace({ txns, endContent }: Trace, tail: readonly number[]): Written {
  const doc = new Y.Doc();
  doc.clientID = 1;
  const text = doc.getText('text');
  const type = (from: number, to = txns.length) => {
    for (const txn of txns.slice(from, to)) typeTransaction(text, txn);
  };
  type(0, tail[0]);
  const base = Y.encodeStateAsUpdateV2(doc);
  const updates: Uint8Array[] = [];
  tail.forEach((from, group) => {
    const parts: Uint8Array[] = [];
    const collect = (update: Uint8Array) => parts.push(update);
    doc.on('updateV2', collect);
    type(from, tail[group + 1]);
    doc.off('updateV2', collect);
    updates.push(Y.mergeUpdatesV2(parts));
  });
  if (text.toJSON() !== endContent) throw new Error('the replay went wrong');
  return { merged: Y.encodeStateAsUpdateV2(doc), base, tail: updates };
}

/** Where the last `count` keystrokes begin. */
export function lastKeystrokes({ txns }: Trace, count: number): number[] {
  return Array.from({ length: count }, (_, index) => txns.length - count + index);
}

/** Where the last `count` groups begin, of so many keystrokes each. */
export function lastGroups({ txns }: Trace, count: number, size: number): number[] {
  return Array.from({ length: count }, (_, index) => txns.length - (count - index) * size);
}

/** A keystroke and when it is pressed, in milliseconds since the first. */
export interface Keystroke {
  readonly at: number;
  readonly txn: Trace['txns'][number];
}

/** The busiest hour of a recording with real times. Those within one second are spread over it. */
export function busiestHour({ txns }: Trace): Keystroke[] {
  const times = txns.map(({ time }) => Date.parse(time));
  let busiest: [from: number, to: number] = [0, 0];
  for (let from = 0, to = 0; from < txns.length; from += 1) {
    while (to < txns.length && (times[to] ?? 0) - (times[from] ?? 0) < 3_600_000) to += 1;
    if (to - from > busiest[1] - busiest[0]) busiest = [from, to];
  }
  const [from, to] = busiest;
  const start = times[from] ?? 0;
  const perSecond = Map.groupBy(times.slice(from, to), (time) => time);
  const seen = new Map<number, number>();
  return txns.slice(from, to).map((txn, index) => {
    const time = times[from + index] ?? 0;
    const nth = seen.get(time) ?? 0;
    seen.set(time, nth + 1);
    return { at: time - start + (1_000 * nth) / (perSecond.get(time)?.length ?? 1), txn };
  });
}

/** An hour without a pause, so many keystrokes a second, from the beginning of a recording. */
export function steadyHour({ txns }: Trace, perSecond: number): Keystroke[] {
  return txns.slice(0, 3_600 * perSecond).map((txn, index) => ({ at: (1_000 * index) / perSecond, txn }));
}
