import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Guest } from './parley.ts';

/** Everything in light; in dark the contrast, because nothing else depends on it. */
async function expectNoViolations(guest: Guest, where: string) {
  for (const colorScheme of ['dark', 'light'] as const) {
    await guest.page.emulateMedia({ colorScheme });
    // What fades in has not its colours yet. What is taken away while it does is cancelled.
    await guest.page.evaluate(() =>
      Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
    );
    const axe = new AxeBuilder({ page: guest.page });
    const { violations } = await (
      colorScheme === 'dark'
        ? axe.withRules(['color-contrast', 'link-in-text-block'])
        : axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    ).analyze();
    expect(
      violations.map(
        ({ id, nodes }) =>
          `${where}, ${colorScheme}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
      ),
    ).toEqual([]);
  }
}

for (const [device, viewport] of [
  ['wide', { width: 1440, height: 900 }],
  ['phone', { width: 390, height: 844 }],
] as const) {
  test(`axe finds nothing on home, session and dialogs, light and dark, ${device}`, async ({ guest }) => {
    test.setTimeout(120_000);
    const options = { viewport, reducedMotion: 'reduce' as const };
    const [ada, bob] = [await guest(options), await guest()];
    await ada.page.goto(ada.url);
    await expect(ada.page.getByText('None on this device yet')).toBeVisible();
    await expectNoViolations(ada, 'home, empty');

    await ada.newSession('Everything at once');
    await ada.page.getByRole('textbox', { name: 'Page title' }).fill('A page');
    await ada.plan.click();
    await ada.page.keyboard.type(
      '# Heading\n**bold** *italic* `code` [link](https://example.org)\n- one\ntwo\n\n',
    );
    await ada.page.keyboard.type('1. first\n\n[] a task\n\n> a quote');
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.type('``` const x = 1;');
    const link = await ada.editLink();
    await bob.join(link);
    await bob.plan.click();
    await expect(ada.plan.locator('.cursor')).toHaveCount(1);
    await expectNoViolations(ada, 'session');

    await ada.page.getByRole('button', { name: 'Share' }).click();
    await expect(ada.page.getByRole('dialog')).toBeVisible();
    await expectNoViolations(ada, 'share dialog');
    await ada.page.getByRole('radio', { name: 'Can view' }).check();
    const view = await ada.page.getByRole('textbox', { name: 'View link' }).inputValue();
    await expectNoViolations(ada, 'share dialog, view link');
    await ada.page.keyboard.press('Escape');
    await ada.stored();
    const cy = await guest(options);
    await cy.join(view);
    await expectNoViolations(cy, 'session, viewing');
    await cy.page.getByRole('button', { name: 'Share' }).click();
    await expectNoViolations(cy, 'share dialog, viewing');
    await cy.context.close();
    await ada.sync.getByRole('button').click();
    await expectNoViolations(ada, 'sync details');
    await ada.page.keyboard.press('Escape');
    if (device === 'wide') {
      await ada.page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
      await expectNoViolations(ada, 'shortcuts');
      await ada.page.keyboard.press('Escape');
      await ada.page.getByRole('button', { name: 'Choose your colour' }).click();
      await expectNoViolations(ada, 'colours');
      await ada.page.keyboard.press('Escape');
      await ada.page.getByRole('button', { name: 'Hide the side panel' }).click();
      await expectNoViolations(ada, 'without the side panel');
    } else {
      await ada.page.getByRole('button', { name: 'Pages' }).click();
      await expectNoViolations(ada, 'pages');
      await ada.page.getByRole('button', { name: /^People/ }).click();
      await expectNoViolations(ada, 'people');
    }
    await ada.page.goto(ada.url);
    await expect(ada.page.getByRole('list', { name: 'Recent sessions' })).toBeVisible();
    await expectNoViolations(ada, 'home, with a session');
    await ada.page.goto(`${ada.url}/session/nonsense`);
    await expect(ada.page.getByRole('alert')).toBeVisible();
    await expectNoViolations(ada, 'trouble');
  });
}

test('everything is reached and left by the keyboard alone', async ({ guest }) => {
  const ada = await guest();
  await ada.page.goto(ada.url);
  await expect(ada.page.getByText('None on this device yet')).toBeVisible();
  await ada.page.keyboard.press('Tab');
  await expect(ada.page.getByRole('button', { name: 'New session' })).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(ada.title).toBeFocused();
  await ada.page.keyboard.type('By keyboard');
  await ada.page.keyboard.press('Enter');
  await ada.page.keyboard.press('Enter');
  await expect(ada.plan).toBeFocused();
  await ada.page.keyboard.type('- a list');
  // Tab indents in a list; Escape lets it leave.
  await ada.page.keyboard.press('Escape');
  await ada.page.keyboard.press('Tab');
  await expect(ada.plan).not.toBeFocused();
  await ada.page.getByRole('button', { name: 'Share' }).focus();
  await ada.page.keyboard.press('?');
  await expect(ada.page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await ada.page.keyboard.press('Escape');
  await expect(ada.page.getByRole('dialog')).toHaveCount(0);
  await expect(ada.page.getByRole('button', { name: 'Share' })).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(ada.page.getByRole('dialog', { name: 'Share' })).toBeVisible();
  await ada.page.keyboard.press('Escape');
  await expect(ada.page.getByRole('button', { name: 'Share' })).toBeFocused();
});
