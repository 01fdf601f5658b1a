import type { Page } from '@playwright/test';
import type { OpeningPart } from './page/apart.ts';
import { bytes, median, milliseconds, tableOf, type Result } from './table.ts';
import { lastGroups, lastKeystrokes, writeTrace, type Trace } from './trace.ts';

declare const bench: typeof import('./page/index.ts');

const ROUNDS = 15;

const PARTS: Record<OpeningPart, string> = {
  storage: 'What this device knows of the mailbox: opened, read, and two marks written',
  pull: 'The relay’s answer, from signing the token to the last byte',
  request: '— of which any request to the relay takes (`/health`)',
  nothing: '— of which a request takes that finds nothing new',
  open: 'Verifying, decrypting, hashing and chaining',
  verify: '— of which verifying the envelopes behind the snapshot, all at once',
  apply: 'Applying, with what each update brings',
};

/** Opening a session from where it may be kept: sections of tables. */
export async function measureOpening(page: Page, trace: Trace, hocuspocusUrl: string): Promise<string> {
  const keystrokes = writeTrace(trace, lastKeystrokes(trace, 500));
  // An append holds what is typed in two seconds.
  const groups = writeTrace(trace, lastGroups(trace, 299, 10));
  const lastOnes = writeTrace(trace, lastGroups(trace, 50, 10));
  const encode = ({ base, tail }: typeof groups) => ({ base: base64(base), tail: tail.map(base64) });
  const {
    times,
    bytes: sizes,
    parts,
  } = await page.evaluate(({ written, url, rounds }) => bench.measureOpening(written, url, rounds), {
    written: {
      merged: base64(keystrokes.merged),
      length: trace.endContent.length,
      keystrokes: encode(keystrokes),
      groups: encode(groups),
      lastGroups: encode(lastOnes),
    },
    url: hocuspocusUrl,
    rounds: ROUNDS,
  });
  const floor = median(times.floor);
  const floorBytes = keystrokes.merged.length;
  const names = {
    device: 'Parley, from the device',
    'y-indexeddb': 'y-indexeddb alone',
    mailbox: `Parley, from the mailbox: snapshot and ${lastOnes.tail.length} envelopes`,
    'mailbox-full': `Parley, from the mailbox just before the next snapshot: ${groups.tail.length} envelopes`,
    hocuspocus: 'Hocuspocus with SQLite, not encrypted',
    secsync: 'secsync’s shape, without a network: snapshot and 500 updates',
  } as const;
  const aims: Partial<Record<keyof typeof names, { time: number; bytes: number }>> = {
    device: { time: 1.5, bytes: 1.1 },
    mailbox: { time: 1.5, bytes: 1.1 },
    'mailbox-full': { time: 1.5, bytes: 1.1 },
  };
  const timeRows: Result[] = [
    {
      what: 'Floor: `Y.applyUpdateV2` of the one merged update',
      figure: milliseconds(floor),
      ratio: 1,
      aim: null,
    },
  ];
  const byteRows: Result[] = [
    { what: 'Floor: the one merged update, format V2', figure: bytes(floorBytes), ratio: 1, aim: null },
  ];
  for (const [way, what] of Object.entries(names) as [keyof typeof names, string][]) {
    const time = median(times[way]);
    timeRows.push({ what, figure: milliseconds(time), ratio: time / floor, aim: aims[way]?.time ?? null });
    const size = sizes[way];
    byteRows.push({ what, figure: bytes(size), ratio: size / floorBytes, aim: aims[way]?.bytes ?? null });
  }
  return [
    `Median of ${ROUNDS} rounds, each way in turn. The device, y-indexeddb and secsync have the last 500 keystrokes as a record each.`,
    tableOf(timeRows, 'the floor'),
    'Bytes kept, and sent to somebody who has nothing:',
    tableOf(byteRows, 'the floor'),
    'Opening from the mailbox, taken apart: medians of each part done by itself, with nothing else going on.',
    tableOfParts([
      { of: `${lastOnes.tail.length} envelopes`, whole: median(times.mailbox), rounds: parts.mailbox },
      {
        of: `${groups.tail.length} envelopes`,
        whole: median(times['mailbox-full']),
        rounds: parts['mailbox-full'],
      },
    ]),
  ].join('\n\n');
}

/** Where the time of openings goes. */
function tableOfParts(
  openings: readonly {
    readonly of: string;
    readonly whole: number;
    readonly rounds: readonly Record<OpeningPart, number>[];
  }[],
): string {
  const columns = openings.map(({ of, whole, rounds }) => {
    const take = (part: OpeningPart) => median(rounds.map((round) => round[part]));
    const rest = whole - take('storage') - take('pull') - take('open') - take('apply');
    return { of, whole, take, rest };
  });
  const rows: [what: string, figures: number[]][] = [
    ['The whole', columns.map(({ whole }) => whole)],
    ...Object.entries(PARTS).map(([part, what]): [string, number[]] => [
      what,
      columns.map(({ take }) => take(part as OpeningPart)),
    ]),
    [
      'The rest: the hub’s WebSocket, opened meanwhile, and what the client and its document do besides',
      columns.map(({ rest }) => rest),
    ],
  ];
  return [
    `| | ${columns.map(({ of }) => of).join(' | ')} |`,
    `| --- | ${columns.map(() => '---: |').join(' ')}`,
    ...rows.map(([what, figures]) => `| ${what} | ${figures.map(milliseconds).join(' | ')} |`),
  ].join('\n');
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}
