import type { Page } from '@playwright/test';
import type { MeshKind, MeshScripts } from './page/room/member.ts';
import type { Standing } from './page/room/room.ts';
import type { Count, Traffic } from './page/room/traffic.ts';
import { openPage, type Pages } from './pages.ts';
import { median } from './table.ts';

declare const bench: typeof import('./page/index.ts');

/** So many share a page: a browser process opens 500 connections at most. */
export const IN_A_PAGE = 5;

/** In milliseconds. */
export const PATIENCE = {
  /** Until everybody in a room is connected to everybody. */
  full: 40_000,
  /** Until a newcomer has what the room has, and is connected to everybody. */
  join: 15_000,
  /** Until a change is with everybody. */
  edit: 10_000,
  /** Nothing is sent any more when nothing was for so long; and until that is waited for no longer. */
  quiet: 2_000,
  unquiet: 15_000,
} as const;

/** What was sent for one thing that happened. */
export interface Cost {
  /** Frames that all sent to the hub, and that it delivered to all. */
  readonly toHub: Count;
  readonly fromHub: Count;
  /** Messages over data channels that all sent; without receipts, and those alone. */
  readonly channels: Count;
  readonly receipts: Count;
  /** Those of the channels' that tell whom somebody reaches. */
  readonly reach: Count;
  /** Everything that the one sent and received whom it is about: the newcomer, or who wrote. */
  readonly own: Count;
  /** The same of any other one, at the median. */
  readonly other: Count;
  /** Something was still being sent when the count was ended. */
  readonly unquiet: boolean;
}

export interface RoomFigures {
  readonly size: number;
  /** Connections there were before the newcomer came, from end to end, of those that there could be. */
  readonly filled: { readonly connections: number; readonly of: number; readonly seconds: number };
  readonly join: Cost & {
    /** Milliseconds until the newcomer had the text; null if it never had. */
    readonly took: number | null;
    /** To how many the newcomer was connected in the end. */
    readonly connected: number;
  };
  readonly edit: Cost & {
    /** How many had the change in the end, who wrote included. */
    readonly reached: number;
  };
}

export interface RoomOptions extends Pages {
  readonly kind: MeshKind;
  readonly size: number;
  readonly scripts: MeshScripts;
  /** The hub's WebSocket address. */
  readonly hub: string;
}

/** Fills a room, lets one more person join it, and lets somebody in it press a key. */
export async function measureRoom(options: RoomOptions): Promise<RoomFigures> {
  const { kind, size, scripts, hub } = options;
  const joining = { room: crypto.randomUUID(), password: 'a password', hub };
  const pages: Page[] = [];
  try {
    const started = performance.now();
    for (let members = 0; members < size - 1; members += IN_A_PAGE) {
      const page = await openPage(options);
      pages.push(page);
      await page.evaluate(({ script, joining, count }) => bench.joinRoom(script, joining, count), {
        script: scripts[kind],
        joining,
        count: Math.min(IN_A_PAGE, size - 1 - members),
      });
    }
    const [first] = pages;
    if (!first) throw new RangeError('a room has two people at least');
    const look = () => lookAt(pages);
    const quieten = () => Promise.all(pages.map((page) => page.evaluate(() => bench.quietenRoom())));
    const hasAll = (others: number) => (all: Standing[]) =>
      all.every(({ connected }) => connected === others);

    const full = await waitFor(look, hasAll(size - 2), PATIENCE.full);
    const seconds = (performance.now() - started) / 1000;
    // Everybody has written something that they want receipts for.
    for (const page of pages) await page.evaluate((count) => bench.pressKeys(count), IN_A_PAGE);
    const length = size - 1;
    const hasText = (all: Standing[]) => all.every((member) => member.length >= length);
    await waitFor(look, hasText, PATIENCE.edit);
    await quieten();
    const before = await untilQuiet(look);

    const last = await openPage(options);
    pages.push(last);
    const took = await last.evaluate(
      ({ script, joining, length, patience }) => bench.joinLast(script, joining, length, patience),
      { script: scripts[kind], joining, length, patience: PATIENCE.join },
    );
    await quieten();
    await waitFor(look, (all) => all.at(-1)?.connected === size - 1, PATIENCE.join);
    const joined = await untilQuiet(look);

    await first.evaluate(() => bench.pressKeys(1));
    const reaches = (member: Standing) => member.length > length;
    await waitFor(look, (all) => all.every(reaches), PATIENCE.edit);
    const edited = await untilQuiet(look);

    const ends = full.reduce((sum, { connected }) => sum + connected, 0);
    return {
      size,
      filled: { connections: ends / 2, of: ((size - 1) * (size - 2)) / 2, seconds },
      join: {
        ...costOf(before, joined, size - 1),
        took,
        connected: joined.all.at(-1)?.connected ?? 0,
      },
      edit: { ...costOf(joined, edited, 0), reached: edited.all.filter(reaches).length },
    };
  } finally {
    for (const page of pages) await page.context().close();
  }
}

/** How all members in these pages are doing. */
export async function lookAt(pages: readonly Page[]): Promise<Standing[]> {
  return (await Promise.all(pages.map((page) => page.evaluate(() => bench.standings())))).flat();
}

/** Looks until what is seen is as wanted, or patience has ended. */
export async function waitFor(
  look: () => Promise<Standing[]>,
  holds: (all: Standing[]) => boolean,
  patience: number,
): Promise<Standing[]> {
  const deadline = performance.now() + patience;
  for (;;) {
    const all = await look();
    if (holds(all) || performance.now() > deadline) return all;
    await pause(250);
  }
}

interface Counted {
  readonly all: Standing[];
  readonly unquiet: boolean;
}

/** Looks until nothing is sent any more, of all that is counted or of a part. */
export async function untilQuiet(
  look: () => Promise<Standing[]>,
  of: (traffic: Traffic) => Count = everything,
): Promise<Counted> {
  const deadline = performance.now() + PATIENCE.unquiet;
  let all = await look();
  for (let since = performance.now(); performance.now() - since < PATIENCE.quiet;) {
    await pause(250);
    const now = await look();
    if (sumOf(now, of).messages !== sumOf(all, of).messages) since = performance.now();
    all = now;
    if (performance.now() > deadline) return { all, unquiet: true };
  }
  return { all, unquiet: false };
}

/** @param own the place of whom it is about */
function costOf(before: Counted, after: Counted, own: number): Cost {
  const grown = (count: (traffic: Traffic) => Count) =>
    less(sumOf(after.all, count), sumOf(before.all, count));
  const each = after.all.map(({ traffic }, at) => {
    const was = before.all[at];
    return was ? less(everything(traffic), everything(was.traffic)) : everything(traffic);
  });
  const others = each.filter((_, at) => at !== own);
  const receipts = grown((traffic) => traffic.receipts);
  return {
    toHub: grown((traffic) => traffic.toHub),
    fromHub: grown((traffic) => traffic.fromHub),
    channels: less(
      grown((traffic) => traffic.sent),
      receipts,
    ),
    receipts,
    reach: grown((traffic) => traffic.reach),
    own: each[own] ?? NONE,
    other: {
      messages: median(others.map(({ messages }) => messages)),
      bytes: median(others.map(({ bytes }) => bytes)),
    },
    unquiet: after.unquiet,
  };
}

const NONE: Count = { messages: 0, bytes: 0 };

const everything = ({ toHub, fromHub, sent, received }: Traffic): Count =>
  [toHub, fromHub, sent, received].reduce(plus, NONE);

export const sumOf = (all: Standing[], count: (traffic: Traffic) => Count): Count =>
  all.map(({ traffic }) => count(traffic)).reduce(plus, NONE);

function plus(a: Count, b: Count): Count {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}

function less(a: Count, b: Count): Count {
  return { messages: a.messages - b.messages, bytes: a.bytes - b.bytes };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
