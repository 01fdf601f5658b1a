import { encodeBase64url } from '@parley/signaling/base64url';
import type { Log } from '@parley/signaling/mailbox';
import type { SeededRandom } from './random.ts';

export const LIES = [
  'withhold',
  'garbage',
  'swap',
  'gap',
  'tombstone',
  'replay',
  'fake ack',
  'relabel',
  'key',
] as const;

export type Lie = (typeof LIES)[number];

/** What a relay that lies can make use of. */
export interface Material {
  readonly random: SeededRandom;
  /** Everything that it ever took. */
  readonly taken: readonly Uint8Array<ArrayBuffer>[];
  /** Live envelopes that went by. */
  readonly overheard: readonly Uint8Array<ArrayBuffer>[];
  /** An update that somebody with the view link made. */
  readonly forged: Uint8Array<ArrayBuffer>;
}

/** What a relay that lies makes of the answer to a pull. */
export function tamper(
  log: Log,
  lie: Exclude<Lie, 'fake ack'>,
  { random, taken, overheard, forged }: Material,
): Log {
  const { header, entries } = log;
  const last = entries.at(-1);
  const put = (changed: readonly Log['entries'][number][]): Log => ({
    ...log,
    entries: changed,
    header: {
      ...header,
      entries: changed.map((entry) => ('bytes' in entry ? entry.bytes.length : entry.hash)),
    },
  });
  const stuff = (bytes: Uint8Array<ArrayBuffer>): Log => {
    if (!last) return log;
    return put(entries.map((entry) => (entry === last ? { seq: last.seq, bytes } : entry)));
  };
  switch (lie) {
    case 'withhold': {
      const head = Math.floor(header.head / 2);
      const shown = put(entries.filter(({ seq }) => seq <= head));
      return { ...shown, header: { ...shown.header, head } };
    }
    case 'garbage':
      return stuff(random.bytes(200));
    case 'replay':
      return taken.length > 0 ? stuff(random.pick(taken)) : log;
    case 'relabel':
      return stuff(random.chance(0.5) ? forged : random.pick([forged, ...overheard]));
    case 'swap': {
      const [first] = entries;
      if (!first || !last || !('bytes' in first) || !('bytes' in last)) return log;
      return put(
        entries.map((entry) =>
          entry === first
            ? { seq: first.seq, bytes: last.bytes }
            : entry === last
              ? { seq: last.seq, bytes: first.bytes }
              : entry,
        ),
      );
    }
    case 'gap':
      return {
        ...log,
        header: { ...header, first: header.first + 1 },
        entries: entries.map((entry) => ({ ...entry, seq: entry.seq + 1 })),
      };
    case 'tombstone':
      return { ...log, tombstone: taken.at(-1) ?? random.bytes(200) };
    case 'key':
      return { ...log, header: { ...header, writer: encodeBase64url(random.bytes(32)) } };
  }
}
