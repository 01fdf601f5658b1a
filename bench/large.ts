import type { Page } from '@playwright/test';
import type { LargeWay } from './page/large.ts';
import type { MeshScripts } from './page/room/member.ts';
import { openPage, type Pages } from './pages.ts';
import { median, milliseconds, tableOf, type Result } from './table.ts';

declare const bench: typeof import('./page/index.ts');

/** Characters of the text, which is ASCII. */
const LENGTH = 5_000_000;
const ROUNDS = 7;
/** How long a newcomer waits, in milliseconds: the stock mesh may never give what is asked for. */
const PATIENCE = 20_000;

export interface LargeOptions extends Pages {
  readonly urls: { readonly hocuspocus: string; readonly yWebsocket: string };
  readonly scripts: MeshScripts;
  /** The hub's WebSocket address. */
  readonly hub: string;
}

/** Joining a large session: a table. */
export async function measureLarge({ urls, scripts, hub, ...pages }: LargeOptions): Promise<string> {
  const session = {
    ...{ urls, scripts, length: LENGTH, name: 'large' },
    joining: { room: 'large', password: 'a password', hub },
  };
  const [holder, newcomer] = [await openPage(pages), await openPage(pages)];
  await holder.evaluate((session) => bench.holdLarge(session), session);
  const join = (way: LargeWay) =>
    newcomer.evaluate(({ way, session, patience }) => bench.joinLarge(way, session, patience), {
      ...{ way, session, patience: PATIENCE },
    });
  const times = { hocuspocus: [] as number[], 'y-websocket': [] as number[], parley: [] as number[] };
  const bare: number[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const way of ['hocuspocus', 'y-websocket', 'parley'] as const) {
      const took = await join(way);
      if (took === null) throw new Error(`${way} did not give everything in time`);
      // The first round warms up.
      if (round >= 0) times[way].push(took);
    }
    const took = await sendBare(holder, newcomer);
    if (round >= 0) bare.push(took);
  }
  const stock = await join('stock');
  for (const page of [holder, newcomer]) await page.context().close();

  const peer = median(times.hocuspocus);
  const row = (what: string, took: readonly number[]): Result => ({
    what,
    figure: milliseconds(median(took)),
    ratio: median(took) / peer,
    aim: null,
  });
  const stockRow =
    stock === null
      ? { what: '', figure: `not within ${PATIENCE / 1000} s`, ratio: null, aim: null }
      : row('', [stock]);
  return [
    `Median of ${ROUNDS} rounds, each way in turn, from the first step of connecting until the last character is there; the stock mesh once.`,
    tableOf(
      [
        row('`@hocuspocus/server`, not encrypted', times.hocuspocus),
        row('y-websocket’s server, not encrypted', times['y-websocket']),
        row('Parley through the mesh, from one other person', times.parley),
        row('As many bytes through a bare data channel, from when it is open', bare),
        { ...stockRow, what: 'The stock y-webrtc, from one other person' },
      ],
      'Hocuspocus',
    ),
  ].join('\n\n');
}

/** @returns milliseconds that as many bytes take from page to page without anything of ours */
async function sendBare(from: Page, to: Page): Promise<number> {
  const offer = await from.evaluate(() => bench.offerChannel());
  const answer = await to.evaluate(({ offer, bytes }) => bench.answerChannel(offer, bytes), {
    ...{ offer, bytes: LENGTH },
  });
  await from.evaluate(({ answer, bytes }) => bench.sendThroughChannel(answer, bytes), {
    ...{ answer, bytes: LENGTH },
  });
  return to.evaluate(() => bench.receivedByChannel());
}
