import { describe, expect, it } from 'vitest';
import { Client } from './client.ts';
import type { HubProcess, StartHub } from './hubs.ts';

/** What a hub has to do besides that is a process of its own and sees what waits for a socket. */
export function describeProcess(name: string, start: StartHub<HubProcess>): void {
  describe(`${name}, as a process`, () => {
    it('[HB34] it bids its sockets farewell when it is told to end, and ends', async () => {
      const hub = await start();
      const clients = [await Client.connect(hub.url), await Client.connect(hub.url)];
      const ended = hub.terminate();
      for (const client of clients) {
        expect(await client.closed).toEqual({ code: 1001, reason: 'hub/stopping' });
      }
      expect(await ended).toBe(0);
      await expect(Client.connect(hub.url)).rejects.toThrow('no WebSocket');
    }, 120_000);
  });
}
