import { expect, test, type Guest, moveCursor } from './parley.ts';

/** Two who are connected from browser to browser, and by nothing else: the hub would introduce them anew, and that is all. */
async function connect(ada: Guest, bob: Guest): Promise<void> {
  for (const one of [ada, bob]) await one.withoutMailbox();
  await ada.newSession('Interrupted');
  await ada.write('Begin.');
  await bob.join(await ada.editLink());
  await expect(bob.plan).toHaveText('Begin.');
  for (const one of [ada, bob]) await one.connected();
}

/** Waits until somebody's connection to the other one counts as none. */
async function interrupted({ syncDetails }: Guest): Promise<void> {
  await expect(syncDetails).not.toContainText('Directly', { timeout: 30_000 });
}

test.describe('two who are connected directly, while there is no mailbox', () => {
  test('[PR2] [PR5] [ME9] one’s laptop is closed and opened: neither lacks anything, and both talk again', async ({
    guest,
    profile,
  }) => {
    const [ada, bob] = [await guest(), await profile.open()];
    await connect(ada, bob);
    const wake = await profile.sleep();
    await interrupted(ada);
    await ada.write(' Meanwhile.');
    await ada.saved();
    await expect(ada.sync).toContainText('not yet with 1 person');
    wake();
    await expect(bob.plan).toHaveText('Begin. Meanwhile.');
    await expect(ada.sync).toContainText('· with 1 person');
    await bob.write(' Awake.');
    await expect(ada.plan).toHaveText('Begin. Meanwhile. Awake.');
    await expect(bob.sync).toContainText('· with 1 person');
  });

  test('[PR2] [PR5] [ME9] one gets another network: what both wrote meanwhile arrives, and both talk again', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    const devtools = await bob.context.newCDPSession(bob.page);
    const network = (offline: boolean, packetLoss: number) =>
      devtools.send('Network.emulateNetworkConditions', {
        ...{ offline, packetLoss, latency: 1, downloadThroughput: -1, uploadThroughput: -1 },
      });
    // What is to be emulated for a connection has to be on when it is made.
    await devtools.send('Network.enable');
    await network(false, 0);
    await connect(ada, bob);
    await network(false, 100);
    for (const one of [ada, bob]) await interrupted(one);
    await ada.write(' Ada meanwhile.');
    await bob.plan.click();
    await moveCursor(bob.page, 'Control+Home');
    await bob.page.keyboard.type('Bob meanwhile. ');
    for (const one of [ada, bob]) {
      await one.saved();
      await expect(one.sync).toContainText('not yet with 1 person');
    }
    // The device tells the page of the one network's end and the other's beginning, and loses the hub in between.
    await network(true, 100);
    await expect(bob.sync).toContainText('offline');
    await network(false, 0);
    for (const { plan, sync } of [ada, bob]) {
      await expect(plan).toHaveText('Bob meanwhile. Begin. Ada meanwhile.');
      await expect(sync).toContainText('· with 1 person');
    }
  });
});
