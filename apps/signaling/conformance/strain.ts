import { expect, it } from 'vitest';
import { SIGNALING_ERRORS } from '../src/protocol/index.ts';
import { almostFrames } from './almost-frame.ts';
import { Client } from './client.ts';

/** How much of it. */
export interface Strain {
  /** Malformed frames. A hub closes a socket after ten, so this takes a tenth as many connections. */
  readonly frames: number;
  /** Sockets that are held at once. */
  readonly sockets: number;
}

/** What a hub has to stand. */
export function describeStrain(url: () => string, { frames, sockets }: Strain): void {
  it(`[HB11] ${frames} malformed frames disturb nobody`, async () => {
    const topic = `conformance/${crypto.randomUUID()}`;
    const [ada, bob] = [await Client.connect(url()), await Client.connect(url())];
    for (const client of [ada, bob]) await client.subscribe(topic);
    const bad = almostFrames(frames);
    const codes = new Map<string, number>();
    await inParallel(8, async () => {
      let eve = await Client.connect(url());
      for (let sent = bad.splice(0, 9); sent.length > 0; sent = bad.splice(0, 9)) {
        for (const frame of sent) eve.sendRaw(frame);
        for (const answer of await eve.settle()) {
          const { type, code } = answer as { type: string; code: string };
          // A few are not malformed after all: publishing to oneself is no disturbance.
          if (type === 'error') codes.set(code, (codes.get(code) ?? 0) + 1);
          else expect(['pong', 'publish']).toContain(type);
        }
        if (!eve.isOpen) expect((await eve.closed).code).toBe(1008);
        else await eve.close();
        eve = await Client.connect(url());
      }
      await eve.close();
    });
    for (const code of codes.keys()) expect(Object.keys(SIGNALING_ERRORS)).toContain(code);
    expect([...codes.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(frames * 0.8);
    ada.send({ type: 'publish', topic });
    expect(await ada.settle()).toEqual([{ type: 'publish', topic, clients: 2 }]);
    expect(await bob.settle()).toEqual([{ type: 'publish', topic, clients: 2 }]);
  }, 120_000);

  it(`[HB1] [HB7] ${sockets} sockets in one room all get a publish, and leave nothing behind`, async () => {
    const topic = `conformance/${crypto.randomUUID()}`;
    const clients: Client[] = [];
    await inParallel(20, async () => {
      while (clients.length < sockets) {
        const place = clients.length;
        const connecting = Client.connect(url());
        // Taken before it is there, so that nobody else takes it.
        clients.length = place + 1;
        const client = await connecting;
        clients[place] = client;
        await client.subscribe(topic);
      }
    });
    clients[0]?.send({ type: 'publish', topic });
    for (const client of clients) {
      expect(await client.next()).toEqual({ type: 'publish', topic, clients: sockets });
    }
    await Promise.all(clients.map((client) => client.close()));
    const last = await Client.connect(url());
    await last.subscribe(topic);
    // The hub hears of the ends over other connections than of what is published.
    await expect
      .poll(
        () => {
          last.send({ type: 'publish', topic });
          return last.next();
        },
        { timeout: 30_000 },
      )
      .toMatchObject({ clients: 1 });
  }, 120_000);
}

async function inParallel(lanes: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, work));
}
