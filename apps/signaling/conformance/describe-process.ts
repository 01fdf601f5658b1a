import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Client } from './client.ts';
import type { HubProcess, StartHub } from './hubs.ts';

/** What a hub has to do besides that is a process of its own and sees what waits for a socket. */
export function describeProcess(name: string, start: StartHub<HubProcess>): void {
  describe(`${name}, as a process`, () => {
    it('[HB33] a receiver that reads nothing gets no more than may wait, and disturbs nobody', async () => {
      const hub = await start();
      onTestFinished(() => hub.kill());
      const deaf = new WebSocket(hub.url);
      const received: string[] = [];
      deaf.on('message', (data) => received.push(String(data)));
      const answered = new Promise((resolve) => deaf.once('message', resolve));
      deaf.once('open', () => {
        deaf.send('{"type":"subscribe","topics":["room"]}');
        deaf.send('{ "type": "ping" }');
      });
      await answered;
      deaf.pause();
      const ada = await Client.connect(hub.url);
      await ada.subscribe('room');
      const data = 'x'.repeat(65_000);
      const publish = async (n: number) => {
        ada.send({ type: 'publish', topic: 'room', n, data });
        return ((await ada.next()) as { clients: number }).clients;
      };
      // What the kernels of both sides hold for it, some megabytes, is not the hub's. All of it together is what may be sent at once.
      let sent = 0;
      while (sent < 450 && (await publish(sent)) === 2) sent += 1;
      expect(sent).toBeGreaterThan(16);
      for (let more = 1; more <= 20; more++) expect(await publish(sent + more)).toBe(1);
      const closed = new Promise((resolve) => deaf.once('close', resolve));
      deaf.resume();
      await closed;
      const numbers = received.slice(1).map((frame) => (JSON.parse(frame) as { n: number }).n);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      expect(numbers.length).toBeLessThan(sent);
    }, 60_000);

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
