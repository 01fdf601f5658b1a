import { expect, test, type Guest, moveCursor } from './parley.ts';
import { askForLink, toolbarButton as button } from './plan-toolbar.ts';

test.describe('the plan editor', () => {
  test('[DOC1] two people who open an empty page write into one paragraph: opening writes nothing', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.saved();
    const link = await ada.editLink();
    await bob.join(link);
    await ada.plan.click();
    await bob.plan.click();
    await expect(ada.people).toHaveCount(2);
    await ada.page.keyboard.type('One');
    await expect(bob.plan).toHaveText('One');
    await moveCursor(bob.page, 'Control+End');
    await bob.page.keyboard.type(' paragraph');
    await expect(ada.plan.locator('p')).toHaveText(['One paragraph']);
  });

  test('Markdown as one types becomes what it means, at both ends', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await bob.join(await ada.editLink());
    await ada.plan.click();
    const type = (text: string) => ada.page.keyboard.type(text);
    await type('# One\n## Two\n### Three\n');
    await type('**bold** *italic* ~~gone~~ `code` [site](https://example.org) snake_case_name\n');
    await type('- a\n');
    await ada.page.keyboard.press('Tab');
    await type('nested\n\n\n');
    await type('3. third\n\n');
    await type('[] open\n\n');
    await type('> said\n');
    await ada.page.keyboard.press('Enter');
    await type('---');
    await type('``` const x = 1;');
    for (const { plan } of [ada, bob]) {
      await expect(plan.locator('h1, h2, h3')).toHaveText(['One', 'Two', 'Three']);
      await expect(plan.locator('strong')).toHaveText('bold');
      await expect(plan.locator('em')).toHaveText('italic');
      await expect(plan.locator('s')).toHaveText('gone');
      await expect(plan.locator('p code')).toHaveText('code');
      await expect(plan.getByRole('link', { name: 'site' })).toHaveAttribute('href', 'https://example.org');
      await expect(plan).toContainText('snake_case_name');
      await expect(plan.locator('ul ul li')).toHaveText('nested');
      await expect(plan.locator('ol[start="3"] li')).toHaveText('third');
      await expect(plan.getByRole('checkbox', { name: 'Done: open' })).not.toBeChecked();
      await expect(plan.locator('blockquote')).toHaveText('said');
      await expect(plan.locator('hr')).toHaveCount(1);
      await expect(plan.locator('pre')).toHaveText('const x = 1;');
    }
    // Undo takes a shortcut back before it takes the text.
    await ada.page.keyboard.press('Control+Enter');
    await type('# ');
    await expect(ada.plan.locator('h1')).toHaveCount(2);
    await ada.page.keyboard.press('Backspace');
    await expect(ada.plan.locator('h1')).toHaveCount(1);
    await expect(ada.plan.locator('p').last()).toHaveText('#');
  });

  test('a task is ticked by mouse, by keyboard and by the other person', async ({ guest }) => {
    const [ada, bob] = [
      await guest(),
      await guest({ hasTouch: true, viewport: { width: 390, height: 844 } }),
    ];
    await ada.newSession();
    await ada.write('[] Call Mara');
    await bob.join(await ada.editLink());
    const box = (who: Guest) => who.plan.getByRole('checkbox', { name: 'Done: Call Mara' });
    await box(ada).click();
    await expect(box(bob)).toBeChecked();
    await box(bob).tap();
    await expect(box(ada)).not.toBeChecked();
    await ada.plan.getByText('Call Mara').click();
    await ada.page.keyboard.press('Control+Enter');
    await expect(box(bob)).toBeChecked();
    await box(ada).focus();
    await ada.page.keyboard.press('Space');
    await expect(box(bob)).not.toBeChecked();
  });

  test('the toolbar is one stop of the Tab key, moves by arrows, and says what is on', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession();
    await ada.write('Words');
    await ada.page.keyboard.press('Control+A');
    await button(ada, 'Bold').click();
    await expect(button(ada, 'Bold')).toHaveAttribute('aria-pressed', 'true');
    await expect(ada.plan.locator('strong')).toHaveText('Words');
    // The selection is still there.
    await ada.page.keyboard.press('Control+I');
    await expect(ada.plan.locator('em')).toHaveText('Words');
    await button(ada, 'Undo').focus();
    await ada.page.keyboard.press('End');
    await expect(button(ada, 'Code block')).toBeFocused();
    await ada.page.keyboard.press('ArrowLeft');
    await expect(button(ada, 'Quote')).toBeFocused();
    await ada.page.keyboard.press('Home');
    await expect(button(ada, 'Undo')).toBeFocused();
    await ada.page.keyboard.press('Enter');
    await expect(ada.plan.locator('em')).toHaveCount(0);
  });

  test('a link is made, refused when it is none, opened and removed', async ({ guest }) => {
    const ada = await guest();
    const address = await askForLink(ada, 'See the report');
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'no address']) {
      await address.fill(bad);
      await address.press('Enter');
      await expect(ada.page.getByRole('alert')).toBeVisible();
    }
    await address.fill('example.org/report');
    await address.press('Enter');
    const link = ada.plan.getByRole('link', { name: 'report' });
    await expect(link).toHaveAttribute('href', 'https://example.org/report');
    await expect(link).toHaveAttribute('rel', /noopener/);
    await expect(ada.plan).toBeFocused();
    await link.click();
    await ada.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(ada.plan.getByRole('link')).toHaveCount(0);
    await expect(ada.plan).toHaveText('See the report');
  });

  test('what is pasted keeps its form and loses its scripts', async ({ guest }) => {
    const ada = await guest({ permissions: ['clipboard-read', 'clipboard-write'] });
    await ada.newSession();
    await ada.plan.click();
    await ada.page.evaluate(async () => {
      const html =
        `<h2>Title</h2><p onclick="alert(1)">A <b>bold</b> <a href="javascript:alert(1)">trap</a>
        <img src=x onerror="document.title='hacked'"><script>document.title='hacked'</` +
        `script></p><ul><li>item</li></ul>`;
      await navigator.clipboard.write([
        new ClipboardItem({ 'text/html': new Blob([html], { type: 'text/html' }) }),
      ]);
    });
    await ada.page.keyboard.press('Control+V');
    await expect(ada.plan.locator('h2')).toHaveText('Title');
    await expect(ada.plan.locator('strong')).toHaveText('bold');
    await expect(ada.plan.locator('li')).toHaveText('item');
    await expect(ada.plan.locator('[href^="javascript"], script, [onclick], [onerror]')).toHaveCount(0);
    await expect(ada.page).not.toHaveTitle('hacked');
    // The browser reports the handlers that it refused while it only read what was pasted.
    expect(
      ada.complaints.every((complaint) => complaint.startsWith('Executing inline event handler violates')),
    ).toBe(true);
    ada.complaints.length = 0;
    await ada.page.keyboard.press('Control+A');
    await ada.page.evaluate(() => navigator.clipboard.writeText('https://example.org/paste'));
    await moveCursor(ada.page, 'Control+End');
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.press('Control+V');
    await expect(ada.plan.getByRole('link', { name: 'https://example.org/paste' })).toBeVisible();
  });

  test('on a phone every tab can be used, and the toolbar stands above the tabs, or the keyboard in their place', async ({
    guest,
  }) => {
    const [ada, bob] = [
      await guest({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }),
      await guest(),
    ];
    await ada.newSession(
      'A title that is rather long for the width of a phone, and then goes on for some more lines',
    );
    await ada.write('Line\n'.repeat(60));
    await bob.join(await ada.editLink());
    const toolbar = ada.page.getByRole('toolbar', { name: 'Formatting' });
    const tabs = ada.page.getByRole('navigation', { name: 'Parts of the session' });
    const edges = async (of: typeof toolbar) => {
      const box = await of.boundingBox();
      return [box?.y ?? 0, (box?.y ?? 0) + (box?.height ?? 0)].map(Math.round);
    };
    expect((await edges(tabs))[1]).toBe(844);
    expect((await edges(toolbar))[1]).toBe((await edges(tabs))[0]);
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await tabs.getByRole('button', { name: 'Pages' }).tap();
    await ada.page.getByRole('button', { name: 'Add page' }).tap();
    await expect(ada.page.getByRole('textbox', { name: 'Page title' })).toBeFocused();
    await tabs.getByRole('button', { name: 'Pages' }).tap();
    await ada.page
      .getByRole('navigation', { name: 'Pages' })
      .getByRole('button', { name: 'Untitled page', exact: true })
      .first()
      .tap();
    await expect(ada.plan).toContainText('Line');
    await tabs.getByRole('button', { name: /^People/ }).tap();
    await ada.page.getByRole('button', { name: 'Choose your colour' }).tap();
    await ada.page.getByRole('radio', { name: 'Colour 4' }).tap();
    await ada.page.getByRole('textbox', { name: 'Your name' }).tap();
    await ada.page.keyboard.press('Control+A');
    await ada.page.keyboard.type('Ada on a phone');
    await ada.page.keyboard.press('Enter');
    await expect(bob.people.nth(1)).toContainText('Ada on a phone');
    await tabs.getByRole('button', { name: 'Plan' }).tap();
    await ada.plan.tap();
    // Where the keyboard makes the page smaller.
    await ada.page.setViewportSize({ width: 390, height: 420 });
    await expect(tabs).toBeHidden();
    expect((await edges(toolbar))[1]).toBe(420);
  });

  test('the caret is never behind the bars, and what is printed is the text alone', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession();
    await ada.write('Line\n'.repeat(45));
    const toolbar = ada.page.getByRole('toolbar', { name: 'Formatting' });
    for (let step = 0; step < 30; step++) {
      await ada.page.keyboard.press('ArrowUp');
      const caret = await ada.page.evaluate(() => {
        const { anchorNode } = getSelection() ?? {};
        const element = anchorNode instanceof Element ? anchorNode : anchorNode?.parentElement;
        return element?.getBoundingClientRect().top ?? 0;
      });
      const bar = await toolbar.boundingBox();
      expect(caret).toBeGreaterThanOrEqual((bar?.y ?? 0) + (bar?.height ?? 0));
    }
    await ada.page.emulateMedia({ media: 'print' });
    for (const name of ['Share', 'Bold', 'Add page']) {
      await expect(ada.page.getByRole('button', { name, exact: true })).toBeHidden();
    }
    await expect(ada.plan).toBeVisible();
  });
});
