import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { errorFrame, PING_FRAME, PONG_FRAME, SIGNALING_LIMITS } from '../src/protocol/index.ts';
import { Client } from './client.ts';

/** As y-webrtc has it: half of the 30 seconds after which it believes a silent connection dead. */
const PING_EVERY_MS = 15_000;

/** What a hub has to do after a rest. */
export interface Rest {
  readonly url: () => string;
  /** How long nobody says anything but y-webrtc's ping, in milliseconds. An object may sleep after ten seconds. */
  readonly restMs: number;
  /** What code of the hub has run until now, a line a call, of a hub that writes this down. */
  readonly traces?: () => readonly string[];
}

/** That nobody notices, over real sockets, whether the hub slept meanwhile; and, of a hub that writes down what it does, that it did. */
export function describeHibernation({ url, restMs, traces }: Rest): void {
  it(`[HB21] [HB23] [HB25] after ${restMs / 1000} idle seconds the hub is as it was`, async () => {
    const id = crypto.randomUUID();
    const [room, hall, left] = [`${id}/room`, `${id}/hall`, `${id}/left`];
    const clients = await Promise.all([Client.connect(url()), Client.connect(url()), Client.connect(url())]);
    const [ada, bob, eve] = clients as [Client, Client, Client];
    await ada.subscribe(room, left);
    await bob.subscribe(room, left);
    bob.send({ type: 'unsubscribe', topics: [left] });
    await bob.settle();
    await eve.subscribe(hall);
    const nearlyTooMany = Array.from({ length: SIGNALING_LIMITS.strikes - 1 }, () => 'rubbish');
    for (const frame of nearlyTooMany) eve.sendRaw(frame);
    expect(await eve.settle()).toHaveLength(nearlyTooMany.length);
    // The last that the hub does before its rest. Once this is written down, so is all that came before.
    const last = JSON.stringify({ type: 'publish', topic: hall, id });
    eve.sendRaw(last);
    expect(await eve.next()).toMatchObject({ id, clients: 1 });
    if (traces) await vi.waitFor(() => expect(traces().at(-1)).toContain(last), 30_000);
    const before = traces?.().length;

    let rested = 0;
    for (; restMs - rested > PING_EVERY_MS; rested += PING_EVERY_MS) {
      await wait(PING_EVERY_MS);
      for (const client of clients) client.sendRaw(PING_FRAME);
      for (const client of clients) expect(await client.nextRaw()).toBe(PONG_FRAME);
    }
    await wait(restMs - rested);

    const publish = (topic: string) => JSON.stringify({ type: 'publish', topic });
    ada.sendRaw(publish(room));
    for (const client of [ada, bob]) {
      expect(await client.next()).toEqual({ type: 'publish', topic: room, clients: 2 });
    }
    // The object had to be made anew, so it had not been in memory, and nothing else ran: not for the pings either.
    if (traces) {
      await vi.waitFor(
        () => expect(traces().slice(before)).toEqual(['constructor', `webSocketMessage ${publish(room)}`]),
        30_000,
      );
    }
    ada.sendRaw(publish(left));
    expect(await ada.next()).toEqual({ type: 'publish', topic: left, clients: 1 });
    for (const frame of nearlyTooMany) eve.sendRaw(frame);
    expect(await eve.settle()).toEqual(nearlyTooMany.map(() => JSON.parse(errorFrame('hub/not-json'))));
    expect(await bob.settle()).toEqual([]);
    await bob.close();
    await expect
      .poll(
        () => {
          ada.sendRaw(publish(room));
          return ada.next();
        },
        { timeout: 30_000 },
      )
      .toMatchObject({ clients: 1 });
  }, 180_000);
}
