/**
 * `pnpm bench`: what Parley costs against the floor and against its peers, as ratios within one run on one machine.
 * Writes the tables of docs/performance.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from '@playwright/test';
import { format, resolveConfig } from 'prettier';
import { findBrowser } from '../scripts/browser.ts';
import { buildClient } from '../scripts/build.ts';
import { startRelay } from '../scripts/relay.ts';
import { bundle } from '../apps/client/e2e/bundle.ts';
import { measureHour, type Cost } from './cost.ts';
import type { KeyPart, OpeningPart } from './page/apart.ts';
import { startHocuspocus, startYWebsocket } from './peers/start.ts';
import { bytes, median, milliseconds, quantile, replaceSection, tableOf, type Result } from './table.ts';
import {
  busiestHour,
  lastGroups,
  lastKeystrokes,
  readTrace,
  steadyHour,
  writeTrace,
  type Trace,
} from './trace.ts';

declare const bench: typeof import('./page/index.ts');

const ROUNDS = 15;
const KEYSTROKES = 200;
/** What Cloudflare's free plan gives in a day (developers.cloudflare.com, November 2026). */
const FREE_PLAN: Record<keyof Cost, number> = {
  workerRequests: 100_000,
  objectRequests: 100_000,
  rowsWritten: 100_000,
  rowsRead: 5_000_000,
};

const RESOURCES: Record<keyof Cost, string> = {
  workerRequests: 'Worker requests',
  objectRequests: 'object requests',
  rowsWritten: 'rows written',
  rowsRead: 'rows read',
};

const PARTS: Record<OpeningPart, string> = {
  storage: 'What this device knows of the mailbox: opened, read, and two marks written',
  pull: 'The relay’s answer, from signing the token to the last byte',
  request: '— of which any request to the relay takes (`/health`)',
  nothing: '— of which a request takes that finds nothing new',
  open: 'Verifying, decrypting, hashing and chaining',
  verify: '— of which verifying the envelopes behind the snapshot, all at once',
  apply: 'Applying, with what each update brings',
};

const report = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const trace = readTrace('automerge-paper');
// The relay serves it, and does not start without one.
buildClient();
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
try {
  const relay = await startRelay({ port: 8931, state: join(folder, 'relay'), version: 'bench' });
  stops.unshift(() => relay.stop());
  const hocuspocus = await startHocuspocus(8932, folder);
  stops.unshift(() => hocuspocus.stop());
  const yWebsocket = await startYWebsocket(8933);
  stops.unshift(() => yWebsocket.stop());
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  stops.unshift(() => browser.close());
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  // An address of the relay, so that the page is of its origin.
  await page.goto(`${relay.url}/health`);
  const alias = {
    // Its ES module imports a file that is not in the package (0.7.16).
    'libsodium-wrappers': createRequire(import.meta.url).resolve('libsodium-wrappers'),
  };
  await page.evaluate(await bundle(fileURLToPath(new URL('page/index.ts', import.meta.url)), 'bench', alias));

  const sections = new Map<string, string>();
  const measure = async (name: string, action: () => Promise<string>) => {
    const start = performance.now();
    const table = await action();
    sections.set(name, table);
    console.log(`\n${table}\n\n(${name}: ${Math.round((performance.now() - start) / 1_000)} s)`);
  };
  await measure('latency', () => measureLatency(page, hocuspocus.url, yWebsocket.url));
  await measure('opening', () => measureOpening(page, trace, hocuspocus.url));
  await measure('cost', () => measureCost(trace, readTrace('sveltecomponent')));
  let document = readFileSync(report, 'utf8');
  document = replaceSection(document, 'machine', machine(browser.version()));
  for (const [name, table] of sections) document = replaceSection(document, name, table);
  writeFileSync(report, await format(document, { ...(await resolveConfig(report)), filepath: report }));
} finally {
  for (const stop of stops) await stop();
}

async function measureOpening(page: Page, trace: Trace, hocuspocusUrl: string): Promise<string> {
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

async function measureLatency(page: Page, hocuspocusUrl: string, yWebsocketUrl: string): Promise<string> {
  const figures = await page.evaluate(({ urls, keystrokes }) => bench.measureLatency(urls, keystrokes), {
    urls: { hocuspocus: hocuspocusUrl, yWebsocket: yWebsocketUrl },
    keystrokes: KEYSTROKES,
  });
  const peer = median(figures.hocuspocus);
  const partOf = (part: KeyPart) => figures.parts.map((key) => key[part]);
  const row = (what: string, took: readonly number[], aim: number | null = null): Result => {
    const [middle, slow] = [median(took), quantile(took, 0.95)];
    return {
      what,
      figure: `${milliseconds(middle)}, 95 % within ${milliseconds(slow)}`,
      ratio: middle / peer,
      aim,
    };
  };
  return [
    `Median of ${KEYSTROKES} keystrokes, each way in turn; every server in a process of its own.`,
    tableOf(
      [
        row('`@hocuspocus/server`, not encrypted', figures.hocuspocus),
        row('y-websocket’s server, not encrypted', figures['y-websocket']),
        row('Parley through the relay only, encrypted, signed and verified', figures.parley, 1.5),
        row('— of which from socket to socket through the hub', partOf('hub')),
        row('— of which encrypting and signing', partOf('seal')),
        row('— of which verifying and decrypting', partOf('open')),
      ],
      'Hocuspocus',
    ),
  ].join('\n\n');
}

async function measureCost(paper: Trace, code: Trace): Promise<string> {
  const busiest = busiestHour(code);
  const before = code.txns.slice(0, busiest[0] ? code.txns.indexOf(busiest[0].txn) : 0);
  const real = `${busiest.length.toLocaleString('en-US')} changes at their real times`;
  const steady = steadyHour(paper, 5);
  const rows = [
    [`Alone, ${real}`, await measureHour(before, busiest, 1, 'alone')],
    ['The same, two others watching in the mesh', await measureHour(before, busiest, 3, 'mesh')],
    [
      'The same, two others watching through the relay only',
      await measureHour(before, busiest, 3, 'relay only'),
    ],
    ['Alone, five keys a second without a pause', await measureHour([], steady, 1, 'alone')],
  ] as const;
  const resources = Object.keys(RESOURCES) as (keyof Cost)[];
  const lines = rows.map(([what, cost]) => {
    const hours = resources.map((resource) => FREE_PLAN[resource] / cost[resource]);
    const fewest = Math.min(...hours);
    const bound = resources[hours.indexOf(fewest)] ?? 'rowsWritten';
    const cells = resources.map((resource) => Math.round(cost[resource]).toLocaleString('en-US'));
    return `| ${what} | ${cells.join(' | ')} | ${Math.floor(fewest)}, bound by ${RESOURCES[bound]} |`;
  });
  return [
    'One person types for an hour, by a virtual clock, against the relay’s rules over a local D1 that counts. The recording is the busiest hour of `sveltecomponent`: ' +
      'of the recordings it is the one whose times are real (those of `automerge-paper` all lie within 300 milliseconds).',
    `| | ${resources.map((resource) => RESOURCES[resource]).join(' | ')} | such hours a day on the free plan |\n| --- | ${resources.map(() => '---: |').join(' ')} --- |\n${lines.join('\n')}`,
  ].join('\n\n');
}

function machine(browser: string): string {
  const [cpu] = cpus();
  return `${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, Node ${process.version}, Chromium ${browser}, workerd under \`wrangler dev\`.`;
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}
