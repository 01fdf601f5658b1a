import { expect, test, type Guest, moveCursor } from './parley.ts';
import { askForLink, toolbarButton as button } from './plan-toolbar.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

async function paste(guest: Guest, content: Record<string, string>): Promise<void> {
  await guest.page.evaluate(async (parts) => {
    const blobs = Object.entries(parts).map(([type, text]) => [type, new Blob([text], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs) as Record<string, Blob>)]);
  }, content);
  await guest.page.keyboard.press('Control+V');
}

/** Where the cursor is in the window. */
function caret(guest: Guest): Promise<{ top: number; bottom: number }> {
  return guest.page.evaluate(() => {
    const range = getSelection()?.getRangeAt(0);
    const rect = range?.getClientRects()[0] ?? range?.startContainer.parentElement?.getBoundingClientRect();
    return { top: rect?.top ?? NaN, bottom: rect?.bottom ?? NaN };
  });
}

test.describe('the plan editor, in the window', () => {
  test('the line one writes in never goes under a bar', async ({ guest }) => {
    for (const options of [{ viewport: { width: 1440, height: 900 } }, PHONE]) {
      const ada = await guest(options);
      await ada.newSession();
      await ada.write('Line\n'.repeat(70));
      const toolbar = await button(ada, 'Undo').boundingBox();
      const isBelow = (toolbar?.y ?? 0) > 450;
      const [top, bottom] = isBelow ? [56, toolbar?.y ?? 0] : [104, options.viewport.height];
      for (const key of ['ArrowUp', 'ArrowDown']) {
        for (let times = 0; times < 60; times += 1) {
          await ada.page.keyboard.press(key);
          if (times % 3 > 0) continue;
          await expect.poll(async () => (await caret(ada)).top).toBeGreaterThanOrEqual(top);
          expect((await caret(ada)).bottom).toBeLessThanOrEqual(bottom);
        }
      }
    }
  });

  test('a pasted table keeps its cells apart, a row to a paragraph', async ({ guest }) => {
    const ada = await guest({ permissions: ['clipboard-read', 'clipboard-write'] });
    await ada.newSession();
    await ada.plan.click();
    await paste(ada, {
      'text/html':
        '<table><caption>Team</caption><thead><tr><th>Who</th><th>Hours</th><th></th></tr></thead><tbody>' +
        '<tr><td> <b>Partner</b>\n</td><td><p>12 h</p><p>a week</p></td><td><ul><li>450</li></ul></td></tr>' +
        '<tr><td><a href="https://a.org">Associate</a></td><td>30<br>h</td>' +
        '<td>280<img src=x onerror="document.title=\'hacked\'"></td></tr></tbody></table>',
    });
    await expect(ada.plan.locator('> p')).toHaveText([
      'Team',
      'Who | Hours |',
      'Partner | 12 h a week | 450',
      'Associate | 30 h | 280',
    ]);
    await expect(ada.plan.locator('strong')).toHaveText('Partner');
    await expect(ada.plan.getByRole('link', { name: 'Associate' })).toHaveCount(1);
    await expect(ada.page).not.toHaveTitle('hacked');
    // One column, and tables that only arrange a page, keep their blocks.
    await ada.page.keyboard.press('Control+A');
    await paste(ada, { 'text/html': '<table><tr><td>a</td></tr><tr><td>b</td></tr></table>' });
    await expect(ada.plan.locator('> p')).toHaveText(['a', 'b']);
    await ada.page.keyboard.press('Control+A');
    await paste(ada, {
      'text/html':
        '<table><tr><td>Side</td><td><table><tr><td><h1>Title</h1><ul><li>one</li></ul></td></tr>' +
        '<tr><td>x</td><td>y</td></tr></table></td></tr></table>',
    });
    await expect(ada.plan.locator('p, h1')).toHaveText(['Side', 'Title', 'one', 'x | y']);
    // What the browser's policy refuses while the HTML is only read; nothing else may be complained about.
    expect(ada.complaints.filter((said) => !said.startsWith('Executing inline event handler'))).toEqual([]);
    ada.complaints.length = 0;
  });

  test('an address pasted over everything links it', async ({ guest }) => {
    const ada = await guest({ permissions: ['clipboard-read', 'clipboard-write'] });
    await ada.newSession();
    await ada.write('# One\nTwo');
    await ada.page.keyboard.press('Control+A');
    await paste(ada, { 'text/plain': 'https://example.org' });
    await expect(ada.plan.getByRole('link')).toHaveText(['One', 'Two']);
  });

  test('the toolbar is one row at every width', async ({ guest }) => {
    const ada = await guest({ viewport: { width: 700, height: 800 } });
    await ada.newSession();
    for (const width of [1440, 900, 700, 641]) {
      await ada.page.setViewportSize({ width, height: 800 });
      expect((await ada.page.getByRole('toolbar').boundingBox())?.height).toBe(41);
      expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
    await button(ada, 'Undo').focus();
    await moveCursor(ada.page, 'End');
    await expect(button(ada, 'Code block')).toBeInViewport({ ratio: 1 });
  });

  test('the toolbar says what the text is once one has entered it', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.write('# Title');
    await expect(button(ada, 'Heading 1')).toHaveAttribute('aria-pressed', 'true');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Title');
    await expect(button(bob, 'Heading 1')).toHaveAttribute('aria-pressed', 'false');
    await bob.plan.click();
    await expect(button(bob, 'Heading 1')).toHaveAttribute('aria-pressed', 'true');
  });

  test('what a link is made of stays highlighted, and the bar goes with the focus', async ({ guest }) => {
    const ada = await guest();
    const address = await askForLink(ada, 'See the report');
    await expect(ada.plan.locator('.linking')).toHaveText('report');
    await address.fill('example.org');
    await address.press('Enter');
    await expect(ada.plan.locator('.linking')).toHaveCount(0);
    await ada.plan.getByRole('link').click();
    await expect(address).toBeVisible();
    await address.click();
    await expect(address).toBeFocused();
    await ada.title.click();
    await expect(address).toBeHidden();
    // Elsewhere in the link: at the same place it would be a double click to the editor, so soon after the first.
    await ada.plan.getByRole('link').click({ position: { x: 4, y: 8 } });
    await expect(address).toBeVisible();
    await ada.title.click();
    await expect(address).toBeHidden();
    await ada.plan.getByRole('link').click();
    await expect(address).toBeVisible();
    await ada.page.keyboard.press('Escape');
    await expect(address).toBeHidden();
    await expect(ada.plan).toBeFocused();
  });

  test('on a phone the link bar stands below the text, above the toolbar', async ({ guest }) => {
    const ada = await guest(PHONE);
    await ada.newSession();
    await ada.write('One\nTwo\nThree');
    const form = ada.page.getByRole('form', { name: 'Link' });
    const link = async () => {
      await ada.page.keyboard.press('Control+A');
      await button(ada, 'Link').tap();
      await expect(form.getByRole('textbox')).toBeFocused();
    };
    const bar = async () => (await form.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await link();
    const last = await ada.plan.getByText('Three').boundingBox();
    expect((await bar()).y).toBeGreaterThanOrEqual((last?.y ?? 0) + (last?.height ?? 0));
    await form.press('Escape');
    await expect(form).toBeHidden();
    await ada.write('\nLine'.repeat(60));
    await link();
    const { y, height } = await bar();
    expect(y).toBeGreaterThan(56);
    expect(y + height).toBeLessThanOrEqual((await ada.page.getByRole('toolbar').boundingBox())?.y ?? 0);
  });

  test('on paper there is only the text, black on white', async ({ guest }) => {
    const ada = await guest({ colorScheme: 'dark' });
    await ada.newSession();
    await ada.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const before = () => ada.plan.locator('p').evaluate((p) => getComputedStyle(p, '::before').display);
    expect(await before()).toBe('none');
    await ada.page.emulateMedia({ media: 'screen', colorScheme: 'dark' });
    await ada.write(
      `# Title\n> quote\n\n\n[x] done [site](https://example.org)\n\n\`\`\` ${'long '.repeat(60)}`,
    );
    await ada.plan.getByRole('link').click();
    await expect(ada.page.getByRole('form', { name: 'Link' })).toBeVisible();
    await ada.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await expect(ada.page.getByRole('form', { name: 'Link' })).toBeHidden();
    await expect(ada.page.getByRole('toolbar')).toBeHidden();
    await expect(ada.plan).toHaveCSS('background-color', 'rgb(255, 255, 255)');
    for (const text of await ada.plan.locator('h1, p, pre, a').all())
      await expect(text).toHaveCSS('color', 'rgb(0, 0, 0)');
    expect(await ada.plan.locator('pre').evaluate((pre) => pre.scrollWidth - pre.clientWidth)).toBe(0);
  });
});
