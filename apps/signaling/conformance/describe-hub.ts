import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBrokenBytes } from './broken-bytes.ts';
import { Client } from './client.ts';
import type { RunningHub, StartHub } from './hubs.ts';
import { describeRules } from './rules.ts';
import { describeStock } from './stock.ts';
import { describeStrain } from './strain.ts';

/** All that a hub has to do, for one that can be started and killed. */
export function describeHub(name: string, start: StartHub): void {
  describe(name, () => {
    let hub: RunningHub;
    const url = () => hub.url;

    beforeAll(async () => {
      hub = await start();
    }, 120_000);
    afterAll(() => hub.kill(), 60_000);

    describeRules(url);
    describeBrokenBytes(url);
    describeStock(url);
    describeStrain(url, { frames: 10_000, sockets: 1_000 });

    it('[HB7] killed and back, it serves the same clients again', async () => {
      const before = [await Client.connect(url()), await Client.connect(url())];
      for (const client of before) await client.subscribe('room');
      await hub.kill();
      for (const client of before) expect((await client.closed).code).toBe(1006);
      hub = await start(Number(new URL(url()).port));
      const after = [await Client.connect(url()), await Client.connect(url())];
      for (const client of after) await client.subscribe('room');
      after[0]?.send({ type: 'publish', topic: 'room' });
      for (const client of after) {
        expect(await client.next()).toEqual({ type: 'publish', topic: 'room', clients: 2 });
      }
    }, 120_000);
  });
}
