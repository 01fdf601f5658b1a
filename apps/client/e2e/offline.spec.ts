import { expect, test } from './parley.ts';

test.describe('offline', () => {
  test('[PR5] with relay and network gone a deep link opens, is edited, and keeps the edits over reloads', async ({
    guest,
    ownRelay,
  }) => {
    const ada = await guest({ at: ownRelay });
    await ada.newSession('On a plane');
    await ada.write('Before take-off.');
    await ada.saved();
    const address = ada.page.url();
    await ada.page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      if (active?.state !== 'activated') {
        await new Promise((resolve) => active?.addEventListener('statechange', resolve, { once: true }));
      }
    });
    await ownRelay.stop();
    await ada.context.setOffline(true);

    await ada.page.goto('about:blank');
    await ada.page.goto(address);
    await expect(ada.plan).toHaveText('Before take-off.');
    await expect(ada.title).toHaveValue('On a plane');
    await expect(ada.sync).toContainText('offline');
    await ada.write(' In the air.');
    await ada.title.fill('Still on a plane');
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Before take-off. In the air.');
    await expect(ada.title).toHaveValue('Still on a plane');

    // The whole app is there: the list, a new session, its link.
    await ada.page.goto(ada.url);
    await expect(ada.page.getByRole('list', { name: 'Recent sessions' })).toContainText('Still on a plane');
    await ada.newSession('Begun in the air');
    await ada.write('A thought.');
    expect(await ada.editLink()).toContain('#e.');
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('A thought.');
  });
});
