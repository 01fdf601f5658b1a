import { expect, test } from './parley.ts';

test.describe('the start page', () => {
  test('one click makes a session: the address changes, the cursor is in the title, and it is on the list', async ({
    guest,
  }) => {
    const { page, title, plan, ...ada } = await guest().then((made) => ({
      page: made.page,
      title: made.title,
      plan: made.plan,
      url: made.url,
    }));
    await page.goto(ada.url);
    await expect(page.getByText('None on this device yet')).toBeVisible();
    await page.getByRole('button', { name: 'New session' }).click();
    await expect(page).toHaveURL(/\/session\/[\w-]{22}$/);
    await expect(title).toBeFocused();
    await page.keyboard.type('Harbour expansion');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: 'Page title' })).toBeFocused();
    await page.keyboard.type('Open questions');
    await page.keyboard.press('Enter');
    await expect(plan).toBeFocused();
    await page.keyboard.type('Who pays for the breakwater?');
    await expect(plan).toHaveText('Who pays for the breakwater?');
    await expect(page).toHaveTitle('Harbour expansion · Parley');

    await page.getByRole('link', { name: 'Parley: all sessions' }).click();
    const entry = page.getByRole('list', { name: 'Recent sessions' }).getByRole('listitem');
    await expect(entry).toHaveCount(1);
    await expect(entry).toContainText('Harbour expansion');
    await expect(entry).toContainText('just now');
    await entry.getByRole('link').click();
    await expect(plan).toHaveText('Who pays for the breakwater?');
    await expect(page.getByRole('textbox', { name: 'Page title' })).toHaveValue('Open questions');
  });

  test('the shortcut of an installed app begins a new session', async ({ guest }) => {
    const ada = await guest();
    await ada.page.goto(`${ada.url}/?new`);
    await expect(ada.page).toHaveURL(/\/session\/[\w-]{22}$/);
    await expect(ada.plan).toBeVisible();
    // Going back leads to where one came from, not to another new session.
    await ada.page.getByRole('link', { name: 'Parley: all sessions' }).click();
    await expect(ada.page.getByRole('list', { name: 'Recent sessions' }).getByRole('listitem')).toHaveCount(
      1,
    );
    await ada.page.goBack();
    await expect(ada.plan).toBeVisible();
    await ada.page.goBack();
    await expect(ada.page).toHaveURL('about:blank');
  });

  test('a session is renamed from the list, for everybody and in a tab that has it open', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('Draft');
    await ada.saved();
    const list = await ada.context.newPage();
    await list.goto(ada.url);
    await list.getByRole('button', { name: 'Rename Draft' }).click();
    await list.keyboard.press('Control+A');
    await list.keyboard.type('Final');
    await list.keyboard.press('Enter');
    await expect(list.getByRole('list', { name: 'Recent sessions' })).toContainText('Final');
    await expect(ada.title).toHaveValue('Final');
    await ada.page.reload();
    await expect(ada.title).toHaveValue('Final');
    // Escape leaves it as it is.
    await list.getByRole('button', { name: 'Rename Final' }).click();
    await list.keyboard.type('Never');
    await list.keyboard.press('Escape');
    await expect(list.getByRole('button', { name: 'Rename Final' })).toBeFocused();
  });

  test('a session is forgotten with undo, and then for good', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Secret matter');
    await ada.write('Nobody else may read this.');
    await ada.saved();
    const address = ada.page.url();
    const id = address.split('/').at(-1) ?? '';
    await ada.page.goto(ada.url);
    const list = ada.page.getByRole('list', { name: 'Recent sessions' });
    await ada.page.getByRole('button', { name: 'Forget Secret matter' }).click();
    await expect(list).toBeHidden();
    // Another tab that is opened meanwhile does not tidy up before its time.
    const second = await ada.context.newPage();
    await second.goto(ada.url);
    await expect(second.getByText('None on this device yet')).toBeVisible();
    await ada.page.getByRole('button', { name: 'Undo' }).click();
    await expect(list).toContainText('Secret matter');
    await expect(second.getByRole('list', { name: 'Recent sessions' })).toContainText('Secret matter');
    await ada.page.goto(address);
    await expect(ada.plan).toHaveText('Nobody else may read this.');

    await ada.page.goto(ada.url);
    await ada.page.getByRole('button', { name: 'Forget Secret matter' }).click();
    await ada.page.getByRole('button', { name: 'Delete now' }).click();
    const databases = () =>
      ada.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    await expect.poll(databases).not.toContain(`parley/session/${id}`);
    expect(await databases()).not.toContain(`parley/mailbox/${id}`);
    await ada.page.goto(address);
    await expect(ada.page.getByRole('alert')).toHaveAttribute('data-code', 'session/unknown');
  });

  test('a session that a tab has open is not forgotten under its hands', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Open');
    await ada.write('Still here.');
    await ada.saved();
    const list = await ada.context.newPage();
    await list.goto(ada.url);
    await list.getByRole('button', { name: 'Forget Open' }).click();
    await expect(list.getByText('Open is open in another tab. Close it there first.')).toBeVisible();
    await ada.write(' And more.');
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Still here. And more.');
    await ada.page.close();
    await list.getByRole('button', { name: 'Forget Open' }).click();
    await expect(list.getByText('None on this device yet')).toBeVisible();
    // What is no longer so is no longer said.
    await expect(list.getByText('Forgotten: Open.')).toBeVisible();
    await expect(list.getByText('Open is open in another tab.')).toHaveCount(0, { timeout: 5_000 });
  });

  test('an address that is nothing leads back to the start', async ({ guest }) => {
    const ada = await guest();
    await ada.page.goto(ada.url);
    // The installed app answers, not the relay.
    await ada.page.evaluate(() => navigator.serviceWorker.ready);
    await ada.page.reload();
    await ada.page.goto(`${ada.url}/nothing/here`);
    await ada.page.getByRole('link', { name: 'Go to the start' }).click();
    await expect(ada.page.getByRole('button', { name: 'New session' })).toBeVisible();
  });
});
