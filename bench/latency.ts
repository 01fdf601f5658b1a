import type { Page } from '@playwright/test';
import type { KeyPart } from './page/apart.ts';
import type { MeshScripts } from './page/room/member.ts';
import { median, milliseconds, quantile, tableOf, type Result } from './table.ts';

declare const bench: typeof import('./page/index.ts');

const KEYSTROKES = 200;

/** A key on the other screen: a table. */
export async function measureLatency(
  page: Page,
  urls: { hocuspocus: string; yWebsocket: string },
  scripts: MeshScripts,
): Promise<string> {
  const { times, parts } = await page.evaluate(
    ({ urls, scripts, keystrokes }) => bench.measureLatency(urls, scripts, keystrokes),
    { urls, scripts, keystrokes: KEYSTROKES },
  );
  const peer = median(times.hocuspocus);
  const faster = Math.min(peer, median(times['y-websocket'])) / peer;
  const partOf = (part: KeyPart) => parts.map((key) => key[part]);
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
    `Median of ${KEYSTROKES} keystrokes, each way in turn; every server in a process of its own. The aim of the mesh is the faster of the two servers.`,
    tableOf(
      [
        row('`@hocuspocus/server`, not encrypted', times.hocuspocus),
        row('y-websocket’s server, not encrypted', times['y-websocket']),
        row('Parley through the mesh, which the browser encrypts', times.mesh, faster),
        row('The stock y-webrtc, likewise', times.stock),
        row('Parley through the relay only, encrypted, signed and verified', times.relay, 1.5),
        row('— of which from socket to socket through the hub', partOf('hub')),
        row('— of which encrypting and signing', partOf('seal')),
        row('— of which verifying and decrypting', partOf('open')),
      ],
      'Hocuspocus',
    ),
  ].join('\n\n');
}
