import { expect, test, type Guest } from './parley.ts';

/** Counts the connections from browser to browser that a page makes from now on. */
async function countConnections({ context }: Guest): Promise<void> {
  await context.addInitScript(() => {
    const Native = RTCPeerConnection;
    Object.assign(globalThis, { made: 0 });
    globalThis.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        made += 1;
      }
    };
  });
}

declare let made: number;

/** While it is so, nothing that is written into IndexedDB by this page is taken. */
async function refuseWrites({ page }: Guest, refuses: boolean): Promise<void> {
  await page.evaluate((refuses) => Object.assign(globalThis, { refuses }), refuses);
}

declare global {
  var refuses: boolean | undefined;
}

test.describe('receipts', () => {
  test('[PR2] [RC1] a change is called with others only once it is saved on their devices, a deletion too', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await bob.context.addInitScript(() => {
      const { add } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.add = function (...what) {
        if (globalThis.refuses) throw new DOMException('no room', 'QuotaExceededError');
        return add.apply(this, what);
      };
    });
    await ada.newSession('Receipts');
    await ada.write('Kept.');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Kept.');
    // What was written before anybody was there counts as well.
    await expect(ada.sync).toContainText('with 1 person');
    await refuseWrites(bob, true);
    await ada.write(' Seen, not saved.');
    await expect(bob.plan).toHaveText('Kept. Seen, not saved.');
    await expect(ada.sync).toContainText('On this device · not yet with 1 person · on the relay');
    await refuseWrites(bob, false);
    await expect(ada.sync).toContainText('with 1 person · on the relay');
    await expect(ada.sync).not.toContainText('not yet');

    await refuseWrites(bob, true);
    await ada.page.keyboard.press('Control+Backspace');
    await expect(bob.plan).toHaveText('Kept. Seen, not saved');
    await expect(ada.sync).toContainText('not yet with 1 person');
    await refuseWrites(bob, false);
    await expect(ada.sync).not.toContainText('not yet');

    // A reload forgets none of it, and assumes none.
    await ada.page.reload();
    await expect(ada.sync).toContainText('On this device · with 1 person · on the relay');
  });

  test('[PR2] [RC1] through the relay alone the same is said, and a viewer counts', async ({ guest }) => {
    test.slow();
    const [ada, bob, vic] = [await guest(), await guest(), await guest()];
    for (const person of [ada, bob]) await person.withoutWebRtc();
    await ada.newSession('Through the relay');
    await ada.write('Kept.');
    await bob.join(await ada.editLink());
    await vic.join(await ada.viewLink());
    await expect(vic.plan).toHaveText('Kept.');
    await expect(ada.sync).toContainText('On this device · with 2 people · on the relay');
    await vic.context.setOffline(true);
    await ada.write(' And more.');
    await expect(bob.plan).toHaveText('Kept. And more.');
    await expect(ada.sync).toContainText('with 1 of 2 people');
    await vic.context.setOffline(false);
    await expect(vic.plan).toHaveText('Kept. And more.');
    // What was asked while vic was away is asked again along with a presence, of which there is one every 25 seconds.
    await expect(ada.sync).toContainText('with 2 people', { timeout: 45_000 });
  });

  test('[RC7] the details say how each person is reached, and diagnostics name nobody', async ({ guest }) => {
    const [ada, bob, vic] = [
      await guest({ permissions: ['clipboard-read', 'clipboard-write'] }),
      await guest(),
      await guest(),
    ];
    await ada.newSession('Very secret plan');
    await ada.rename('Ada Lovelace');
    await ada.write('Unspeakable.');
    const link = await ada.editLink();
    await bob.join(link);
    await bob.rename('Robert Boyle');
    await vic.join(await ada.viewLink());
    await expect(ada.sync).toContainText('with 2 people');
    await ada.sync.getByRole('button').click();
    const details = ada.page.getByRole('dialog', { name: 'Sync details' });
    const connections = details.getByRole('list', { name: 'Connections' }).getByRole('listitem');
    await expect(connections).toHaveCount(2);
    await expect(connections.filter({ hasText: 'Robert Boyle' })).toContainText(
      /Directly · .* sent, .* received/,
    );
    await expect(connections.filter({ hasText: 'Robert Boyle' })).toContainText('Has your last change.');
    await expect(connections.filter({ hasNotText: 'Robert Boyle' })).toContainText('Through the relay');
    await details.getByRole('button', { name: 'Copy diagnostics' }).click();
    await expect(details.getByRole('button', { name: 'Copied' })).toBeVisible();
    const report = await ada.page.evaluate(() => navigator.clipboard.readText());
    expect(JSON.parse(report)).toMatchObject({
      session: { others: 2, having: 2 },
      mailbox: { onRelay: true },
    });
    const [path = '', secret = ''] = link.split('#e.');
    for (const private_ of [
      'Lovelace',
      'Boyle',
      'secret plan',
      'Unspeakable',
      path.split('/').at(-1),
      secret.slice(0, 43),
    ]) {
      expect(report).not.toContain(private_);
    }
  });

  test('[ME9] "only through the relay" makes no connection from browser to browser, at once and from then on', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await countConnections(ada);
    await ada.newSession('Hidden');
    await ada.write('One.');
    await bob.join(await ada.editLink());
    await ada.sync.getByRole('button').click();
    const details = ada.page.getByRole('dialog', { name: 'Sync details' });
    await expect(details.getByText(/^Directly/)).toBeVisible();
    await details.getByRole('switch', { name: 'Only through the relay' }).check();
    await expect(details.getByText('Through the relay', { exact: true })).toBeVisible();
    await ada.page.keyboard.press('Escape');
    await ada.write(' Two.');
    await expect(bob.plan).toHaveText('One. Two.');
    await expect(ada.sync).toContainText('with 1 person');
    await ada.page.reload();
    await expect(ada.sync).toContainText('with 1 person');
    await bob.write(' Three.');
    await expect(ada.plan).toHaveText('One. Two. Three.');
    expect(await ada.page.evaluate(() => made)).toBe(0);
    // Taken back, browsers connect again.
    await ada.sync.getByRole('button').click();
    await details.getByRole('switch', { name: 'Only through the relay' }).uncheck();
    await expect(details.getByText(/^Directly/)).toBeVisible();
  });
});
