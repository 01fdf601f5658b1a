import { expect, test, TestRelay, type Guest } from './parley.ts';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const LONG = 'Conditions before closing, in order of risk and of what the client has told us so far';

const pageTitle = (guest: Guest) => guest.page.getByRole('textbox', { name: 'Page title' });
const tab = (guest: Guest, name: string) =>
  guest.page.getByRole('navigation', { name: 'Parts of the session' }).getByRole('button', { name });

test.describe('the room', () => {
  test('a page title of any length shows whole, and makes the page no taller than the window', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession();
    const words = LONG.split(' ');
    const titles = words.map((_, index) => words.slice(0, index + 1).join(' '));
    for (const width of [1440, 390, 320]) {
      await ada.page.setViewportSize({ width, height: 900 });
      for (const title of titles) {
        await pageTitle(ada).fill(title);
        const hidden = await pageTitle(ada).evaluate((field) => field.scrollHeight - field.clientHeight);
        expect([width, title, hidden]).toEqual([width, title, 0]);
      }
    }
    await ada.page.setViewportSize({ width: 1440, height: 900 });
    const beyond = () => ada.page.evaluate(() => document.documentElement.scrollHeight - innerHeight);
    await expect.poll(beyond).toBe(0);
  });

  test('in a bar the session title shows whole lines', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession(LONG);
    await ada.plan.click();
    for (const width of [390, 320]) {
      await ada.page.setViewportSize({ width, height: 844 });
      const lines = await ada.title.evaluate((field) => {
        const { top, bottom } = field.closest('h1')?.getBoundingClientRect() ?? new DOMRect();
        const { lineHeight, paddingTop, borderTopWidth } = getComputedStyle(field);
        const first = field.getBoundingClientRect().top + parseFloat(paddingTop) + parseFloat(borderTopWidth);
        return [top - first, (bottom - first) / parseFloat(lineHeight)].map(
          (value) => Math.round(value * 100) / 100,
        );
      });
      expect([width, ...lines]).toEqual([width, 0, 2]);
    }
  });

  test('a phone keeps the order of headings, and targets that a finger hits', async ({ guest }) => {
    const ada = await guest(phone);
    await ada.newSession('Fingers');
    await ada.plan.tap();
    await ada.page.keyboard.type('# One\n## Two\ntext');
    const sizes = await ada.page.evaluate(() =>
      ['.page-title', '.plan-text h1', '.plan-text h2'].map((name) =>
        parseFloat(getComputedStyle(document.querySelector(name) ?? document.body).fontSize),
      ),
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(sizes).size).toBe(3);

    const touched = [
      ada.page.getByRole('link', { name: 'Parley: all sessions' }),
      ada.sync.getByRole('button'),
      ada.page.getByRole('button', { name: 'Share' }),
      ...['Plan', 'Pages', 'People'].map((name) => tab(ada, name)),
    ];
    await tab(ada, 'People').tap();
    const swatch = ada.page.getByRole('button', { name: 'Choose your colour' });
    await swatch.tap();
    const colours = await ada.page.getByRole('radio', { name: /^Colour/ }).all();
    expect(colours).toHaveLength(12);
    for (const target of [...touched, swatch, ...colours]) {
      const { width = 0, height = 0 } = (await target.boundingBox()) ?? {};
      expect([String(target), width >= 44, height >= 44]).toEqual([String(target), true, true]);
    }
    // In their place all of them are to be seen, on the narrowest phone too.
    await ada.page.setViewportSize({ width: 320, height: 568 });
    for (const colour of colours) await expect(colour).toBeInViewport({ ratio: 1 });
  });

  test('the sync control says on a phone what it says elsewhere', async ({ guest }) => {
    const ada = await guest(phone);
    await ada.newSession('Few words');
    await ada.stored();
    const button = ada.sync.getByRole('button');
    await expect(button).toHaveAccessibleName('On this device · on the relay');
    await expect(button.locator('.notice')).toHaveCount(0);
    await ada.context.route('**/api/**', (route) => route.abort());
    await ada.write('Not sent.');
    await expect(button).toHaveAccessibleName(/On this device · relay unreachable since/);
    // Where there is something to say, it is to be seen as well, and Share is still called so.
    await expect(button.getByText('relay unreachable', { exact: true })).toBeVisible();
    await expect(ada.page.getByRole('button', { name: 'Share' })).toBeVisible();
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  test('all parts are reached in a small window; only an on-screen keyboard takes their place', async ({
    guest,
  }) => {
    const wide = await guest();
    await wide.newSession('Zoomed in');
    // A narrow window that is made lower, 1440 × 900 at 225 %, and a phone on its side.
    for (const viewport of [
      { width: 640, height: 900 },
      { width: 640, height: 400 },
      { width: 568, height: 320 },
    ]) {
      await wide.page.setViewportSize(viewport);
      await wide.plan.click();
      await tab(wide, 'Pages').click();
      await expect(wide.page.getByRole('button', { name: 'Add page' })).toBeInViewport();
      await tab(wide, 'People').click();
      await expect(wide.page.getByRole('textbox', { name: 'Your name' })).toBeInViewport();
      await tab(wide, 'Plan').click();
    }

    const hand = await guest(phone);
    await hand.newSession('By hand');
    await hand.plan.tap();
    await expect(tab(hand, 'Pages')).toBeVisible();
    // As Android does when its keyboard comes and goes.
    await hand.page.setViewportSize({ width: 390, height: 480 });
    await expect(tab(hand, 'Pages')).toBeHidden();
    await expect(hand.page.getByRole('toolbar', { name: 'Formatting' })).toBeInViewport({ ratio: 0.9 });
    await hand.page.setViewportSize({ width: 390, height: 844 });
    await expect(tab(hand, 'Pages')).toBeVisible();
  });

  test('however many pages there are, their heading and Add page stay in sight', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Many pages');
    const addPage = ada.page.getByRole('button', { name: 'Add page' });
    for (let page = 0; page < 25; page++) await addPage.click();
    await expect(addPage).toBeInViewport({ ratio: 1 });
    await ada.page.setViewportSize(phone.viewport);
    await tab(ada, 'Pages').click();
    await ada.page.mouse.wheel(0, 2_000);
    await expect.poll(() => ada.page.evaluate(() => scrollY)).toBeGreaterThan(200);
    // Nothing lies over it.
    const { x = 0, y = 0, width = 0, height = 0 } = (await addPage.boundingBox()) ?? {};
    await ada.page.mouse.click(x + width / 2, y + height / 2);
    await expect(pageTitle(ada)).toBeFocused();
  });

  test('the details of Sync stand at their pill', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession();
    await ada.stored();
    const pill = ada.sync.getByRole('button');
    await pill.click();
    const details = ada.page.locator('.details');
    const edge = async (what: typeof pill) => {
      const { x = 0, width = 0 } = (await what.boundingBox()) ?? {};
      return Math.round(x + width);
    };
    await expect.poll(() => edge(details)).toBe(await edge(pill));
  });

  test('[SY18] that the relay is full is said as wide as the text, with who still gets what is written', async ({
    guest,
  }) => {
    const small = new TestRelay({ vars: { SESSION_BYTES: '20000' } });
    await small.start();
    try {
      const ada = await guest({ at: small });
      await ada.newSession('Too much');
      await ada.write('Small.');
      await ada.stored();
      const much = Array.from({ length: 3_000 }, (_, index) => `word${(index * 7919) % 10_007}`).join(' ');
      await ada.page.keyboard.insertText(` ${much}`);
      const banner = ada.page.getByRole('alert');
      await expect(banner).toContainText('Only those whose browser is connected to yours directly get it');
      const edges = async (what: typeof banner) => {
        const { x = 0, width = 0 } = (await what.boundingBox()) ?? {};
        return [Math.round(x), Math.round(x + width)];
      };
      expect(await edges(banner)).toEqual(await edges(ada.plan.locator('p').first()));
      await ada.page.getByRole('button', { name: 'Share' }).click();
      await expect(ada.page.getByRole('dialog')).toContainText(
        'The relay has no more room for this session.',
      );
    } finally {
      await small.dispose();
    }
  });
});
