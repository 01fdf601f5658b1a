import { expect, test } from './parley.ts';

test.describe('sharing', () => {
  test('[LK8] the link has the key, the address bar has not, and no request ever carries it', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Matter 17');
    await ada.page.getByRole('button', { name: 'Share' }).click();
    const dialog = ada.page.getByRole('dialog');
    await expect(dialog).toContainText('The part after # is the key: it never reaches a server.');
    const link = await dialog.getByRole('textbox', { name: 'Edit link' }).inputValue();
    expect(link).toMatch(/^http:\/\/localhost:\d+\/session\/[\w-]{22}#e\.[\w-]{43}\.[\w-]{4}$/);
    expect(link.startsWith(ada.page.url())).toBe(true);
    await expect(dialog.getByRole('img', { name: 'QR code of the edit link' })).toBeVisible();

    const secret = link.split('.')[1] ?? '';
    const seen: string[] = [];
    bob.page.on('request', (request) => seen.push(`${request.url()} ${JSON.stringify(request.headers())}`));
    bob.page.on('websocket', (socket) => {
      seen.push(socket.url());
      socket.on('framesent', ({ payload }) => seen.push(String(payload)));
    });
    await bob.join(link);
    await expect(bob.title).toHaveValue('Matter 17');
    await expect(bob.page).toHaveURL(link.split('#')[0] ?? '');
    await bob.write('Confidential words');
    await expect(ada.plan).toHaveText('Confidential words');
    const published = seen.flatMap((frame) => /"data":"([^"]+)"/.exec(frame)?.[1] ?? []);
    expect(published.length).toBeGreaterThan(0);
    // Encrypted, and not only encoded: no introduction can be read, nor what is in it.
    for (const data of published)
      expect(Buffer.from(data, 'base64').toString()).not.toMatch(/announce|signal|candidate|sdp/);
    for (const text of [secret, 'Confidential', 'Matter 17']) expect(seen.join('\n')).not.toContain(text);
    // The room is no secret, the password is.
    await bob.page.reload();
    await expect(bob.plan).toHaveText('Confidential words');
  });

  test('edit or view is chosen by mouse and by keyboard; copy, code and words follow', async ({ guest }) => {
    const ada = await guest({ permissions: ['clipboard-read', 'clipboard-write'] });
    await ada.newSession();
    await ada.page.getByRole('button', { name: 'Share' }).click();
    const dialog = ada.page.getByRole('dialog');
    const copied = () => ada.page.evaluate(() => navigator.clipboard.readText());
    await expect(dialog.getByRole('radio', { name: 'Can edit' })).toBeChecked();
    await expect(dialog).toContainText('they can read and change everything in it');
    const edit = await dialog.getByRole('textbox', { name: 'Edit link' }).inputValue();

    await dialog.getByText('Can view').click();
    const field = dialog.getByRole('textbox', { name: 'View link' });
    await expect(field).toHaveValue(/#v\.[\w-]{43}\.[\w-]{4}$/);
    await expect(dialog.getByRole('img', { name: 'QR code of the view link' })).toBeVisible();
    await expect(dialog).toContainText('but not change it');
    await dialog.getByRole('button', { name: 'Copy' }).click();
    await expect(dialog.getByText('The link is on your clipboard.')).toBeVisible();
    expect(await copied()).toBe(await field.inputValue());

    await dialog.getByRole('radio', { name: 'Can view' }).focus();
    await ada.page.keyboard.press('ArrowLeft');
    await expect(dialog.getByRole('radio', { name: 'Can edit' })).toBeChecked();
    // What is on the clipboard is still the other link.
    await expect(dialog.getByText('The link is on your clipboard.')).toHaveCount(0);
    await dialog.getByRole('button', { name: 'Copy' }).click();
    await expect.poll(copied).toBe(edit);
    // The next time it begins anew.
    await dialog.getByRole('radio', { name: 'Can view' }).check();
    await ada.page.keyboard.press('Escape');
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await expect(dialog.getByRole('radio', { name: 'Can edit' })).toBeChecked();
  });

  test('the link is copied, and when the browser refuses it is selected', async ({ guest }) => {
    const ada = await guest({ permissions: ['clipboard-read', 'clipboard-write'] });
    await ada.newSession();
    await ada.page.getByRole('button', { name: 'Share' }).click();
    const field = ada.page.getByRole('textbox', { name: 'Edit link' });
    await ada.page.getByRole('button', { name: 'Copy' }).click();
    await expect(ada.page.getByText('The link is on your clipboard.')).toBeVisible();
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(await field.inputValue());

    await ada.page.keyboard.press('Escape');
    await expect(ada.page.getByRole('button', { name: 'Share' })).toBeFocused();
    await ada.page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await ada.page.getByRole('button', { name: 'Copy' }).click();
    await expect(ada.page.getByText('The link is selected')).toBeVisible();
    expect(
      await field.evaluate(
        (input: HTMLInputElement) => (input.selectionEnd ?? 0) - (input.selectionStart ?? 0),
      ),
    ).toBe((await field.inputValue()).length);
  });

  test('the dialog begins at Copy, and nothing in it moves when that is pressed', async ({ guest }) => {
    const ada = await guest({
      permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
    });
    await ada.newSession();
    await ada.stored();
    for (const width of [1440, 390]) {
      await ada.page.setViewportSize({ width, height: 900 });
      await ada.page.getByRole('button', { name: 'Share' }).click();
      const dialog = ada.page.getByRole('dialog');
      const copy = dialog.getByRole('button', { name: /^Cop/ });
      await expect(copy).toBeFocused();
      const before = [await dialog.boundingBox(), await copy.boundingBox()];
      await ada.page.keyboard.press('Enter');
      await expect(dialog.getByText('The link is on your clipboard.')).toBeVisible();
      expect([await dialog.boundingBox(), await copy.boundingBox()]).toEqual(before);
      await ada.page.keyboard.press('Escape');
    }
  });

  test('[PR2] [SY19] what becomes of the link is said as it is: the relay has all, not all yet, or cannot be asked', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession();
    await ada.write('Sent.');
    await ada.stored();
    await ada.context.setOffline(true);
    await expect(ada.sync).toContainText('offline');
    await ada.page.getByRole('button', { name: 'Share' }).click();
    const dialog = ada.page.getByRole('dialog');
    await expect(dialog).toContainText('This device is offline. The relay keeps what was written here');
    await ada.page.keyboard.press('Escape');
    await ada.write(' Not sent.');
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await expect(dialog).toContainText('Keep this tab open until it is');
    await expect(dialog).not.toContainText('The relay keeps');
    await ada.context.setOffline(false);
    await expect(dialog).toContainText('so nobody else has to be online');
    await expect(dialog).not.toContainText('Keep this tab open');
  });

  test("the system's share sheet gets the link; closing it is no error", async ({ guest }) => {
    const ada = await guest();
    await ada.page.addInitScript(() => {
      const shared: unknown[] = [];
      Object.assign(globalThis, { shared });
      navigator.share = (data) => {
        shared.push(data);
        return Promise.reject(new DOMException('closed', 'AbortError'));
      };
    });
    await ada.newSession('Matter 18');
    const link = await ada.editLink();
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await ada.page.getByRole('button', { name: 'Send…' }).click();
    await expect
      .poll(() => ada.page.evaluate(() => (globalThis as unknown as { shared: unknown[] }).shared))
      .toEqual([{ title: 'Matter 18', url: link }]);
  });
});
