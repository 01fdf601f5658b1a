import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, ON_RELAY, test as base, TestRelay, type Guest } from './parley.ts';
import { spellings } from './spellings.ts';

const KEY = 'a-key-of-some-people';
const OTHER = 'another-key-of-others';
/** Given out once the others were taken away. */
const NEW = 'a-new-key-of-the-same-people';

/** A relay that takes access keys. */
const test = base.extend<{ privateRelay: TestRelay }>({
  // Playwright reads a fixture's dependencies from this pattern.
  // eslint-disable-next-line no-empty-pattern
  privateRelay: async ({}, use) => {
    const relay = new TestRelay({ vars: { RELAY_ACCESS_KEYS: `${OTHER},${KEY}` }, verbose: true });
    await relay.start();
    await use(relay);
    await relay.dispose();
  },
});

const field = (page: Page) =>
  page.getByRole('main').getByRole('textbox', { name: 'Access key of the relay' });

async function enter(page: Page, key: string): Promise<void> {
  await field(page).fill(key);
  await field(page).press('Enter');
}

/** What is on the disk of a relay, as it is, without the traces of requests that `wrangler dev` keeps for itself. */
function filesOf(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/observability/'))
    .map(({ parentPath, name }) => join(parentPath, name));
  return new Map(files.map((file) => [file, readFileSync(file)]));
}

/** Opens the relay's link, and waits until the device has its key. */
async function takeKey({ page, url }: Guest, key = KEY): Promise<void> {
  await page.goto(`${url}/#a.${key}`);
  await expect(page.getByText('This device has the relay’s access key now.')).toBeVisible();
}

test.describe('a private relay', () => {
  test('[SY26] who has no key is told, loses nothing, and goes on without a reload once it is entered', async ({
    guest,
    privateRelay,
  }) => {
    const ada = await guest({ at: privateRelay });
    await ada.newSession('Matter 19');
    await ada.write('Written before. ');
    await expect(ada.sync).toContainText('On this device · relay is private');
    const alert = ada.page.getByRole('main').getByRole('alert');
    await expect(alert).toContainText('This relay is private, and does not let this device in.');
    await expect(alert).toContainText('safe on this device');
    await expect(ada.syncDetails).toContainText('This relay is private');
    await expect(ada.syncDetails.getByLabel('Access key of the relay')).toHaveCount(1);

    for (const nonsense of ['short', 'a-key-of some-people', `${KEY}.${OTHER}`, 'ein-schlüssel-für-alle']) {
      await enter(ada.page, nonsense);
      await expect(alert).toContainText('This is no access key');
      // What was entered can be put right.
      await expect(field(ada.page)).toHaveValue(nonsense);
      await enter(ada.page, 'a-key-of-nobody-at-all');
      await expect(alert).toContainText('The relay does not take this access key.');
    }
    // In another tab of the same browser nothing has to be entered.
    const tab = await ada.tab();
    await expect(tab.sync).toContainText('relay is private');
    await ada.page.bringToFront();
    await enter(ada.page, KEY);
    await ada.stored();
    await expect(alert).toHaveCount(0);
    await expect(tab.sync).toContainText(ON_RELAY);
    await ada.page.reload();
    await ada.stored();

    const bob = await guest({ at: privateRelay });
    await bob.page.goto(await ada.editLink());
    await expect(bob.page.getByRole('heading', { name: 'This relay is private' })).toBeVisible();
    await enter(bob.page, `  ${privateRelay.url}/#a.${OTHER} `);
    await expect(bob.plan).toContainText('Written before.');
    await bob.connected();
    await bob.write('Written after.');
    await expect(ada.plan).toContainText('Written before. Written after.');
  });

  test('[LK13] [LK5] the relay’s link gives the key, leaves the address bar, and is told when it is no good', async ({
    guest,
    privateRelay,
  }) => {
    const ada = await guest({ at: privateRelay });
    const { page } = ada;
    for (const [fragment, words] of [
      ['#a.a-key', 'This link is cut off'],
      [`#a.${KEY}~`, 'This link is damaged'],
      [`#a.${KEY}%`, 'This link is damaged'],
      [`#a.${KEY}s`, 'The relay does not take this access key.'],
    ] as const) {
      await page.goto('about:blank');
      await page.goto(`${ada.url}/${fragment}`);
      await expect(page.getByText(words)).toBeVisible();
      await expect(page).toHaveURL(`${ada.url}/`);
    }
    await takeKey(ada);
    await expect(page).toHaveURL(`${ada.url}/`);
    // Put into the address bar of the page that is open, one that is no good changes nothing.
    await page.evaluate(() => (location.hash = '#a.a-key-of-nobody-at-all'));
    await expect(page.getByText('The relay does not take this access key.')).toBeVisible();
    await expect(page).toHaveURL(`${ada.url}/`);
    await page.getByRole('button', { name: 'New session' }).click();
    await ada.stored();
  });

  test('[LK12] [SY25] a shared link gives the key along where that is wanted, and it is nowhere else', async ({
    guest,
    privateRelay,
  }) => {
    const ada = await guest({ at: privateRelay, permissions: ['clipboard-read', 'clipboard-write'] });
    await takeKey(ada);
    await ada.page.getByRole('button', { name: 'New session' }).click();
    await ada.write('For who has the link. ');
    await ada.stored();
    await ada.page.getByRole('button', { name: 'Share' }).click();
    const dialog = ada.page.getByRole('dialog');
    const link = dialog.getByRole('textbox', { name: 'Edit link' });
    await expect(link).toHaveValue(/#e\.[\w-]{43}\.[\w-]{4}$/);
    await dialog.getByRole('checkbox', { name: 'With the relay’s access key' }).check();
    await expect(dialog).toContainText('can use this private relay, for sessions of their own, too');
    await expect(link).toHaveValue(new RegExp(`#a\\.${KEY}\\.e\\.[\\w-]{43}\\.[\\w-]{4}$`));
    await ada.page.keyboard.press('Escape');
    // The next time it has to be said again.
    expect(await ada.editLink()).not.toContain(KEY);

    // So it has of new links, though it was said of the old ones a moment ago.
    const before = ada.page.url();
    await ada.page.getByRole('button', { name: 'Share' }).click();
    await dialog.getByRole('checkbox', { name: 'With the relay’s access key' }).check();
    await dialog.getByRole('button', { name: 'Make new links…' }).click();
    await ada.page.getByRole('button', { name: 'Make new links', exact: true }).click();
    await expect(ada.page).not.toHaveURL(before);
    await expect(dialog).toContainText('These are the new links.');
    await expect(link).toHaveValue(/#e\.[\w-]{43}\.[\w-]{4}$/);
    await dialog.getByRole('checkbox', { name: 'With the relay’s access key' }).check();
    await expect(link).toHaveValue(new RegExp(`#a\\.${KEY}\\.e\\.[\\w-]{43}\\.[\\w-]{4}$`));
    const whole = await link.inputValue();
    expect(whole).not.toContain(before);
    await ada.page.keyboard.press('Escape');

    const bob = await guest({ at: privateRelay });
    const [requests, sockets]: [string[], string[]] = [[], []];
    bob.page.on('request', (request) => {
      const { 'x-parley-access': access, ...headers } = request.headers();
      if (request.url().includes('/api/')) expect(access).toBe(KEY);
      requests.push(`${request.url()} ${JSON.stringify(headers)} ${request.postData() ?? ''}`);
    });
    bob.page.on('websocket', (socket) => {
      sockets.push(socket.url());
      socket.on('framesent', ({ payload }) => requests.push(String(payload)));
    });
    await bob.join(whole);
    await expect(bob.plan).toContainText('For who has the link.');
    await expect(bob.page).toHaveURL(whole.split('#')[0] ?? '');
    await bob.write('From Bob.');
    await bob.stored();
    expect(sockets).not.toEqual([]);
    expect(sockets.every((url) => url.endsWith(`?access=${KEY}`))).toBe(true);
    expect(requests.join('\n')).not.toContain(KEY);
    // The device has it: another session needs nothing more.
    await bob.newSession();
    await bob.stored();

    for (const one of [ada, bob]) {
      await one.page.getByRole('status', { name: 'Sync' }).getByRole('button').click();
      await one.page.getByRole('button', { name: 'Copy diagnostics' }).click();
    }
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).not.toContain(KEY);
    for (const one of [ada, bob]) await one.context.close();
    // What goes wrong is logged as well.
    await fetch(`${privateRelay.url}/signaling?access=${KEY}`);
    await fetch(`${privateRelay.url}/api/ice?access=${KEY}`, { headers: { 'x-parley-access': KEY } });
    await privateRelay.stop();
    const values = filesOf(privateRelay.state);
    // The access log is wrangler's own; deployed, `invocation_logs` is off.
    values.set('log', Buffer.from(privateRelay.log.replaceAll(/^.*\[wrangler:info\].*$/gm, '')));
    const session = Buffer.from(new URL(whole).pathname.split('/').at(-1) ?? '');
    expect([...values.values()].some((value) => value.includes(session))).toBe(true);
    const found: string[] = [];
    for (const spelling of spellings(KEY)) {
      for (const [where, value] of values) {
        const at = value.indexOf(spelling);
        if (at >= 0)
          found.push(`${where}: ${value.subarray(Math.max(0, at - 80), at + 80).toString('latin1')}`);
      }
    }
    expect(found).toEqual([]);
  });

  test('[SY26] whose key is taken away is told, goes on with who is connected directly, and is back with the new one', async ({
    guest,
    privateRelay,
  }) => {
    test.setTimeout(150_000);
    const at = privateRelay;
    const [ada, bob, cy] = [await guest({ at }), await guest({ at }), await guest({ at })];
    for (const one of [ada, bob]) await takeKey(one);
    await ada.page.getByRole('button', { name: 'New session' }).click();
    await ada.write('Before. ');
    await ada.stored();
    await bob.join(await ada.editLink());
    const view = await ada.viewLink();
    for (const one of [ada, bob]) await one.connected();
    await privateRelay.stop();
    await privateRelay.start({ RELAY_ACCESS_KEYS: NEW });
    for (const { page, sync } of [ada, bob]) {
      // By themselves they ask after a pause, which grew while the relay was away ([SY17]).
      await page.evaluate(() => dispatchEvent(new Event('online')));
      await expect(sync).toContainText('relay is private');
      const alert = page.getByRole('main').getByRole('alert');
      await expect(alert).toContainText('This relay is private, and does not let this device in.');
      await expect(alert).toContainText('It does not take the access key that this device has.');
    }
    await bob.write('From Bob. ');
    await expect(ada.plan).toContainText('Before. From Bob.');
    await ada.write('From Ada. ');
    await expect(bob.plan).toContainText('From Bob. From Ada.');

    // Who has the new one brings to the relay what the other writes, too.
    await enter(ada.page, NEW);
    // What others wrote waits for a while, because somebody else may bring it ([SY3]).
    const patience = { timeout: 45_000 };
    await expect(ada.sync).toContainText(ON_RELAY, patience);
    await expect(ada.page.getByRole('main').getByRole('alert')).toHaveCount(0);
    await bob.write('By way of Ada. ');
    await expect(bob.sync).toContainText('relay is private');
    await takeKey(cy, NEW);
    // A viewer gets what the relay has and nothing else.
    await cy.join(view);
    await expect(cy.plan).toContainText('Before. From Bob. From Ada. By way of Ada.', patience);
    await expect(ada.people).toHaveCount(3);

    await enter(bob.page, NEW);
    await bob.stored();
    await ada.context.close();
    await bob.write('Back.');
    await expect(cy.plan).toContainText('By way of Ada. Back.');
  });

  test('[SY27] the key is seen, replaced and forgotten by the keyboard, in all tabs, and axe finds nothing', async ({
    guest,
    privateRelay,
  }) => {
    test.setTimeout(180_000);
    const ada = await guest({ at: privateRelay, reducedMotion: 'reduce' });
    const { page } = ada;
    const expectNoViolations = async (where: string) => {
      for (const width of [1440, 390]) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 844 });
          await page.emulateMedia({ colorScheme });
          const axe = new AxeBuilder({ page });
          // In dark the contrast, because nothing else depends on it.
          if (colorScheme === 'dark') axe.withRules(['color-contrast', 'link-in-text-block']);
          const { violations } = await axe.analyze();
          const found = violations.flatMap(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
          expect(found, `${where}, ${width} px, ${colorScheme}`).toEqual([]);
        }
      }
      await page.setViewportSize({ width: 1440, height: 900 });
    };
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const words = (text: string) => page.getByText(text, { exact: true });
    const press = async (name: string) => {
      await button(name).focus();
      await page.keyboard.press('Enter');
    };

    await takeKey(ada);
    await expect(words('This device has an access key of the relay.')).toBeVisible();
    await button('New session').focus();
    await page.keyboard.press('Tab');
    await expect(button('Change the key')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: 'Access key of the relay' })).toBeFocused();
    await page.keyboard.type('a-key-of some-people');
    await page.keyboard.press('Enter');
    await expect(page.getByText('This device stays with the one that it has.')).toBeVisible();
    await expectNoViolations('the first page');
    await page.keyboard.press('Control+A');
    await page.keyboard.type(OTHER);
    await page.keyboard.press('Enter');
    const taken = page.getByText('This device has the relay’s access key now.').and(page.locator(':focus'));
    await expect(taken).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Access key of the relay' })).toHaveCount(0);
    expect(await page.content()).not.toContain(OTHER);

    await press('New session');
    await ada.stored();
    const tab = await ada.tab();
    await expect(tab.sync).toContainText(ON_RELAY);
    await page.bringToFront();
    await ada.sync.getByRole('button').focus();
    await page.keyboard.press('Enter');
    await expect(words('This device has an access key of the relay.')).toBeVisible();
    await press('Forget the key…');
    await expect(button('Keep it')).toBeFocused();
    await expectNoViolations('about to be forgotten');
    await page.keyboard.press('Enter');
    await expect(button('Forget the key…')).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expect(button('Forget the key')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(words('The access key is forgotten.')).toBeFocused();
    for (const one of [ada, tab]) await expect(one.sync).toContainText('relay is private');
    await expectNoViolations('forgotten');
    await expect(button('Forget the key…')).toHaveCount(0);
    // It is nowhere any more.
    await page.reload();
    await expect(ada.sync).toContainText('relay is private');

    await enter(page, KEY);
    for (const one of [ada, tab]) await expect(one.sync).toContainText(ON_RELAY);
  });
});
