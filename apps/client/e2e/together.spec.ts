import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test, moveCursor, type Guest } from './parley.ts';

test.describe('together', () => {
  test('two profiles edit one plan at the same time through WebRTC and converge; a third comes later and has it all', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    // Otherwise the relay could have carried it.
    for (const one of [ada, bob]) await one.withoutMailbox();
    await ada.newSession('Budget');
    await ada.write('Begin.');
    const link = await ada.editLink();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Begin.');
    await expect(bob.title).toHaveValue('Budget');

    for (const [{ page, plan }, key] of [
      [ada, 'Control+End'],
      [bob, 'Control+Home'],
    ] as const) {
      await plan.click();
      await moveCursor(page, key);
    }
    await Promise.all([
      ada.page.keyboard.type(' Ada writes on at the end.', { delay: 15 }),
      bob.page.keyboard.type('Bob writes at the start. ', { delay: 15 }),
    ]);
    const whole = 'Bob writes at the start. Begin. Ada writes on at the end.';
    await expect(ada.plan).toHaveText(whole);
    await expect(bob.plan).toHaveText(whole);
    await expect(ada.sync).toContainText('with 1 person');

    const cy = await guest();
    await cy.withoutMailbox();
    await cy.join(link);
    await expect(cy.plan).toHaveText(whole);
    await expect(cy.title).toHaveValue('Budget');
    await expect(ada.people).toHaveCount(3);
  });

  test('one goes offline, both edit, it comes back, both have everything', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.write('Shared.');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Shared.');
    // Who has been reached through the relay only is listed until their presence ends: the network is cut before any goodbye.
    await ada.connected();

    await bob.context.setOffline(true);
    await expect(bob.sync).toContainText('offline');
    await expect(ada.people).toHaveCount(1);
    await ada.write(' Ada alone.');
    await bob.plan.click();
    await moveCursor(bob.page, 'Control+Home');
    await bob.page.keyboard.type('Bob alone. ');
    await bob.title.fill('Named on a plane');
    await bob.saved();
    // Neither has the other's: the connection was really gone.
    await expect(ada.plan).toHaveText('Shared. Ada alone.');
    await expect(bob.plan).toHaveText('Bob alone. Shared.');

    await bob.context.setOffline(false);
    for (const { plan, title, people } of [ada, bob]) {
      await expect(plan).toHaveText('Bob alone. Shared. Ada alone.');
      await expect(title).toHaveValue('Named on a plane');
      await expect(people).toHaveCount(2);
    }
  });

  test('[PR5] those who are connected work on when the relay goes, and new ones join when it is back', async ({
    guest,
    ownRelay,
  }) => {
    test.setTimeout(120_000);
    const [ada, bob, cy] = [
      await guest({ at: ownRelay }),
      await guest({ at: ownRelay }),
      await guest({ at: ownRelay }),
    ];
    await ada.newSession();
    const link = await ada.editLink();
    await bob.join(link);
    await ada.connected();
    await ownRelay.stop();
    await ada.write('Without a relay.');
    await expect(bob.plan).toHaveText('Without a relay.');
    await expect(ada.sync).toContainText('with 1 person');
    await ada.sync.getByRole('button').click();
    await expect(ada.page.getByText(/It has not answered since/)).toBeVisible();
    await ada.page.keyboard.press('Escape');
    await ownRelay.start();
    await cy.join(link);
    // Whoever has tried for a while tries less often.
    await expect(cy.plan).toHaveText('Without a relay.', { timeout: 60_000 });
  });

  test('cursors carry names and colours; a new name shows at once; two tabs of one person count once', async ({
    guest,
  }) => {
    test.slow();
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.write('A line to stand on.');
    const link = await ada.editLink();
    await bob.join(link);
    await bob.plan.click();
    await expect(ada.people).toHaveCount(2);
    const name = bob.page.getByRole('textbox', { name: 'Your name' });
    await name.fill('Bob the Builder');
    await name.press('Enter');
    await expect(ada.people.nth(1)).toContainText('Bob the Builder');
    await bob.plan.click();
    await expect(ada.plan.locator('.cursor-name')).toHaveAttribute('data-name', 'Bob the Builder');

    await bob.page.getByRole('button', { name: 'Choose your colour' }).click();
    await bob.page.getByRole('radio', { name: 'Colour 9' }).click();
    await bob.plan.click();
    await expect(ada.plan.locator('.cursor')).toHaveAttribute('style', /--person-8/);

    const second = await bob.context.newPage();
    await second.goto(bob.page.url());
    await expect(second.getByRole('textbox', { name: 'Plan' })).toHaveText(/A line to stand on/);
    await expect(second.getByRole('textbox', { name: 'Your name' })).toHaveValue('Bob the Builder');
    await expect(second.getByRole('list', { name: 'People' }).getByRole('listitem')).toHaveCount(2);
    await expect(ada.people).toHaveCount(2);
    // And what one tab writes, the other shows.
    await second.getByRole('textbox', { name: 'Plan' }).click();
    await moveCursor(second, 'Control+End');
    await second.keyboard.type(' From a second tab.');
    await expect(bob.plan).toHaveText(/From a second tab\./);
    await expect(ada.plan).toHaveText(/From a second tab\./);
    await second.close();
    await expect(ada.people).toHaveCount(2);

    await bob.page.reload();
    await expect(bob.page.getByRole('textbox', { name: 'Your name' })).toHaveValue('Bob the Builder');
    await bob.page.close();
    // What a page says in its last moment may be lost: then the presence expires.
    await expect(ada.people).toHaveCount(1, { timeout: 45_000 });
  });

  for (const [what, does] of [
    ['cursor', (bob: Guest) => bob.page.keyboard.press('ArrowLeft')],
    ['text', (bob: Guest) => bob.page.keyboard.type('!')],
  ] as const)
    test(`a key moves the cursor, also when somebody else’s ${what} comes before the browser has told of it`, async ({
      guest,
    }) => {
      const [ada, bob] = [await guest(), await guest()];
      await ada.newSession();
      await ada.write('Begin.');
      await bob.join(await ada.editLink());
      await bob.write(' Bob.');
      await expect(ada.plan).toHaveText('Begin. Bob.');
      await expect(ada.plan.locator('.cursor-name')).toHaveCount(1);
      await ada.plan.click();
      await ada.page.evaluate(() =>
        window.addEventListener('selectionchange', (event) => event.stopImmediatePropagation(), true),
      );
      await ada.page.keyboard.press('Control+Home');
      const shown = await ada.plan.innerHTML();
      await does(bob);
      await expect.poll(() => ada.plan.innerHTML()).not.toBe(shown);
      await ada.page.keyboard.type('Ada. ');
      await expect(bob.plan).toHaveText(/^Ada\. Begin\./);
    });

  test('a line that is selected stays so when somebody else writes', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.write('One.\n---Two.');
    await bob.join(await ada.editLink());
    await expect(bob.plan.locator('hr')).toHaveCount(1);
    await ada.plan.locator('hr').click();
    await expect(ada.plan.locator('hr.ProseMirror-selectednode')).toHaveCount(1);
    await bob.write(' Three.');
    await expect(ada.plan).toContainText('Two. Three.');
    await ada.page.keyboard.press('Backspace');
    await expect(bob.plan.locator('hr')).toHaveCount(0);
    await expect(bob.plan.locator('p')).toHaveText(['One.', 'Two. Three.']);
  });

  test('undo takes back only what one did oneself', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.write('Ada.');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Ada.');
    await bob.write(' Bob.');
    await expect(ada.plan).toHaveText('Ada. Bob.');
    // More often than there were pauses while one typed: what is left is the other's.
    const press = async ({ page }: typeof ada, keys: string) => {
      for (let i = 0; i < 8; i += 1) await page.keyboard.press(keys);
    };
    await ada.plan.click();
    await press(ada, 'Control+Z');
    await expect(ada.plan).toHaveText('Bob.');
    await expect(bob.plan).toHaveText('Bob.');
    await press(ada, 'Control+Shift+Z');
    await expect(bob.plan).toHaveText('Ada. Bob.');
    await press(bob, 'Control+Z');
    await expect(ada.plan).toHaveText('Ada.');
  });

  test('pages are added, named, moved, removed and restored, for everybody', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    const pages = (who: typeof ada) => who.page.getByRole('navigation', { name: 'Pages' });
    const titles = (who: typeof ada) => pages(who).locator('ul').first().locator('.page');
    await ada.page.getByRole('textbox', { name: 'Page title' }).fill('Scope');
    await ada.write('In scope.');
    await ada.page.getByRole('button', { name: 'Add page' }).click();
    await expect(ada.page.getByRole('textbox', { name: 'Page title' })).toBeFocused();
    await ada.page.keyboard.type('Risks');
    await ada.write('A risk.');
    await bob.join(await ada.editLink());
    await expect(titles(bob)).toHaveText(['Scope', 'Risks']);
    await expect(bob.plan).toHaveText('In scope.');
    await expect(bob.people.nth(1)).toContainText('Risks');
    // Following somebody leads to their page.
    await bob.people.nth(1).getByRole('button').click();
    await expect(bob.plan).toHaveText('A risk.');

    await ada.page.getByRole('button', { name: 'Move or remove Risks' }).click();
    await ada.page.getByRole('button', { name: 'Move up' }).click();
    await expect(titles(bob)).toHaveText(['Risks', 'Scope']);
    await ada.page.getByRole('button', { name: 'Move or remove Risks' }).click();
    await ada.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(titles(bob)).toHaveText(['Scope']);
    await expect(bob.plan).toHaveText('In scope.');
    await ada.page.getByRole('button', { name: 'Undo', exact: true }).last().click();
    await expect(titles(bob)).toHaveText(['Risks', 'Scope']);

    await ada.page.getByRole('button', { name: 'Move or remove Risks' }).click();
    await ada.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await bob.page.getByText('Removed pages (1)').click();
    await pages(bob).getByRole('button', { name: 'Restore' }).click();
    await expect(bob.plan).toHaveText('A risk.');
    await bob.page.reload();
    await expect(bob.plan).toHaveText('A risk.');
  });

  test('a page that somebody else removes does not go without a word', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await ada.page.getByRole('textbox', { name: 'Page title' }).fill('Kept');
    await ada.page.getByRole('button', { name: 'Add page' }).click();
    await ada.page.keyboard.type('Going');
    await ada.write('Ada is writing here');
    await bob.join(await ada.editLink());
    await bob.page.getByRole('button', { name: 'Move or remove Going' }).click();
    await bob.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(ada.page.getByText('Somebody has removed the page you were on: Going')).toBeVisible();
    await expect(ada.page.getByRole('textbox', { name: 'Page title' })).toBeFocused();
    await ada.page.getByRole('button', { name: 'Restore', exact: true }).first().click();
    await expect(ada.plan).toHaveText('Ada is writing here');
  });

  test('a page that the browser has put aside and brought back is present again, and in sync', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession();
    await bob.join(await ada.editLink());
    await expect(ada.people).toHaveCount(2);
    const fire = (type: string) =>
      bob.page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), type);
    await fire('pagehide');
    await expect(ada.people).toHaveCount(1);
    await ada.write('Meanwhile.');
    await fire('pageshow');
    await expect(ada.people).toHaveCount(2);
    await expect(bob.people).toHaveCount(2);
    await expect(bob.page.getByRole('textbox', { name: 'Your name' })).toBeVisible();
    await expect(bob.plan).toHaveText('Meanwhile.');
  });

  test('two people who were given one colour do not keep it', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    for (const { page } of [ada, bob]) {
      // The same third byte gives the same colour.
      await page.addInitScript(() => {
        const fill = crypto.getRandomValues.bind(crypto);
        crypto.getRandomValues = (array) => {
          const filled = fill(array);
          if (filled instanceof Uint8Array && filled.length === 3) filled.set([1, 2, 3]);
          return filled;
        };
      });
    }
    await ada.newSession();
    await bob.join(await ada.editLink());
    const hues = () =>
      ada.people
        .locator('.avatar')
        .evaluateAll((avatars) => avatars.map((avatar) => avatar.getAttribute('style')));
    await expect.poll(async () => new Set(await hues()).size).toBe(2);
  });

  test('the code of the connections, and of the mesh, is asked for again when it could not be loaded', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest({ serviceWorkers: 'block' })];
    await ada.newSession();
    await ada.write('Worth waiting for.');
    const manifest = fileURLToPath(
      new URL('../.svelte-kit/output/client/.vite/manifest.json', import.meta.url),
    );
    const chunks = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, { file: string }>;
    // The mailbox would bring everything by itself.
    await bob.page.route('**/api/sessions/**', (route) => route.abort());
    for (const module of ['sync/connections.ts', 'sync/mesh/mesh.ts']) {
      let refused = 0;
      const { file } = chunks[`src/lib/${module}`] ?? { file: 'none' };
      await bob.page.route(`**/${file}*`, (route) => (refused++ === 0 ? route.abort() : route.continue()));
    }
    await bob.page.goto(await ada.editLink());
    await expect(bob.page.getByRole('heading', { name: 'The relay cannot be reached.' })).toBeVisible();
    await expect(bob.plan).toHaveText('Worth waiting for.');
  });
});
