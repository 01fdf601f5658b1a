import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './client.ts';
import { findPort, type HubProcess, type RunningHub, type StartHub } from './hubs.ts';
import { describeRules } from './rules.ts';
import { describeStock } from './stock.ts';
import { describeStrain } from './strain.ts';

/** What a hub has to do that is told to end. */
export function describeEnd(name: string, start: StartHub<HubProcess>): void {
  it(`[HB34] ${name} bids its sockets farewell when it is told to end, and ends`, async () => {
    const hub = await start(await findPort());
    const clients = [await Client.connect(hub.url), await Client.connect(hub.url)];
    const ended = hub.terminate();
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1001, reason: 'hub/stopping' });
    }
    expect(await ended).toBe(0);
    await expect(Client.connect(hub.url)).rejects.toThrow('no WebSocket');
  }, 120_000);
}

/** All that a hub has to do, for one that can be started and killed. */
export function describeHub(name: string, start: StartHub): void {
  describe(name, () => {
    let port: number;
    let hub: RunningHub;
    const url = () => hub.url;

    beforeAll(async () => {
      port = await findPort();
      hub = await start(port);
    }, 120_000);
    afterAll(() => hub.kill());

    describeRules(url);
    describeStock(url);
    describeStrain(url, { frames: 10_000, sockets: 1_000 });

    it('[HB7] killed and back, it serves the same clients again', async () => {
      const before = [await Client.connect(url()), await Client.connect(url())];
      for (const client of before) await client.subscribe('room');
      await hub.kill();
      for (const client of before) expect((await client.closed).code).toBe(1006);
      hub = await start(port);
      const after = [await Client.connect(url()), await Client.connect(url())];
      for (const client of after) await client.subscribe('room');
      after[0]?.send({ type: 'publish', topic: 'room' });
      for (const client of after) {
        expect(await client.next()).toEqual({ type: 'publish', topic: 'room', clients: 2 });
      }
    }, 120_000);
  });
}
