import { expect, test, moveCursor } from './parley.ts';
import { stockBundle } from './stock-bundle.ts';

test.describe('the device', () => {
  test('[PR1] [DOC3] a browser that is killed has kept every change that was called saved', async ({
    profile,
  }) => {
    const before = await profile.open();
    await before.newSession('Survivor');
    await before.write('One. Two. Three.');
    await before.saved();
    const address = before.page.url();
    await profile.kill();
    const after = await profile.open();
    await after.page.goto(address);
    await expect(after.plan).toHaveText('One. Two. Three.');
    await expect(after.title).toHaveValue('Survivor');
  });

  test('[PR1] two tabs that write at the same time, one of them killed: nothing that was saved is lost', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession();
    await ada.write('Base.');
    await ada.saved();
    const second = await ada.context.newPage();
    await second.goto(ada.page.url());
    const plan = second.getByRole('textbox', { name: 'Plan' });
    await expect(plan).toHaveText('Base.');
    await plan.click();
    await moveCursor(second, 'Control+Home');
    await Promise.all([ada.page.keyboard.type(' First tab.'), second.keyboard.type('Second tab. ')]);
    await expect(plan).toHaveText('Second tab. Base. First tab.');
    await expect(second.getByRole('status', { name: 'Sync' })).toContainText('On this device');
    await second.close({ runBeforeUnload: false });
    await ada.write(' After.');
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Second tab. Base. First tab. After.');
  });

  test('[DOC3] a session of a thousand records is folded when it is opened, and has lost nothing', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession();
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(9).trim();
    await ada.write(text);
    await ada.saved();
    const count = () =>
      ada.page.evaluate(
        (name) =>
          new Promise<number>((resolve, reject) => {
            const open = indexedDB.open(name);
            open.onerror = () => reject(open.error);
            open.onsuccess = () => {
              const request = open.result.transaction('updates').objectStore('updates').count();
              request.onsuccess = () => {
                open.result.close();
                resolve(request.result);
              };
            };
          }),
        `parley/session/${ada.page.url().split('/').at(-1)}`,
      );
    expect(await count()).toBeGreaterThan(300);
    await ada.page.reload();
    await expect(ada.plan).toHaveText(text);
    await expect.poll(count).toBeLessThan(10);
    await ada.page.reload();
    await expect(ada.plan).toHaveText(text);
  });

  for (const [what, refusal] of [
    ['throws', 'throw'],
    ['fails', 'fail'],
  ] as const) {
    test(`[LK8] where IndexedDB ${what} (private mode) it says so, works, syncs, and leaves the key in the address`, async ({
      guest,
    }) => {
      const [ada, bob] = [await guest(), await guest()];
      await ada.page.addInitScript((kind) => {
        IDBFactory.prototype.open = () => {
          if (kind === 'throw') throw new DOMException('denied', 'SecurityError');
          const request = new EventTarget() as EventTarget & {
            error: DOMException;
            onerror?: (event: Event) => void;
          };
          request.error = new DOMException('denied', 'InvalidStateError');
          setTimeout(() => {
            request.onerror?.(new Event('error'));
            request.dispatchEvent(new Event('error'));
          });
          return request as unknown as IDBOpenDBRequest;
        };
      }, refusal);
      await ada.newSession('Nothing kept');
      await expect(ada.page.getByRole('alert')).toContainText('This browser keeps nothing for Parley.');
      await expect(ada.sync).toContainText('Only in this tab');
      await expect(ada.page).toHaveURL(/#e\.[\w-]{43}\.[\w-]{4}$/);
      await ada.write('Fleeting.');
      // As long as the tab: home and back loses nothing, and writes nothing anew.
      await ada.page.getByRole('link', { name: 'Parley: all sessions' }).click();
      await expect(ada.page.getByText('a session lasts as long as its tab')).toBeVisible();
      await ada.page.getByRole('link', { name: 'Nothing kept' }).click();
      await expect(ada.plan).toHaveText('Fleeting.');
      await expect(ada.title).toHaveValue('Nothing kept');
      await expect(ada.page).toHaveURL(/#e\.[\w-]{43}\.[\w-]{4}$/);
      const link = await ada.editLink();
      await bob.join(link);
      await expect(bob.plan).toHaveText('Fleeting.');
      // The reload forgets, the link brings it back from the other person.
      await ada.page.reload();
      await expect(ada.plan).toHaveText('Fleeting.');
      await expect(ada.title).toHaveValue('Nothing kept');
    });
  }

  test('[DOC3] a database that is deleted under an open session is written anew, even while one types', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('Stubborn');
    await ada.write('Before.');
    await ada.saved();
    const id = ada.page.url().split('/').at(-1);
    await ada.page.evaluate(
      (name) => new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve)),
      `parley/session/${id}`,
    );
    await expect(ada.sync).toContainText('Not saved');
    await ada.plan.click();
    await moveCursor(ada.page, 'Control+End');
    // Longer than the pause between two attempts.
    await ada.page.keyboard.type(' One letter after the other.', { delay: 200 });
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Before. One letter after the other.');
  });

  test('a record that cannot be read keeps nobody from the rest, and is said', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Damaged');
    await ada.write('Readable.');
    await ada.saved();
    await ada.page.evaluate(
      (name) =>
        new Promise<void>((resolve) => {
          const open = indexedDB.open(name);
          open.onsuccess = () => {
            const transaction = open.result.transaction('updates', 'readwrite');
            transaction.objectStore('updates').add(new Uint8Array([9, 9, 9]), 0);
            transaction.oncomplete = () => {
              open.result.close();
              resolve();
            };
          };
        }),
      `parley/session/${ada.page.url().split('/').at(-1)}`,
    );
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Readable.');
    await expect(ada.page.getByRole('alert')).toContainText('cannot be read');
    await ada.write(' And writable.');
    await ada.saved();
    await ada.page.reload();
    await expect(ada.plan).toHaveText('Readable. And writable.');
    // y-indexeddb throws where nobody can catch it.
    ada.complaints.length = 0;
  });

  test('[DOC2] [DOC4] a document from a newer version is shown, not written, and not harmed', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('From tomorrow');
    await ada.write('Readable today.');
    await ada.saved();
    const link = await ada.editLink();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Readable today.');
    await bob.page.goto('about:blank');
    // What tomorrow's Parley would do: another version, and an element that today's does not know.
    await ada.page.evaluate(await stockBundle());
    const database = `parley/session/${ada.page.url().split('/').at(-1)}`;
    await ada.page.evaluate(changeStored, database);
    await ada.page.reload();
    await expect(ada.page.getByRole('alert')).toContainText(
      'A newer version of Parley has worked on this session.',
    );
    await expect(ada.plan).toContainText('Readable today.');
    await expect(ada.plan).toHaveAttribute('contenteditable', 'false');
    await expect(ada.title).toHaveAttribute('readonly');
    await expect(ada.page.getByRole('button', { name: 'Add page' })).toHaveCount(0);
    await ada.page.evaluate(await stockBundle());
    expect(await ada.page.evaluate(readStored, database)).toContain('hologram');
    // It travels unharmed to an old client that is open: that one becomes read-only too.
    await bob.page.goto(link);
    await expect(bob.page.getByRole('alert')).toContainText('A newer version of Parley');
    await expect(bob.plan).toContainText('Readable today.');
    await bob.page.evaluate(await stockBundle());
    expect(await bob.page.evaluate(readStored, database)).toContain('hologram');
  });
});

declare const stock: typeof import('./stock.ts');

/** Runs in the page: writes into the stored document as a newer version would. */
async function changeStored(database: string): Promise<void> {
  const db = await new Promise<IDBDatabase>((resolve) => {
    const open = indexedDB.open(database);
    open.onsuccess = () => resolve(open.result);
  });
  const records = await new Promise<Uint8Array[]>((resolve) => {
    const request = db.transaction('updates').objectStore('updates').getAll();
    request.onsuccess = () => resolve(request.result as Uint8Array[]);
  });
  const doc = new stock.Y.Doc();
  for (const record of records) stock.Y.applyUpdate(doc, record);
  const before = stock.Y.encodeStateVector(doc);
  doc.getMap('meta').set('schemaVersion', 2);
  for (const page of doc.getMap<InstanceType<typeof stock.Y.Map>>('pages').values()) {
    (page.get('content') as InstanceType<typeof stock.Y.XmlFragment>).insert(0, [
      new stock.Y.XmlElement('hologram'),
    ]);
  }
  await new Promise((resolve) => {
    const transaction = db.transaction('updates', 'readwrite');
    transaction.objectStore('updates').add(stock.Y.encodeStateAsUpdate(doc, before));
    transaction.oncomplete = resolve;
  });
  db.close();
}

/** Runs in the page: the stored document's pages as XML. */
async function readStored(database: string): Promise<string> {
  const db = await new Promise<IDBDatabase>((resolve) => {
    const open = indexedDB.open(database);
    open.onsuccess = () => resolve(open.result);
  });
  const records = await new Promise<Uint8Array[]>((resolve) => {
    const request = db.transaction('updates').objectStore('updates').getAll();
    request.onsuccess = () => resolve(request.result as Uint8Array[]);
  });
  db.close();
  const doc = new stock.Y.Doc();
  for (const record of records) stock.Y.applyUpdate(doc, record);
  return JSON.stringify(doc.getMap('pages'));
}
