import type { Page } from '@playwright/test';
import { expect, test, moveCursor } from './parley.ts';

/** How a page is left so that it hears of it: by a link or an address, or as its tab is closed. */
const WAYS = {
  'going elsewhere': (page: Page) => page.goto('about:blank'),
  'closing the tab': (page: Page) => page.close({ runBeforeUnload: true }),
} as const;

for (const [way, leave] of Object.entries(WAYS)) {
  test(`[SY24] what was written just before is on the relay: ${way}`, async ({ guest }) => {
    test.slow();
    const ada = await guest();
    await ada.newSession('In a hurry');
    await ada.stored();
    const link = await ada.editLink();
    // Its tabs share the profile with one that stays.
    await ada.page.goto('about:blank');
    let words = '';
    for (const when of ['at once', 'once it is saved', 'between two appends'] as const) {
      const tab = await ada.context.newPage();
      ada.listen(tab);
      await tab.goto(link);
      const plan = tab.getByRole('textbox', { name: 'Plan' });
      const sync = tab.getByRole('status', { name: 'Sync' });
      await expect(plan).toHaveText(words);
      await expect(sync).toContainText('on the relay');
      await plan.click();
      await moveCursor(tab, 'Control+End');
      if (when === 'between two appends') {
        const appended = tab.waitForResponse((response) => response.request().method() === 'POST');
        await tab.keyboard.type('First. ');
        words += 'First. ';
        await appended;
      }
      await tab.keyboard.type(`Left ${when}`);
      // At the pace of a hand: what is done in the last moment, before it is sealed ahead, stays on the device.
      await tab.keyboard.press('.', { delay: 100 });
      words += `Left ${when}.`;
      // Of a last word, the last key may.
      if (when === 'at once') await tab.keyboard.type(' Bye.', { delay: 100 });
      else await expect(sync).toContainText('On this device');
      await leave(tab);
      const bob = await guest();
      await bob.join(link);
      await expect(bob.plan).toContainText(when === 'at once' ? `${words} By` : words);
      await bob.context.close();
      if (when === 'at once') words += ' Bye.';
    }
  });
}

test('[SY21] who is reached through the relay only is gone from the list at once when the page is left, and is back with it', async ({
  guest,
}) => {
  const [ada, bob] = [await guest(), await guest()];
  for (const one of [ada, bob]) await one.withoutWebRtc();
  await ada.newSession('Come and go');
  await ada.write('Begin.');
  await bob.join(await ada.editLink());
  for (const { people } of [ada, bob]) await expect(people).toHaveCount(2);
  await bob.page.goto('about:blank');
  await expect(ada.people).toHaveCount(1, { timeout: 10_000 });
  await bob.page.goBack();
  for (const { people } of [ada, bob]) await expect(people).toHaveCount(2);
  await bob.page.close({ runBeforeUnload: true });
  await expect(ada.people).toHaveCount(1, { timeout: 10_000 });
});

test('[SY20] [SY21] two who are connected directly and a viewer see one another, whoever goes and comes', async ({
  guest,
}) => {
  test.slow();
  const [ada, bob, cy] = [await guest(), await guest(), await guest()];
  await ada.newSession('Three');
  await ada.write('Begin.');
  const link = await ada.editLink();
  const viewLink = await ada.viewLink();
  await bob.join(link);
  for (const one of [ada, bob]) await one.connected();
  await cy.page.goto(viewLink);
  for (const { people } of [ada, bob, cy]) await expect(people).toHaveCount(3);
  for (const one of [cy, bob, ada]) {
    await one.page.reload();
    for (const { people } of [ada, bob, cy]) await expect(people).toHaveCount(3);
  }
  await ada.page.goto('about:blank');
  for (const { people } of [bob, cy]) await expect(people).toHaveCount(2, { timeout: 10_000 });
  await bob.write(' Bob.');
  await expect(cy.page.getByText('Begin. Bob.')).toBeVisible();
  await bob.page.reload();
  for (const { people } of [bob, cy]) await expect(people).toHaveCount(2);
});
