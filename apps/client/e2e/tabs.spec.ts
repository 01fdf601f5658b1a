import type { CDPSession, Page } from '@playwright/test';
import { ON_RELAY, expect, test, type Guest } from './parley.ts';

/** What a page has opened since it was loaded, and has not closed: sockets to the hub, and connections to other browsers. */
interface Connections {
  readonly sockets: number;
  readonly peers: number;
}

declare global {
  var connectionsOfPage: (() => Connections) | undefined;
}

/** Runs before the page: counts what it opens. */
function count(): void {
  const sockets = new Set<WebSocket>();
  const peers = new Set<RTCPeerConnection>();
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      sockets.add(this);
      this.addEventListener('close', () => sockets.delete(this));
    }
  };
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      peers.add(this);
    }
  };
  globalThis.connectionsOfPage = () => ({
    sockets: sockets.size,
    // One that was only made to see whether it can be made is closed.
    peers: [...peers].filter(({ signalingState }) => signalingState !== 'closed').length,
  });
}

function connectionsOf(page: Page): Promise<Connections> {
  return page.evaluate(() => globalThis.connectionsOfPage?.() ?? { sockets: 0, peers: 0 });
}

/** Opens the session that the guest's page shows in `more` tabs besides. The guest's own is the first, and leads. */
async function openTabs(guest: Guest, more: number): Promise<Guest[]> {
  const tabs = [guest];
  for (let i = 0; i < more; i++) tabs.push(await guest.tab());
  return tabs;
}

/** The tabs that hold a socket to the hub. */
async function leadersOf(tabs: readonly Guest[]): Promise<number[]> {
  const all = await Promise.all(tabs.map(({ page }) => connectionsOf(page)));
  return all.flatMap(({ sockets }, index) => (sockets > 0 ? [index] : []));
}

/** What a tab of a crashed renderer gives up: its browser tells of it. */
async function crash(tab: Guest): Promise<void> {
  const devtools = await tab.page.context().newCDPSession(tab.page);
  const crashed = tab.page.waitForEvent('crash');
  // It does not live to answer.
  devtools.send('Page.crash').catch(() => undefined);
  await crashed;
}

/**
 * Nothing runs in the tab from its next step on, as when the browser saves energy. Chromium freezes no page that can be seen, and without a
 * screen all can.
 */
async function freeze(tab: Guest): Promise<CDPSession> {
  const devtools = await tab.page.context().newCDPSession(tab.page);
  await devtools.send('Debugger.enable');
  const paused = new Promise((resolve) => devtools.once('Debugger.paused', resolve));
  await devtools.send('Debugger.pause');
  await paused;
  return devtools;
}

test.describe('tabs of one session', () => {
  test.beforeEach(() => test.slow());

  test('[TB1] [TB8] four tabs are one person to somebody else, through one connection to the relay and one to each other person', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    for (const { context } of [ada, bob]) await context.addInitScript(count);
    await ada.newSession('Four tabs');
    await ada.write('Begin.');
    await ada.stored();
    await bob.join(await ada.editLink());
    const tabs = await openTabs(ada, 3);
    for (const tab of tabs) {
      await expect(tab.plan).toHaveText('Begin.');
      await expect(tab.people).toHaveCount(2);
      await expect(tab.sync).toContainText('on the relay');
    }
    await expect(bob.people).toHaveCount(2);
    await expect
      .poll(async () => Promise.all(tabs.map(({ page }) => connectionsOf(page))))
      .toEqual([
        { sockets: 1, peers: 1 },
        { sockets: 0, peers: 0 },
        { sockets: 0, peers: 0 },
        { sockets: 0, peers: 0 },
      ]);
    expect(await connectionsOf(bob.page)).toEqual({ sockets: 1, peers: 1 });
    let words = 'Begin.';
    for (const [index, tab] of tabs.entries()) {
      await tab.write(` Tab ${index}.`);
      words += ` Tab ${index}.`;
      await expect(bob.plan).toHaveText(words);
    }
    await bob.write(' Bob.');
    for (const { plan } of tabs) await expect(plan).toHaveText(`${words} Bob.`);
    for (const { sync } of tabs) await expect(sync).toContainText('on the relay');
  });

  test('[TB1] [PR1] the one that leads is closed: another one leads, and what was written in any is there', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.context.addInitScript(count);
    await ada.newSession('Closing');
    await ada.write('Begin.');
    await bob.join(await ada.editLink());
    const tabs = await openTabs(ada, 2);
    await expect(bob.people).toHaveCount(2);
    expect(await leadersOf(tabs)).toEqual([0]);
    const [first, second, third] = tabs as [Guest, Guest, Guest];
    await second.write(' Second.');
    await first.write(' First, and gone.');
    await first.page.close({ runBeforeUnload: true });
    await expect(bob.plan).toHaveText('Begin. Second. First, and gone.');
    await third.write(' Third.');
    await expect(bob.plan).toHaveText('Begin. Second. First, and gone. Third.');
    await expect(bob.people).toHaveCount(2);
    await expect.poll(() => leadersOf([second, third])).toHaveLength(1);
    await second.page.close({ runBeforeUnload: true });
    await expect.poll(() => leadersOf([third])).toEqual([0]);
    await third.connected();
    await third.page.close({ runBeforeUnload: true });
    // What a page says in its last moment may be lost: then the presence expires.
    await expect(bob.people).toHaveCount(1, { timeout: 45_000 });
  });

  test('[TB5] [TB7] [PR1] the one that leads crashes right after it has saved: another one leads, and nothing is lost', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.context.addInitScript(count);
    await ada.newSession('Crashing');
    await ada.write('Begin.');
    await ada.stored();
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Begin.');
    const [first, second] = (await openTabs(ada, 1)) as [Guest, Guest];
    await first.write(' Saved.');
    await expect(first.sync).toContainText('On this device');
    await crash(first);
    await expect(second.plan).toHaveText('Begin. Saved.');
    await expect(bob.plan).toHaveText('Begin. Saved.');
    await second.write(' On.');
    await expect(bob.plan).toHaveText('Begin. Saved. On.');
    await expect.poll(() => leadersOf([second])).toEqual([0]);
    await expect(second.sync).toContainText(ON_RELAY);
    await expect(bob.people).toHaveCount(2);
  });

  test('[TB7] [PR1] one that follows crashes right after it has saved: the others have it, and it is on the relay', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('A follower crashes');
    await ada.write('Begin.');
    await ada.stored();
    const link = await ada.editLink();
    const [first, second] = (await openTabs(ada, 1)) as [Guest, Guest];
    await second.write(' Saved.');
    await expect(second.sync).toContainText('On this device');
    await crash(second);
    await expect(first.plan).toHaveText('Begin. Saved.');
    await expect(first.sync).toContainText(ON_RELAY);
    await ada.context.close();
    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Begin. Saved.');
  });

  for (const [way, stop] of Object.entries({
    'is frozen': async (tab: Guest) => {
      const devtools = await freeze(tab);
      return async () => {
        await devtools.send('Debugger.resume');
        await devtools.detach();
      };
    },
    'does not come to itself': async (tab: Guest) => {
      // Longer than it takes another one to notice.
      const blocked = tab.page.evaluate(() => {
        const end = performance.now() + 20_000;
        while (performance.now() < end);
      });
      return () => blocked;
    },
  })) {
    test(`[TB3] the one that leads ${way}: one that can be seen takes over, and it follows when it is back`, async ({
      guest,
    }) => {
      const [ada, bob] = [await guest(), await guest()];
      await ada.context.addInitScript(count);
      await ada.newSession('Frozen');
      await ada.write('Begin.');
      await bob.join(await ada.editLink());
      const [first, second] = (await openTabs(ada, 1)) as [Guest, Guest];
      await expect(second.people).toHaveCount(2);
      await second.page.bringToFront();
      const goOn = await stop(first);
      await second.write(' Meanwhile.');
      await expect(bob.plan).toHaveText('Begin. Meanwhile.', { timeout: 30_000 });
      await expect(second.sync).toContainText(ON_RELAY, { timeout: 30_000 });
      await goOn();
      await expect(first.plan).toHaveText('Begin. Meanwhile.');
      await expect.poll(() => leadersOf([first, second])).toEqual([1]);
      await expect(first.sync).toContainText('on the relay');
      await first.write(' Back.');
      await expect(bob.plan).toHaveText('Begin. Meanwhile. Back.');
      await expect(bob.people).toHaveCount(2);
    });
  }

  test('[TB9] [PR2] a tab that follows says what is so of its own last change', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Truth');
    await ada.write('Begin.');
    await ada.stored();
    const [, second] = (await openTabs(ada, 1)) as [Guest, Guest];
    await expect(second.sync).toContainText(ON_RELAY);
    await ada.context.route('**/api/**', (route) => route.abort());
    await second.write(' Not there.');
    await expect(second.sync).toContainText('On this device');
    await expect(second.sync).not.toContainText('on the relay');
    await ada.context.unroute('**/api/**');
    await expect(second.sync).toContainText(ON_RELAY, { timeout: 45_000 });
  });

  test('[TB2] [LK11] two tabs with a view link follow through one connection', async ({ guest }) => {
    const [ada, vera] = [await guest(), await guest()];
    await vera.context.addInitScript(count);
    await ada.newSession('Two viewers’ tabs');
    await ada.write('Begin.');
    await ada.stored();
    await vera.page.goto(await ada.viewLink());
    await expect(vera.page.getByText('Begin.')).toBeVisible();
    const second = await vera.tab();
    await expect(second.page.getByText('Begin.')).toBeVisible();
    await expect(ada.people).toHaveCount(2);
    await ada.write(' And on.');
    await expect(second.page.getByText('Begin. And on.')).toBeVisible();
    expect(await leadersOf([vera, second])).toEqual([0]);
    await vera.page.close({ runBeforeUnload: true });
    await expect.poll(() => leadersOf([second])).toEqual([0]);
    await ada.write(' Still.');
    await expect(second.page.getByText('Begin. And on. Still.')).toBeVisible();
    await expect(ada.people).toHaveCount(2);
  });
});
