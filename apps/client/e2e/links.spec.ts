import { expect, test, type Guest } from './parley.ts';

async function troubleAt(guest: Guest, link: string): Promise<string | null> {
  // A fragment alone would not load the page anew.
  await guest.page.goto('about:blank');
  await guest.page.goto(link);
  const alert = guest.page.getByRole('alert');
  await expect(alert).toBeVisible();
  await expect(alert.getByRole('heading')).not.toBeEmpty();
  return alert.getAttribute('data-code');
}

test.describe('links that are no good', () => {
  test('[LK5] [LK6] [LK7] each is told by its own message, and leaves nothing behind', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('First');
    const first = await ada.editLink();
    await ada.newSession('Second');
    const second = await ada.editLink();
    const [firstAddress = '', firstKey = ''] = first.split('#');
    const cases = [
      [`${bob.url}/session/nonsense`, 'link/malformed'],
      [firstAddress, 'session/unknown'],
      [`${firstAddress}#`, 'session/unknown'],
      [first.slice(0, -1), 'link/incomplete'],
      [first.slice(0, -20), 'link/incomplete'],
      [`${firstAddress}#e.`, 'link/incomplete'],
      [`${first.slice(0, -10)}~${first.slice(-9)}`, 'link/mistyped'],
      [`${first}x`, 'link/mistyped'],
      [`${second.split('#')[0]}#${firstKey}`, 'link/mistyped'],
      [`${firstAddress}#%00%ff<script>`, 'link/mistyped'],
      [`${firstAddress}#${firstKey.replace('e.', 'v.')}`, 'link/mistyped'],
    ] as const;
    for (const [link, code] of cases) expect([link, await troubleAt(bob, link)]).toEqual([link, code]);
    await bob.page.getByRole('button', { name: 'Go to the start' }).click();
    await expect(bob.page.getByText('None on this device yet')).toBeVisible();
    // And the whole link still works.
    await ada.page.goto(first);
    await bob.join(first);
    await expect(bob.title).toHaveValue('First');
  });

  test('[LK6] a key with the right check for another session is foreign', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    const [address = '', key = ''] = (await ada.editLink()).split('#');
    const other = '/session/AAAAAAAAAAAAAAAAAAAAAA';
    const before = `${other}#${key.split('.').slice(0, 2).join('.')}`;
    const check = await ada.page.evaluate(async (text) => {
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
      return btoa(String.fromCharCode(...new Uint8Array(digest)))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .slice(0, 4);
    }, before);
    expect(await troubleAt(bob, `${new URL(address).origin}${before}.${check}`)).toBe('link/foreign');
  });

  test('[LK7] a damaged link to a session that is known here opens it, and says so', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Known');
    const link = await ada.editLink();
    await ada.saved();
    await ada.page.goto('about:blank');
    await ada.page.goto(link.slice(0, -3));
    await expect(ada.title).toHaveValue('Known');
    await expect(ada.page.getByText('This link is cut off')).toBeVisible();
    await expect(ada.page).toHaveURL(link.split('#')[0] ?? '');
    // Its key was not replaced.
    expect(await ada.editLink()).toBe(link);
    // What is said of a bad link is no longer so once a good one is opened.
    await ada.page.goto(link);
    await expect(ada.page.getByText('This link is cut off')).toHaveCount(0, { timeout: 5_000 });
  });

  test('another link put into the address bar of an open session opens that one', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('First');
    await ada.write('One');
    const first = await ada.editLink();
    await ada.newSession('Second');
    await ada.write('Two');
    await ada.saved();
    await ada.page.goto(first);
    await expect(ada.title).toHaveValue('First');
    await expect(ada.plan).toHaveText('One');
    await ada.page.goBack();
    await expect(ada.plan).toHaveText('Two');
  });

  test('a good link, nothing on the relay, nobody online: it waits, says why, and the content appears by itself', async ({
    guest,
    profile,
  }) => {
    const [ada, bob] = [await profile.open(), await guest()];
    // The relay introduces her, and takes nothing from her.
    await ada.context.route('**/api/**', (route) => route.abort());
    await ada.newSession('Later');
    await ada.write('Here it is.');
    await ada.saved();
    const link = await ada.editLink();
    const address = ada.page.url();
    // No farewell: what a page sends as it goes away passes by the route ([SY24]).
    await profile.kill();
    await bob.page.goto(link);
    await expect(
      bob.page.getByRole('heading', { name: 'Nothing of this session has arrived yet.' }),
    ).toBeVisible();
    await expect(bob.sync).toContainText('Waiting');
    await expect(bob.syncDetails).toContainText('It has nothing of this session yet.');
    await expect(bob.syncDetails).not.toContainText('written here');
    await bob.page.getByRole('button', { name: 'Share' }).click();
    await expect(bob.page.getByRole('dialog')).toContainText(
      'Whoever opens the link may have to wait for it as well.',
    );
    await bob.page.keyboard.press('Escape');
    // On a phone the pages are apart.
    await bob.page.setViewportSize({ width: 390, height: 844 });
    await bob.page.getByRole('button', { name: 'Pages' }).click();
    await expect(bob.page.getByText('Pages appear here when the session does.')).toBeVisible();
    await bob.page.getByRole('button', { name: 'Plan' }).click();
    await expect(bob.plan).toHaveCount(0);
    const again = await profile.open();
    await again.page.goto(address);
    await expect(bob.plan).toHaveText('Here it is.');
    await expect(bob.title).toHaveValue('Later');
  });

  test('[LK7] [LK8] a link put into the address bar of a page at the same path is taken, noted, and taken out again', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Here');
    const link = await ada.editLink();
    const [address = ''] = link.split('#');
    // A fragment alone loads no page: it is only a hashchange.
    await bob.page.goto(address);
    await expect(bob.page.getByRole('alert')).toHaveAttribute('data-code', 'session/unknown');
    await bob.page.goto(link);
    await expect(bob.title).toHaveValue('Here');
    await expect(bob.page).toHaveURL(address);
    await bob.page.goto(link);
    await expect(bob.page).toHaveURL(address);
    await bob.page.goto(link.slice(0, -2));
    await expect(bob.page.getByText('This link is cut off')).toBeVisible();
    await expect(bob.page).toHaveURL(address);
    await expect(bob.title).toHaveValue('Here');
  });
});
