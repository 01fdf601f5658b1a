import { randomBytes } from 'node:crypto';
import { ON_RELAY, expect, test, type Guest } from './parley.ts';

/** Gives a browser so many bytes for what it keeps; no number: as many as it had. */
async function giveRoom({ context, page, url }: Guest, quotaSize?: number): Promise<void> {
  const devtools = await context.newCDPSession(page);
  const quota = quotaSize === undefined ? {} : { quotaSize };
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: url, ...quota });
}

/** The room for a session with little in it: its databases take 300,000 bytes when they are empty. The app's own files would take it. */
const LITTLE = 450_000;

/** Writes what there is no room for, random because storage is compressed, and begins a paragraph in which one types faster. */
async function writeTooMuch(guest: Guest): Promise<string> {
  await guest.write(' ');
  const text = randomBytes(LITTLE).toString('base64');
  await guest.page.keyboard.insertText(text);
  await guest.page.keyboard.press('Enter');
  return ` ${text}`;
}

test.describe('a full disk', () => {
  test('[PR1] [DOC3] is said in words, nothing is lost in the tab, and it is saved when there is room', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest({ serviceWorkers: 'block' }), await guest()];
    await giveRoom(ada, LITTLE);
    await ada.newSession('Full');
    await ada.write('Before.');
    await ada.saved();
    await bob.join(await ada.editLink());
    await writeTooMuch(ada);
    const alert = ada.page.getByRole('alert');
    await expect(alert).toContainText('The storage of this device is full.');
    await expect(ada.sync).toContainText('Not saved: storage is full');
    await ada.page.keyboard.type('While full.');
    await expect(ada.sync).toContainText('Not saved: storage is full');
    // Others are undisturbed and have it.
    await expect(bob.plan).toContainText('While full.');
    // Going elsewhere in this tab does not lose it either.
    await ada.page.getByRole('link', { name: 'Parley: all sessions' }).click();
    await ada.page.getByRole('list', { name: 'Recent sessions' }).getByRole('link').click();
    await expect(ada.plan).toContainText('While full.');
    await expect(alert).toContainText('The storage of this device is full.');
    await giveRoom(ada);
    await expect(ada.sync).toContainText('On this device');
    await expect(alert).toHaveCount(0);
    const text = await ada.plan.textContent();
    await bob.context.close();
    await ada.page.reload();
    await expect(ada.plan).toHaveText(text ?? '');
  });

  test('[PR1] [PR2] [TB6] [RC4] is said in both tabs of a session; what is done in either reaches the other one and everybody else, and is called kept nowhere here', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest({ serviceWorkers: 'block' }), await guest()];
    await giveRoom(ada, LITTLE);
    await ada.newSession('Full');
    await ada.write('Before.');
    await ada.stored();
    await bob.join(await ada.editLink());
    const second = await ada.tab();
    await expect(ada.sync).toContainText(/On this device · with 1 person · on the relay/);
    // Once something was refused, each attempt carries all.
    let words = `Before.${await writeTooMuch(second)}`;
    for (const [tab, text] of [
      [second, 'In the one that follows.'],
      [ada, ' In the one that leads.'],
    ] as const) {
      await tab.write(text);
      words += text;
      for (const { plan } of [ada, second, bob]) await expect(plan).toHaveText(words);
      for (const { page, sync } of [ada, second]) {
        await expect(page.getByRole('alert')).toContainText('The storage of this device is full.');
        await expect(sync).toContainText('Not saved: storage is full · with 1 person · on the relay');
      }
    }
    // Nor does it confirm anything of somebody else's.
    await bob.write(' Bob.');
    words += ' Bob.';
    for (const { plan } of [ada, second]) await expect(plan).toHaveText(words);
    await expect(bob.sync).toContainText('On this device · not yet with 1 person · on the relay');
    // What only this device's tabs hold goes with none of them as long as one is there.
    await second.page.close();
    await giveRoom(ada);
    await expect(ada.sync).toContainText(ON_RELAY);
    await expect(ada.page.getByRole('alert')).toHaveCount(0);
    await expect(bob.sync).toContainText('On this device · with 1 person · on the relay');
    await bob.context.close();
    // The relay has it, too.
    await ada.withoutMailbox();
    await ada.page.reload();
    await expect(ada.plan).toHaveText(words);
  });
});
