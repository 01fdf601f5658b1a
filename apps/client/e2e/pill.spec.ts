import { randomBytes } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { TestRelay, expect, test, type Guest } from './parley.ts';

/** Whether a page's own writes into IndexedDB are refused, as by a full disk, or wait. */
type Writes = 'taken' | 'refused' | 'waiting';

async function controlWrites({ context }: Guest): Promise<void> {
  await context.addInitScript(() => {
    const { add } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.add = function (...what) {
      if (globalThis.writes === 'refused') throw new DOMException('no room', 'QuotaExceededError');
      const request = add.apply(this, what);
      // A transaction lasts for as long as somebody asks something of it.
      const goOn = () => {
        if (globalThis.writes === 'waiting') this.count().onsuccess = goOn;
      };
      goOn();
      return request;
    };
  });
}

declare global {
  var writes: Writes | undefined;
}

const setWrites = ({ page }: Guest, writes: Writes) =>
  page.evaluate((writes) => Object.assign(globalThis, { writes }), writes);

/** The three arcs, in their order, as they are drawn. */
async function arcs({ sync }: Guest): Promise<string> {
  const drawn = await sync
    .locator('circle')
    .evaluateAll((circles) => circles.map((circle) => getComputedStyle(circle).stroke));
  const colours = await sync.evaluate((pill) => {
    const style = getComputedStyle(pill);
    const probe = document.createElement('span');
    pill.append(probe);
    const resolved = ['accent', 'waiting', 'danger'].map((name) => {
      probe.style.color = style.getPropertyValue(`--${name}`);
      return getComputedStyle(probe).color;
    });
    probe.remove();
    return resolved;
  });
  return drawn.map((stroke) => ['●', '◐', '!'][colours.indexOf(stroke)] ?? '○').join('');
}

/** Waits until the pill says so and looks so, and takes its picture. */
async function expectPill(guest: Guest, label: string | RegExp, drawn: string, timeout = 15_000) {
  await expect(guest.sync.locator('.label')).toHaveText(label, { timeout });
  await expect.poll(() => arcs(guest)).toBe(drawn);
  const name = `${String(label)} ${drawn}`.replaceAll(/[^\p{L}\d●◐!○]+/gu, '-');
  await test.info().attach(name, { body: await guest.sync.screenshot(), contentType: 'image/png' });
}

test.describe('each state of the pill is reached, and looks as it is called', () => {
  test('[PR2] [RC1] of the device, and of the people who are here', async ({ guest }) => {
    test.setTimeout(120_000);
    const [ada, bob, cy] = [await guest(), await guest(), await guest()];
    for (const one of [ada, bob]) await controlWrites(one);
    await ada.newSession('Pill');
    await ada.write('One.');
    await expectPill(ada, 'On this device · on the relay', '●○●');
    await setWrites(ada, 'waiting');
    await ada.write(' Two.');
    await expect(ada.sync.locator('.label')).toHaveText(/^Saving/);
    await expectPill(ada, 'Saving · on the relay', '◐○●');
    await setWrites(ada, 'taken');
    await bob.join(await ada.editLink());
    await expectPill(ada, 'On this device · with 1 person · on the relay', '●●●');
    await cy.join(await ada.editLink());
    await expectPill(ada, 'On this device · with 2 people · on the relay', '●●●');
    await setWrites(bob, 'refused');
    await ada.write(' Three.');
    await expectPill(ada, 'On this device · with 1 of 2 people · on the relay', '●◐●');
    await cy.page.close({ runBeforeUnload: true });
    await expectPill(ada, 'On this device · not yet with 1 person · on the relay', '●◐●');
    await expectPill(bob, /^Not saved: storage is full · with 1 person · /, '!●●');
    await setWrites(bob, 'taken');
    await expectPill(ada, 'On this device · with 1 person · on the relay', '●●●');
    await setWrites(ada, 'refused');
    await ada.write(' Four.');
    await expectPill(ada, 'Not saved: storage is full · with 1 person · on the relay', '!●●');
    await setWrites(ada, 'taken');
    await expectPill(ada, 'On this device · with 1 person · on the relay', '●●●');
  });

  test('[PR2] [SY19] of the relay', async ({ guest }) => {
    test.setTimeout(180_000);
    const relay = new TestRelay({ vars: { SESSION_BYTES: '20000' } });
    const earlier = `${relay.state}-earlier`;
    await relay.start();
    try {
      const ada = await guest({ at: relay });
      await ada.newSession('Pill');
      await ada.write('One.');
      await ada.stored();
      await ada.context.route('**/api/sessions/*/log', (route) =>
        route.request().method() === 'POST' ? undefined : route.continue(),
      );
      await ada.write(' Two.');
      await expectPill(ada, 'On this device · waiting for the relay', '●○◐');
      await ada.context.unrouteAll();
      await ada.context.setOffline(true);
      await expectPill(ada, 'On this device · offline', '●○◐');
      await ada.context.setOffline(false);
      await expectPill(ada, 'On this device · on the relay', '●○●', 60_000);
      await relay.stop();
      cpSync(relay.state, earlier, { recursive: true });
      await expectPill(ada, /^On this device · relay unreachable since \d/, '●○●', 30_000);
      await ada.write(' Three.');
      await expectPill(ada, /^On this device · relay unreachable since \d/, '●○◐');
      await relay.start();
      await expectPill(ada, 'On this device · on the relay', '●○●', 60_000);
      // It goes back to where it was.
      await relay.stop();
      rmSync(relay.state, { recursive: true });
      cpSync(earlier, relay.state, { recursive: true });
      await relay.start();
      await expectPill(ada, 'On this device · relay contradicts itself', '●○!', 60_000);
      await ada.page.reload();
      await expectPill(ada, 'On this device · on the relay', '●○●');
      await ada.plan.click();
      await ada.page.keyboard.insertText(randomBytes(20_000).toString('base64'));
      await expectPill(ada, 'On this device · relay: full', '●○◐');
    } finally {
      await relay.dispose();
      rmSync(earlier, { recursive: true, force: true });
    }
  });

  test('[PR2] [SY19] of who has nothing yet, of who only reads, and of a session that is deleted', async ({
    guest,
  }) => {
    test.setTimeout(120_000);
    const [ada, bob, vic] = [await guest(), await guest(), await guest()];
    await ada.page.goto(ada.url);
    await expect(ada.page.getByRole('button', { name: 'New session' })).toBeVisible();
    await ada.page.evaluate(() => navigator.serviceWorker.ready);
    await ada.context.setOffline(true);
    await ada.page.getByRole('button', { name: 'New session' }).click();
    await ada.write('One.');
    const [link, view] = [await ada.editLink(), await ada.viewLink()];
    await bob.page.goto(link);
    await expectPill(bob, 'Waiting', '◐○○');
    await bob.page.goto('about:blank');
    await vic.page.goto(view);
    await expectPill(vic, 'Waiting', '◐○○');
    await ada.context.setOffline(false);
    await expectPill(ada, 'On this device · with 1 person · on the relay', '●●●', 30_000);
    await expectPill(vic, 'On this device · 1 person here · on the relay', '●○●', 60_000);
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await ada.page.getByRole('button', { name: 'Delete from the relay…' }).click();
    await ada.page.getByRole('button', { name: 'Delete from the relay', exact: true }).click();
    await expectPill(vic, /^On this device · .*deleted from the relay$/, '●○○', 30_000);
    await ada.page.keyboard.press('Escape');
    await ada.page.keyboard.press('Escape');
    await expectPill(ada, /^On this device · .*deleted from the relay$/, '●●○', 30_000);
  });
});
