import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, ON_RELAY, test as base, TestRelay, type Guest } from './parley.ts';
import { spellings } from './spellings.ts';

const KEY = 'a-key-of-some-people';
const OTHER = 'another-key-of-others';

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
async function takeKey({ page, url }: Guest): Promise<void> {
  await page.goto(`${url}/#a.${KEY}`);
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

    await enter(ada.page, 'short');
    await expect(alert).toContainText('This is no access key');
    await enter(ada.page, 'a-key-of-nobody-at-all');
    await expect(alert).toContainText('The relay does not take this access key.');
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
    const whole = await link.inputValue();
    await ada.page.keyboard.press('Escape');
    // The next time it has to be said again.
    expect(await ada.editLink()).not.toContain(KEY);

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
});
