import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Guest, moveCursor } from './parley.ts';

/** Opens one of the dialogs behind the share dialog. */
async function ask(guest: Guest, what: string) {
  await guest.page.getByRole('button', { name: 'Share' }).click();
  await guest.page.getByRole('button', { name: `${what}…` }).click();
  const dialog = guest.page.getByRole('dialog', { name: what });
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  return dialog;
}

/** Makes new links and waits for the session that has them. @returns its edit link */
async function makeNewLinks(guest: Guest): Promise<string> {
  const before = guest.page.url();
  const dialog = await ask(guest, 'Make new links');
  await dialog.getByRole('button', { name: 'Make new links' }).click();
  await expect(guest.page).not.toHaveURL(before);
  const share = guest.page.getByRole('dialog', { name: 'Share' });
  await expect(share).toContainText('These are the new links.');
  const link = await share.getByRole('textbox', { name: 'Edit link' }).inputValue();
  await guest.page.keyboard.press('Escape');
  await expect(guest.plan).toBeVisible();
  return link;
}

const idOf = (link: string) => /\/session\/([\w-]{22})/.exec(link)?.[1] ?? '';

/** All that the device keeps of a session's document, as one text a character a byte. */
function keptOf(guest: Guest, sessionId: string): Promise<string> {
  return guest.page.evaluate(
    (name) =>
      new Promise<string>((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onerror = () => reject(new Error('no database'));
        request.onsuccess = () => {
          const records = request.result.transaction('updates').objectStore('updates').getAll();
          records.onsuccess = () => {
            request.result.close();
            const bytes = (records.result as Uint8Array[]).flatMap((record) => [...record]);
            resolve(bytes.map((byte) => String.fromCharCode(byte)).join(''));
          };
        };
      }),
    `parley/session/${sessionId}`,
  );
}

test.describe('new links', () => {
  test('[NL1] [NL2] [NL3] lead to a session with everything; the old ones go on, and say what happened', async ({
    guest,
  }) => {
    const [ada, bob, cy] = [await guest(), await guest(), await guest()];
    await ada.newSession('Matter 17');
    await ada.rename('Ada');
    await ada.write('Written before.');
    await ada.stored();
    const oldLinks = [await ada.editLink(), await ada.viewLink()];
    const [oldLink = ''] = oldLinks;
    await bob.join(oldLink);
    await expect(bob.plan).toHaveText('Written before.');

    await ada.page.evaluate((old) => {
      const told = window as { oldCalledNew?: boolean };
      told.oldCalledNew = false;
      new MutationObserver(() => {
        if (!document.body.textContent.includes('These are the new links')) return;
        const shown = [...document.querySelectorAll('input')].some((input) => input.value === old);
        told.oldCalledNew ||= shown;
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    }, oldLink);
    const newLink = await makeNewLinks(ada);
    // Not even while the old session is still on the screen.
    expect(await ada.page.evaluate(() => (window as { oldCalledNew?: boolean }).oldCalledNew)).toBe(false);
    const newLinks = [newLink, await ada.viewLink()];
    await expect(ada.title).toHaveValue('Matter 17');
    await expect(ada.plan).toHaveText('Written before.');
    for (const link of newLinks) {
      const old = oldLinks.flatMap((one) => [idOf(one), ...(one.split('#')[1] ?? '').split('.').slice(1)]);
      for (const part of old) expect(link).not.toContain(part);
    }
    expect(idOf(newLink)).not.toBe(idOf(oldLink));

    const notice = bob.page.getByRole('status').filter({ hasText: 'made new links' });
    await expect(notice).toContainText('Ada made new links for this session just now.');
    await expect(notice).toContainText('ask for a new link');
    await expect(notice.getByRole('link')).toHaveCount(0);
    await bob.write(' Bob goes on.');
    await bob.stored();
    // Neither the notice nor anything else in the old session leads to the new one.
    const kept = await keptOf(bob, idOf(oldLink));
    for (const words of ['Matter 17', 'moved/', 'Ada']) expect(kept).toContain(words);
    for (const secret of [idOf(newLink), newLink.split('.')[1] ?? '?']) expect(kept).not.toContain(secret);
    expect(await bob.page.content()).not.toContain(idOf(newLink));

    await ada.write(' Written after.');
    await ada.stored();
    await cy.join(newLink);
    await expect(cy.plan).toHaveText('Written before. Written after.');
    await expect(cy.title).toHaveValue('Matter 17');
    await expect(bob.plan).toHaveText('Written before. Bob goes on.');
    await expect(cy.page.getByText('made new links')).toHaveCount(0);

    // Who made them finds the way from the old session to the new one, also later.
    await ada.page.goto(ada.url);
    await expect(ada.page.getByRole('link', { name: 'Matter 17' })).toHaveCount(2);
    await ada.page.getByRole('link', { name: /Matter 17.*Old links/ }).click();
    await expect(ada.plan).toHaveText('Written before. Bob goes on.');
    const own = ada.page.getByRole('status').filter({ hasText: 'You made new links' });
    await own.getByRole('link', { name: 'Open the new session' }).click();
    await expect(ada.page).toHaveURL(new RegExp(idOf(newLink)));
    await expect(ada.plan).toHaveText('Written before. Written after.');
    await expect(ada.page.getByRole('dialog')).toHaveCount(0);
  });

  test('[NL3] who comes with an old link later, to edit or to view, is told as well', async ({ guest }) => {
    const [ada, bob, cy] = [await guest(), await guest(), await guest()];
    await ada.newSession('Matter 18');
    await ada.rename('Ada');
    await ada.write('Words.');
    await ada.stored();
    const [edit, view] = [await ada.editLink(), await ada.viewLink()];
    await makeNewLinks(ada);
    await ada.stored();
    await ada.context.close();
    for (const [one, link] of [[bob, edit] as const, [cy, view] as const]) {
      await one.join(link);
      await expect(one.plan).toHaveText('Words.');
      await expect(one.page.getByText('Ada made new links for this session')).toBeVisible();
    }
    await cy.page.getByRole('button', { name: 'Share' }).click();
    await expect(cy.page.getByRole('button', { name: 'Make new links…' })).toHaveCount(0);
    await expect(cy.page.getByRole('button', { name: 'Delete from the relay…' })).toHaveCount(0);
  });

  test('[NL4] what arrives late in the old session comes over on demand only, deletions too', async ({
    guest,
  }) => {
    test.setTimeout(120_000);
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Matter 19');
    await ada.write('Dropped. Kept.');
    await ada.stored();
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Dropped. Kept.');
    await makeNewLinks(ada);
    await ada.write(' Ada’s.');
    await expect(bob.page.getByText('made new links')).toBeVisible();

    const share = ada.page.getByRole('dialog', { name: 'Share' });
    const bring = await ask(ada, 'Bring over late changes');
    await bring.getByRole('button', { name: 'Bring over' }).click();
    await expect(bring.getByRole('status')).toHaveText('Nothing new has arrived in the old session.');
    await expect(bring.getByRole('button', { name: 'Done' })).toBeFocused();
    await ada.page.keyboard.press('Enter');
    await expect(share.getByRole('button', { name: 'Bring over late changes…' })).toBeFocused();
    await ada.page.keyboard.press('Escape');

    await bob.plan.click();
    await moveCursor(bob.page, 'Control+Home');
    for (let character = 0; character < 'Dropped. '.length; character += 1)
      await bob.page.keyboard.press('Delete');
    await moveCursor(bob.page, 'Control+End');
    await bob.page.keyboard.type(' Bob’s.');
    await expect(bob.plan).toHaveText('Kept. Bob’s.');
    await bob.stored();
    await ada.page.reload();
    await ada.stored();
    await expect(ada.plan).toHaveText('Dropped. Kept. Ada’s.');

    await ada.context.setOffline(true);
    await ask(ada, 'Bring over late changes');
    await bring.getByRole('button', { name: 'Bring over' }).click();
    await expect(bring.getByRole('status')).toContainText('The relay cannot be read at the moment.');
    await expect(ada.plan).toHaveText('Dropped. Kept. Ada’s.');
    await ada.context.setOffline(false);
    await bring.getByRole('button', { name: 'Try again' }).click();
    await expect(bring.getByRole('status')).toHaveText('What arrived in the old session is here now.');
    await ada.page.keyboard.press('Escape');
    await ada.page.keyboard.press('Escape');
    await expect(ada.plan).toContainText('Kept.');
    await expect(ada.plan).toContainText('Ada’s.');
    await expect(ada.plan).toContainText('Bob’s.');
    await expect(ada.plan).not.toContainText('Dropped.');
    await ada.stored();
    // Nothing has gone the other way.
    await bob.page.reload();
    await bob.stored();
    await expect(bob.plan).toHaveText('Kept. Bob’s.');
  });

  test('[NL1] are not made offline, or where the device keeps nothing, and nothing is left of the attempt', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('Matter 20');
    await ada.write('Words.');
    await ada.stored();
    const before = ada.page.url();
    await ada.context.setOffline(true);
    await expect(ada.sync).toContainText('offline');
    const dialog = await ask(ada, 'Make new links');
    await dialog.getByRole('button', { name: 'Make new links' }).click();
    await expect(dialog.getByRole('status')).toContainText('You are offline. No new links were made.');
    await ada.context.setOffline(false);
    await expect(ada.sync).not.toContainText('offline');
    // The databases that are open are kept open; no other one is given.
    await ada.page.evaluate(() => {
      indexedDB.open = () => {
        throw new DOMException('no', 'QuotaExceededError');
      };
    });
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await expect(dialog.getByRole('status')).toContainText('No new links were made.');
    await expect(dialog.getByRole('status')).toContainText('The storage of this device is full.');
    expect(ada.page.url()).toBe(before);
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Words.');
    await expect(ada.page.getByText('made new links')).toHaveCount(0);
    await ada.page.goto(ada.url);
    await expect(ada.page.getByRole('link', { name: 'Matter 20' })).toHaveCount(1);
  });
});

/** What the relay's database holds of sessions, on its disk: rows by table. */
function rowsOf(state: string): Record<string, Record<string, unknown>[]> {
  for (const entry of readdirSync(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(entry.parentPath, entry.name), { readOnly: true });
    try {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      if (!tables.some(({ name }) => name === 'sessions')) continue;
      const names = ['sessions', 'log', 'snapshots', 'chunks'];
      return Object.fromEntries(names.map((name) => [name, database.prepare(`SELECT * FROM ${name}`).all()]));
    } finally {
      database.close();
    }
  }
  throw new Error('the relay has no database');
}

test.describe('deletion', () => {
  test('[NL5] [NL6] leaves nothing on the relay but the tombstone, and everybody is told', async ({
    guest,
    ownRelay,
  }) => {
    test.setTimeout(120_000);
    const at = ownRelay;
    const [ada, bob] = [await guest({ at }), await guest({ at })];
    await ada.newSession('Regretted');
    await ada.write('Unfortunate words.');
    await ada.stored();
    const [edit, view] = [await ada.editLink(), await ada.viewLink()];
    await bob.join(edit);
    await expect(bob.plan).toHaveText('Unfortunate words.');
    await ada.connected();
    await ada.stored();
    expect(rowsOf(ownRelay.state)['log']?.length).toBeGreaterThan(0);

    const dialog = await ask(ada, 'Delete from the relay');
    // What is safe comes first, and leads back to where one was.
    await ada.page.keyboard.press('Enter');
    const opener = ada.page.getByRole('button', { name: 'Delete from the relay…' });
    await expect(opener).toBeFocused();
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.press('Escape');
    await expect(opener).toBeFocused();
    await ada.page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Delete from the relay' }).dblclick();
    await expect(dialog.getByRole('status')).toContainText(
      'The relay keeps nothing of this session any more.',
    );
    await expect(dialog.getByRole('button', { name: 'Done' })).toBeFocused();
    await ada.page.keyboard.press('Enter');
    const share = ada.page.getByRole('dialog', { name: 'Share' });
    await expect(share).toContainText('This session has been deleted from the relay.');
    await expect(opener).toHaveCount(0);
    await ada.page.keyboard.press('Escape');
    await expect(ada.page.getByRole('button', { name: 'Share' })).toBeFocused();

    for (const one of [ada, bob]) {
      await expect(one.page.getByRole('alert')).toContainText('deleted');
      await expect(one.sync).toContainText('deleted from the relay');
      await expect(one.plan).toHaveText('Unfortunate words.');
    }
    // Those who are connected directly go on; the copies stay, and none of it goes to the relay.
    await bob.write(' Bob goes on.');
    await expect(ada.plan).toHaveText('Unfortunate words. Bob goes on.');
    await bob.page.reload();
    await expect(bob.plan).toHaveText('Unfortunate words. Bob goes on.');
    for (const one of [ada, bob]) await one.context.close();

    for (const [link, next] of [
      [edit, 'It can still come from somebody who has it'],
      [view, 'so there is nothing to show'],
    ] as const) {
      const newcomer = await guest({ at });
      await newcomer.page.goto(link);
      await expect(
        newcomer.page.getByRole('heading', { name: 'This session has been deleted from the relay.' }),
      ).toBeVisible();
      await expect(newcomer.page.locator('main')).toContainText(next);
      await newcomer.context.close();
    }
    await ownRelay.stop();
    const { sessions = [], log, snapshots, chunks } = rowsOf(ownRelay.state);
    expect({ log, snapshots, chunks }).toEqual({ log: [], snapshots: [], chunks: [] });
    expect(sessions.length).toBe(1);
    const [session = {}] = sessions;
    expect(session['id']).toBe(idOf(edit));
    expect((session['tombstone'] as Uint8Array).length).toBeLessThan(1_024);
  });

  test('[NL5] in two tabs at once, and by two people, is one deletion', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Regretted');
    await ada.stored();
    await bob.join(await ada.editLink());
    const other = await ada.context.newPage();
    ada.listen(other);
    await other.goto(ada.page.url());
    await expect(other.getByRole('textbox', { name: 'Plan' })).toBeVisible();
    for (const page of [ada.page, other, bob.page]) {
      await page.getByRole('button', { name: 'Share' }).click();
      await page.getByRole('button', { name: 'Delete from the relay…' }).click();
    }
    for (const page of [ada.page, other, bob.page]) {
      const dialog = page.getByRole('dialog', { name: 'Delete from the relay' });
      await dialog.getByRole('button', { name: 'Delete from the relay' }).click();
      await expect(dialog.getByRole('status')).toContainText('The relay keeps nothing of this session');
    }
  });

  test('[NL5] without a network or a relay is not begun, or not called done, and can be tried again', async ({
    guest,
    ownRelay,
  }) => {
    test.setTimeout(120_000);
    const ada = await guest({ at: ownRelay });
    await ada.newSession('Regretted');
    await ada.write('Words.');
    await ada.stored();
    const link = await ada.editLink();
    const dialog = await ask(ada, 'Delete from the relay');
    const status = dialog.getByRole('status');
    const requests: string[] = [];
    ada.page.on('request', (request) => requests.push(request.method()));
    await ada.context.setOffline(true);
    await dialog.getByRole('button', { name: 'Delete from the relay' }).click();
    await expect(status).toContainText('You are offline. Nothing has been deleted');
    expect(requests).not.toContain('POST');
    await ownRelay.stop();
    await ada.context.setOffline(false);
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await expect(status).toContainText('it is not certain whether');
    await ownRelay.start();
    const bob = await guest({ at: ownRelay });
    await bob.join(link);
    await expect(bob.plan).toHaveText('Words.');
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await expect(status).toContainText('The relay keeps nothing of this session any more.');
    await expect(bob.page.getByRole('alert')).toContainText('deleted');
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [
    { width: 1440, height: 900 },
    { width: 390, height: 844 },
  ]) {
    test(`axe finds nothing on the dialogs and the notice, ${colorScheme}, ${viewport.width} px`, async ({
      guest,
    }) => {
      const ada = await guest({ colorScheme, viewport, reducedMotion: 'reduce' });
      const expectNoViolations = async () => {
        const { violations } = await new AxeBuilder({ page: ada.page }).analyze();
        expect(violations.flatMap(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
      };
      await ada.newSession('Matter 21');
      const old = ada.page.url();
      await makeNewLinks(ada);
      for (const what of ['Make new links', 'Bring over late changes', 'Delete from the relay']) {
        await ask(ada, what);
        await expectNoViolations();
        await ada.page.keyboard.press('Escape');
        await ada.page.keyboard.press('Escape');
      }
      const dialog = await ask(ada, 'Delete from the relay');
      await ada.context.setOffline(true);
      await dialog.getByRole('button', { name: 'Delete from the relay' }).click();
      await expect(dialog.getByRole('status')).toContainText('You are offline.');
      await expectNoViolations();
      await ada.context.setOffline(false);
      await ada.page.goto(old);
      await expect(ada.page.getByText('You made new links')).toBeVisible();
      await expectNoViolations();
    });
  }
}
