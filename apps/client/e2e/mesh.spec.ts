import type { Page } from '@playwright/test';
import { openMesh } from './mesh-pages.ts';
import { expect, test, type Guest } from './parley.ts';
import { stockBundle } from './stock-bundle.ts';

declare const stock: typeof import('./stock.ts');
declare const stockDoc: InstanceType<typeof stock.Y.Doc>;

/** For pages that are not ours: they bring no Content Security Policy, and are not bound by the relay's. */
const foreign = { bypassCSP: true };

const hubOf = (guest: Guest) => `${guest.url.replace('http', 'ws')}/signaling`;

const textOf = (page: Page) => page.evaluate(() => members[0]?.doc.getText('t').toString());

const write = (page: Page, text: string) =>
  page.evaluate((text) => members[0]?.doc.getText('t').insert(0, text), text);

/** How many each member of a page is connected to, without an interruption. */
const connected = (page: Page) =>
  page.evaluate(() =>
    Promise.all(
      members.map(async ({ mesh }) => {
        const all = await mesh.connections();
        return all.filter(({ state }) => state === 'connected').length;
      }),
    ),
  );

test.describe('the mesh', () => {
  test('[ME5] a document of 5 MB arrives whole', async ({ guest }) => {
    const [ada, bob] = [await guest(foreign), await guest(foreign)];
    const joining = { room: 'large', hub: hubOf(ada) };
    await openMesh(ada.page, ada.url, joining);
    await ada.page.evaluate(() => {
      const bytes = crypto.getRandomValues(new Uint8Array(50_000));
      const part = btoa(String.fromCharCode(...bytes.subarray(0, 37_500)));
      for (let parts = 0; parts < 100; parts += 1) members[0]?.doc.getText('t').insert(0, part);
    });
    await openMesh(bob.page, bob.url, joining);
    await expect.poll(async () => (await textOf(bob.page))?.length, { timeout: 30_000 }).toBe(5_000_000);
    expect((await textOf(bob.page)) === (await textOf(ada.page))).toBe(true);
    // And back, in one update.
    await bob.page.evaluate(() => {
      const text = members[0]?.doc.getText('t');
      text?.insert(0, text.toString());
    });
    await expect.poll(async () => (await textOf(ada.page))?.length, { timeout: 30_000 }).toBe(10_000_000);
  });

  for (const first of ['stock', 'ours']) {
    test(`[ME2] the stock client of npm and ours edit together, ${first} first`, async ({ guest }) => {
      const [ada, bob] = [await guest(foreign), await guest(foreign)];
      const joining = { room: `mixed ${first}`, hub: hubOf(ada), password: 'a password' };
      const openStock = async () => {
        await bob.page.goto(`${bob.url}/health`);
        await bob.page.evaluate(await stockBundle());
        await bob.page.evaluate(({ room, hub, password }) => {
          const stockDoc = new stock.Y.Doc();
          const peerOpts = { config: { iceServers: [] } };
          const provider = new stock.WebrtcProvider(room, stockDoc, { signaling: [hub], password, peerOpts });
          Object.assign(globalThis, { stockDoc, provider });
        }, joining);
      };
      if (first === 'stock') await openStock();
      await openMesh(ada.page, ada.url, joining);
      await write(ada.page, 'from Ada');
      if (first === 'ours') await openStock();
      const stockText = () => bob.page.evaluate(() => stockDoc.getText('t').toString());
      await expect.poll(stockText).toBe('from Ada');
      await bob.page.evaluate(() => stockDoc.getText('t').insert(0, 'from Bob, '));
      await expect.poll(() => textOf(ada.page)).toBe('from Bob, from Ada');
      // What only ours understand is not sent, and what is too large is told.
      const told = await ada.page.evaluate(async () => {
        const [member] = members;
        const [peer] = (await member?.mesh.connections()) ?? [];
        const sent = member?.mesh.send(peer?.peer ?? '', new Uint8Array(3));
        member?.doc.getText('t').insert(0, 'x'.repeat(300_000));
        const [after] = (await member?.mesh.connections()) ?? [];
        return { sent, refused: [peer?.refused, after?.refused] };
      });
      expect(told).toEqual({ sent: false, refused: [0, 1] });
    });
  }

  test('[ME5] who is killed in the middle of a transfer leaves nothing behind; the next one gets everything', async ({
    guest,
  }) => {
    test.setTimeout(120_000);
    const [ada, bob, cy] = [await guest(foreign), await guest(foreign), await guest(foreign)];
    const joining = { room: 'killed', hub: hubOf(ada) };
    await openMesh(ada.page, ada.url, joining);
    await ada.page.evaluate(() => members[0]?.doc.getText('t').insert(0, 'x'.repeat(20_000_000)));
    await openMesh(bob.page, bob.url, joining);
    await ada.page.waitForFunction(() => counted.sent > 30, undefined, { polling: 5 });
    await bob.page.close();
    await expect.poll(() => connected(ada.page)).toEqual([0]);
    // Of 306 frames.
    expect(await ada.page.evaluate(() => counted.sent)).toBeLessThan(250);
    await openMesh(cy.page, cy.url, joining);
    await expect.poll(async () => (await textOf(cy.page))?.length, { timeout: 60_000 }).toBe(20_000_000);
    await expect.poll(() => connected(ada.page)).toEqual([1]);
  });

  test('[ME11] three in a row, whose ends never meet, converge without the hub', async ({ guest }) => {
    const [ada, bob, cy] = [await guest(foreign), await guest(foreign), await guest(foreign)];
    const joining = { room: 'row', hub: hubOf(ada) };
    await openMesh(ada.page, ada.url, joining);
    await openMesh(bob.page, bob.url, joining);
    await expect.poll(() => connected(ada.page)).toEqual([1]);
    const closeHub = (page: Page) => page.evaluate(() => members[0]?.hub.close());
    await closeHub(ada.page);
    await openMesh(cy.page, cy.url, joining);
    await expect.poll(() => connected(cy.page)).toEqual([1]);
    await closeHub(bob.page);
    await closeHub(cy.page);
    await write(ada.page, 'from Ada, ');
    await expect.poll(() => textOf(cy.page)).toBe('from Ada, ');
    await write(cy.page, 'from Cy, ');
    await expect.poll(() => textOf(ada.page)).toBe('from Cy, from Ada, ');
    expect([await connected(ada.page), await connected(bob.page)]).toEqual([[1], [2]]);
    // Who is there, too.
    await expect.poll(() => ada.page.evaluate(() => members[0]?.awareness.getStates().size)).toBe(3);
  });

  test('[ME9] a connection that was interrupted comes back by itself, and is the same', async ({ guest }) => {
    test.setTimeout(90_000);
    const [ada, bob] = [await guest(foreign), await guest(foreign)];
    const joining = { room: 'interrupted', hub: hubOf(ada) };
    const cdp = await bob.context.newCDPSession(bob.page);
    const lose = (packetLoss: number) =>
      cdp.send('Network.emulateNetworkConditions', {
        ...{ offline: false, latency: 1, downloadThroughput: -1, uploadThroughput: -1 },
        packetLoss,
      });
    // What is to be emulated for a connection has to be on when it is made.
    await cdp.send('Network.enable');
    await lose(0);
    // Who is there first offers, and restarts.
    await openMesh(ada.page, ada.url, joining);
    await openMesh(bob.page, bob.url, joining);
    await expect.poll(() => connected(ada.page)).toEqual([1]);
    await lose(100);
    await expect.poll(() => connected(ada.page), { timeout: 30_000 }).toEqual([0]);
    await write(ada.page, 'Said in between.');
    await ada.page.waitForFunction(() => rtc.restarted > 0, undefined, { timeout: 20_000 });
    await lose(0);
    await expect.poll(() => textOf(bob.page), { timeout: 40_000 }).toBe('Said in between.');
    await expect.poll(() => connected(ada.page)).toEqual([1]);
    const counts = [await ada.page.evaluate(() => rtc), await bob.page.evaluate(() => rtc)];
    expect(counts.map(({ made }) => made)).toEqual([1, 1]);
  });

  test('[ME8] [ME13] who leaves is gone for the others at once, and back with the page, in sync', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(foreign), await guest(foreign)];
    const joining = { room: 'leaving', hub: hubOf(ada) };
    await openMesh(ada.page, ada.url, joining);
    await openMesh(bob.page, bob.url, joining);
    const present = () => ada.page.evaluate(() => members[0]?.awareness.getStates().size);
    await expect.poll(present).toBe(2);
    const fire = (type: string) =>
      bob.page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), type);
    // Of connections that used the channel too early, one in twenty-five lost what came first.
    for (const round of ['one ', 'two ', 'three ', 'four ', 'five ', 'six ', 'seven ', 'eight ']) {
      await fire('pagehide');
      await expect.poll(present).toBe(1);
      await write(ada.page, round);
      await fire('pageshow');
      await expect.poll(present).toBe(2);
      const text = await textOf(ada.page);
      await expect.poll(() => textOf(bob.page)).toBe(text);
    }
  });

  test('[ME12] thirty people in one room converge, and a change takes one message to each', async ({
    guest,
  }) => {
    test.setTimeout(240_000);
    const pages: Page[] = [];
    const first = await guest(foreign);
    const joining = { room: 'thirty', hub: hubOf(first), count: 5 };
    const started = Date.now();
    for (let page = 0; page < 6; page += 1) {
      const { page: opened, url } = page === 0 ? first : await guest(foreign);
      await openMesh(opened, url, joining);
      pages.push(opened);
    }
    const each = async () => (await Promise.all(pages.map(connected))).flat();
    await expect.poll(each, { timeout: 200_000 }).toEqual(Array.from({ length: 30 }, () => 29));
    const seconds = (Date.now() - started) / 1000;
    const count = async (what: 'sent' | 'hub') => {
      const counts = await Promise.all(pages.map((page) => page.evaluate((what) => counted[what], what)));
      return counts.reduce((sum, frames) => sum + frames, 0);
    };
    const hub = await count('hub');
    // The awareness speaks every 15 seconds: what is sent in between is the change alone.
    const texts = async () =>
      (
        await Promise.all(
          pages.map((page) => page.evaluate(() => members.map(({ doc }) => doc.getText('t').toString()))),
        )
      ).flat();
    const stopAwareness = () =>
      Promise.all(
        pages.map((page) =>
          page.evaluate(() => {
            for (const { awareness } of members) clearInterval(awareness._checkInterval);
          }),
        ),
      );
    await stopAwareness();
    let last = -1;
    const isQuiet = async () => {
      const now = await count('sent');
      const same = now === last;
      last = now;
      return same;
    };
    await expect.poll(isQuiet, { intervals: [1_000], timeout: 30_000 }).toBe(true);
    const before = await count('sent');
    await write(first.page, 'For all.');
    await expect.poll(texts).toEqual(Array.from({ length: 30 }, () => 'For all.'));
    expect((await count('sent')) - before).toBe(29);
    test.info().annotations.push({
      type: 'frames',
      description: `full mesh after ${seconds.toFixed(1)} s, ${hub} frames to the hub`,
    });
  });
});
