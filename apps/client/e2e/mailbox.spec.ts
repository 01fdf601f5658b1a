import { encodeBase64url, decodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_VERSION, sealEnvelope } from '@parley/signaling/envelope';
import { deriveEditKeys, secureRandom } from '../src/lib/session/keys.ts';
import { TokenSource } from '../src/lib/sync/mailbox/token.ts';
import { HttpTransport } from '../src/lib/sync/mailbox/transport.ts';
import { expect, test, TestRelay, moveCursor } from './parley.ts';
import { spellings } from './spellings.ts';

test.describe('the mailbox', () => {
  test('[PR1] [PR5] work arrives though nobody is online', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Left behind');
    await ada.write('For whoever comes next.');
    await ada.stored();
    const link = await ada.editLink();
    await ada.context.close();

    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('For whoever comes next.');
    await expect(bob.title).toHaveValue('Left behind');
    await bob.write(' Thank you.');
    await bob.stored();
    await bob.context.close();

    const cy = await guest();
    await cy.join(link);
    await expect(cy.plan).toHaveText('For whoever comes next. Thank you.');
  });

  test('[PR5] [SY20] [SY21] without WebRTC two people work live, and see each other and their cursors', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    for (const one of [ada, bob]) await one.withoutWebRtc();
    await ada.newSession('Behind a firewall');
    await ada.write('Begin.');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Begin.');
    for (const { people } of [ada, bob]) await expect(people).toHaveCount(2);
    await bob.write(' Bob was here.');
    await expect(ada.plan).toHaveText('Begin. Bob was here.');
    await expect(ada.plan.locator('.cursor-name')).toHaveCount(1);
    await ada.plan.click();
    await moveCursor(ada.page, 'Control+Home');
    await ada.page.keyboard.type('Ada too. ');
    await expect(bob.plan).toHaveText('Ada too. Begin. Bob was here.');
    for (const one of [ada, bob]) await one.stored();
    await bob.page.close({ runBeforeUnload: true });
    await expect(ada.people).toHaveCount(1, { timeout: 10_000 });
  });

  test('[PR5] [SY20] one without WebRTC and one with it work together as well', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await bob.withoutWebRtc();
    await ada.newSession();
    await ada.write('Begin.');
    await bob.join(await ada.editLink());
    await expect(bob.plan).toHaveText('Begin.');
    for (const { people } of [ada, bob]) await expect(people).toHaveCount(2);
    await bob.write(' Bob.');
    await expect(ada.plan).toHaveText('Begin. Bob.');
    await ada.write(' Ada.');
    await expect(bob.plan).toHaveText('Begin. Bob. Ada.');
  });

  test('[PR1] [SY5] [SY17] [SY19] a relay that stops in the middle of an append gets it when it is back', async ({
    guest,
    ownRelay,
  }) => {
    const ada = await guest({ at: ownRelay });
    await ada.newSession('Interrupted');
    await ada.write('Before.');
    await ada.stored();
    const asked = ada.page.waitForRequest((request) => request.method() === 'POST');
    await ada.write(' In the middle.');
    await asked;
    await ownRelay.stop();
    await ada.write(' While it was away.');
    await ada.saved();
    await expect(ada.sync).toContainText(/relay unreachable since \d/);
    await expect(ada.sync).not.toContainText('on the relay');
    await expect(ada.syncDetails).toContainText('What it lacks is kept on this device');
    await ownRelay.start();
    await ada.stored();
    const link = await ada.editLink();
    await ada.context.close();
    const bob = await guest({ at: ownRelay });
    await bob.join(link);
    await expect(bob.plan).toHaveText('Before. In the middle. While it was away.');
  });

  test('[PR1] [MB10] [SY5] [SY19] a database that fails, before a commit or after it, loses nothing and is never called stored', async ({
    guest,
  }) => {
    const failing = new TestRelay({ main: 'test/failing.ts' });
    await failing.start();
    const database = async (mode: 'no' | 'before' | 'after') => {
      const answer = await fetch(`${failing.url}/test/database`, { method: 'PUT', body: mode });
      expect(answer.status).toBe(204);
    };
    try {
      const ada = await guest({ at: failing });
      await ada.newSession('Brittle');
      await ada.write('Whole.');
      await ada.stored();
      const link = await ada.editLink();
      for (const mode of ['before', 'after'] as const) {
        await database(mode);
        const refused = ada.page.waitForResponse((response) => response.status() === 503);
        await ada.write(` While it failed ${mode}.`);
        await refused;
        await ada.saved();
        await expect(ada.sync).toContainText(/relay unreachable since \d/);
        await expect(ada.syncDetails).toContainText('What it lacks is kept on this device');
        await database('no');
        await ada.stored();
      }
      await ada.context.close();
      const bob = await guest({ at: failing });
      await bob.join(link);
      await expect(bob.plan).toHaveText('Whole. While it failed before. While it failed after.');
    } finally {
      await failing.dispose();
    }
  });

  test('[PR1] [SY4] [SY5] a browser that is killed between an edit and its upload sends it when it is opened again', async ({
    guest,
    profile,
  }) => {
    const before = await profile.open();
    await before.newSession('Survivor');
    await before.write('Sent.');
    await before.stored();
    await before.context.route('**/api/**', (route) => route.abort());
    await before.write(' Not sent.');
    await before.saved();
    await expect(before.sync).not.toContainText('on the relay');
    const link = await before.editLink();
    const address = before.page.url();
    await profile.kill();
    const after = await profile.open();
    await after.page.goto(address);
    await after.stored();
    await after.context.close();
    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Sent. Not sent.');
  });

  test('[PR1] [SY18] a session that the relay has no more room for says so, loses nothing, and goes on between those who are there', async ({
    guest,
  }) => {
    const small = new TestRelay({ vars: { SESSION_BYTES: '20000' } });
    await small.start();
    try {
      const [ada, bob] = [await guest({ at: small }), await guest({ at: small })];
      await ada.newSession('Too much');
      await ada.write('Small.');
      await ada.stored();
      await bob.join(await ada.editLink());
      await ada.connected();
      const much = Array.from({ length: 3_000 }, (_, index) => `word${(index * 7919) % 10_007}`).join(' ');
      await ada.plan.click();
      await moveCursor(ada.page, 'Control+End');
      await ada.page.keyboard.insertText(` ${much}`);
      await expect(ada.page.getByRole('alert')).toContainText(
        'This session has reached what the relay keeps',
      );
      await expect(ada.sync).toContainText('relay: full');
      await ada.saved();
      await expect(bob.plan).toHaveText(`Small. ${much}`);
      await ada.page.reload();
      await expect(ada.plan).toHaveText(`Small. ${much}`);
    } finally {
      await small.dispose();
    }
  });

  test('[SY16] a change that cannot be applied is left out: the session opens anew by itself, at the same place, and goes on', async ({
    guest,
    relay,
  }) => {
    const ada = await guest();
    await ada.newSession('Poisoned');
    await ada.write('Before.');
    await ada.page.getByRole('button', { name: 'Add page' }).click();
    await ada.page.getByRole('textbox', { name: 'Page title' }).fill('Second page');
    await ada.stored();
    const link = await ada.editLink();
    const secret = decodeBase64url(link.split('.').at(-2) ?? '');
    if (!secret) throw new Error('the link has no secret');
    const { sessionId, writer, view } = await deriveEditKeys(secret);
    const now = () => Date.now();
    const tokens = new TokenSource({ sessionId, relay: relay.url, writer, reader: view.reader, now });
    const transport = new HttpTransport({ relay: relay.url, sessionId, tokens, access: () => null, now });
    // Whoever has the edit link can sign anything. This claims a thousand structs and holds none.
    const poison = await sealEnvelope(
      {
        ...{ version: ENVELOPE_VERSION, kind: 'update', sessionId, seen: null },
        id: encodeBase64url(secureRandom(16)),
      },
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 232, 7, 9, 9),
      { contentKey: view.contentKey, signingKey: writer.privateKey },
      secureRandom(12),
    );
    await transport.append([poison]);
    await expect(ada.page.getByRole('alert')).toContainText('was left out');
    await expect(ada.page.getByRole('textbox', { name: 'Page title' })).toHaveValue('Second page');
    await ada.write('After.');
    await ada.stored();
    const bob = await guest();
    await bob.join(link);
    await bob.page.getByRole('button', { name: 'Second page', exact: true }).click();
    await expect(bob.plan).toHaveText('After.');
    await expect(bob.page.getByRole('alert')).toContainText('was left out');
  });

  test('[SY4] what two tabs of one person write is all on the relay', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('Two tabs');
    await ada.write('First.');
    await ada.stored();
    const link = await ada.editLink();
    const second = await ada.context.newPage();
    ada.listen(second);
    await second.goto(ada.page.url());
    const plan = second.getByRole('textbox', { name: 'Plan' });
    await expect(plan).toHaveText('First.');
    await plan.click();
    await moveCursor(second, 'Control+End');
    await second.keyboard.type(' Second.');
    await expect(ada.plan).toHaveText('First. Second.');
    await expect(second.getByRole('status', { name: 'Sync' })).toContainText('· on the relay');
    await ada.stored();
    await ada.context.close();
    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('First. Second.');
  });

  test('[SY4] [SY17] what was written offline is on the relay once the device is online', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('On a plane');
    await ada.write('Before take-off.');
    await ada.stored();
    const link = await ada.editLink();
    await ada.context.setOffline(true);
    await expect(ada.sync).toContainText('offline');
    await ada.write(' In the air.');
    await ada.saved();
    await expect(ada.sync).not.toContainText('on the relay');
    await ada.context.setOffline(false);
    await ada.stored();
    await ada.context.close();
    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Before take-off. In the air.');
  });

  test('what is written just before one goes elsewhere in the app still gets there', async ({ guest }) => {
    const ada = await guest();
    await ada.newSession('In passing');
    const link = await ada.editLink();
    await ada.stored();
    await ada.write('A last word.');
    await ada.page.getByRole('link', { name: 'Parley: all sessions' }).click();
    await expect(ada.page.getByRole('button', { name: 'New session' })).toBeVisible();
    const bob = await guest();
    await bob.join(link);
    await expect(bob.plan).toHaveText('A last word.');
  });

  test('[PR3] what the relay is sent has no readable word in it, by request or by socket', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    const sent: Buffer[] = [];
    const frames: Buffer[] = [];
    for (const one of [ada, bob]) {
      await one.withoutWebRtc();
      one.page.on('request', (request) => {
        sent.push(Buffer.from(`${request.url()} ${JSON.stringify(request.headers())}`));
        const body = request.postDataBuffer();
        if (body) sent.push(body);
      });
      one.page.on('websocket', (socket) => {
        sent.push(Buffer.from(socket.url()));
        socket.on('framesent', ({ payload }) => frames.push(Buffer.from(payload)));
      });
    }
    await ada.newSession('Unmistakable title');
    await ada.rename('Unmistakable Ada');
    await ada.write('Unmistakable words');
    await ada.stored();
    const link = await ada.editLink();
    await bob.join(link);
    for (const { people } of [ada, bob]) await expect(people).toHaveCount(2);
    await ada.write(' Unmistakable and live');
    await expect(bob.plan).toContainText('and live');
    // It is what is sent that is looked at: the requests, and the live frames.
    expect(sent.some((body) => body.includes('/api/sessions/'))).toBe(true);
    expect(frames.some((frame) => frame.includes('"type":"live"'))).toBe(true);
    const [, secret = ''] = link.split('#e.');
    for (const text of ['Unmistakable', secret.split('.')[0] ?? '']) {
      for (const spelling of spellings(text)) {
        expect([...sent, ...frames].filter((bytes) => bytes.includes(spelling)).map(String)).toEqual([]);
      }
    }
  });
});
