import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, TestRelay } from './parley.ts';

test('a new version is offered, not forced: it comes when the person says so, and the old one works until then', async ({
  guest,
}) => {
  const site = mkdtempSync(join(tmpdir(), 'parley-site-'));
  cpSync(fileURLToPath(new URL('../build', import.meta.url)), site, { recursive: true });
  const relay = new TestRelay({ assets: site });
  try {
    await relay.start();
    const ada = await guest({ at: relay });
    await ada.newSession('Old and new');
    await ada.write('Typed in the old one.');
    await ada.saved();
    await ada.page.evaluate(() => navigator.serviceWorker.ready);
    const notice = ada.page.getByRole('complementary', { name: 'Update' });
    await expect(notice).toHaveCount(0);

    // Another tab, with a session of its own.
    const second = await ada.context.newPage();
    await second.goto(`${ada.url}/?new`);
    const plan = second.getByRole('textbox', { name: 'Plan' });
    await plan.click();
    await second.keyboard.type('Not to be');

    const worker = join(site, 'sw.js');
    writeFileSync(worker, `${readFileSync(worker, 'utf8')}\n// the next version`);
    // What an hour, or coming back to the tab, does.
    await expect
      .poll(async () => {
        await ada.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
        return notice.count();
      })
      .toBe(1);
    await expect(notice).toContainText('A new version is ready.');
    await ada.write(' Still typing.');
    await expect(ada.plan).toBeFocused();
    await expect(ada.plan).toHaveText('Typed in the old one. Still typing.');
    await ada.saved();
    await Promise.all([
      ada.page.waitForEvent('load'),
      notice.getByRole('button', { name: 'Reload' }).click(),
    ]);
    await expect(ada.plan).toHaveText('Typed in the old one. Still typing.');
    await expect(notice).toHaveCount(0);

    // Nobody has asked the other tab: it goes on, and takes the new version when it is told to.
    await second.keyboard.type(' interrupted.');
    await expect(plan).toHaveText('Not to be interrupted.');
    const otherNotice = second.getByRole('complementary', { name: 'Update' });
    await expect(otherNotice).toBeVisible();
    await Promise.all([
      second.waitForEvent('load'),
      otherNotice.getByRole('button', { name: 'Reload' }).click(),
    ]);
    await expect(plan).toHaveText('Not to be interrupted.');
    expect(
      await ada.page.evaluate(async () => !!(await navigator.serviceWorker.getRegistration())?.waiting),
    ).toBe(false);
  } finally {
    await relay.dispose();
    rmSync(site, { recursive: true, force: true });
  }
});
