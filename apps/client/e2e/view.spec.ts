import { encodeBase64url, decodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_VERSION, sealEnvelope } from '@parley/signaling/envelope';
import { encodeAppend } from '@parley/signaling/mailbox';
import * as Y from 'yjs';
import { deriveViewKeys, secureRandom } from '../src/lib/session/keys.ts';
import { formatLink } from '../src/lib/session/link.ts';
import { TokenSource } from '../src/lib/sync/mailbox/token.ts';
import { ON_RELAY, expect, test } from './parley.ts';

function secretOf(link: string): Uint8Array<ArrayBuffer> {
  const secret = decodeBase64url(link.split('.').at(-2) ?? '');
  if (!secret) throw new Error('the link has no secret');
  return secret;
}

test.describe('a view link', () => {
  test('[PR4] [LK11] [DOC4] its holder reads, follows live, and has nothing to write with', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Matter 17');
    await ada.write('Begin.');
    await ada.stored();
    await bob.join(await ada.viewLink());
    await expect(bob.title).toHaveValue('Matter 17');
    await expect(bob.plan).toHaveText('Begin.');
    await expect(bob.page.getByText('You can view this session.')).toBeVisible();
    await expect(bob.page).toHaveURL(/\/session\/[\w-]{22}$/);
    await ada.write(' More, live.');
    await expect(bob.plan).toHaveText('Begin. More, live.');
    await expect(bob.sync).toContainText(ON_RELAY);

    await expect(ada.people).toHaveCount(2);
    await expect(ada.people.nth(1)).toContainText('can view');
    await expect(bob.people).toHaveCount(2);
    await expect(bob.people.nth(1)).not.toContainText('can view');

    await expect(bob.plan).toHaveAttribute('aria-readonly', 'true');
    await expect(bob.plan).toHaveAttribute('contenteditable', 'false');
    await expect(bob.title).toHaveAttribute('readonly', '');
    await expect(bob.page.getByRole('textbox', { name: 'Page title' })).toHaveAttribute('readonly', '');
    for (const name of ['Add page', 'Bold']) {
      await expect(bob.page.getByRole('button', { name })).toHaveCount(0);
    }
    await bob.plan.click();
    await bob.page.keyboard.type('Bob writes.');
    await bob.page.keyboard.press('Control+V');
    await expect(bob.plan).toHaveText('Begin. More, live.');
    // Where a viewer's cursor would be is told to nobody.
    await expect(ada.plan.locator('.cursor')).toHaveCount(0);

    await bob.page.getByRole('button', { name: 'Share' }).click();
    await expect(bob.page.getByRole('textbox', { name: 'View link' })).toHaveValue(/#v\./);
    await expect(bob.page.getByRole('radio', { name: 'Can edit' })).toHaveCount(0);
    await bob.page.keyboard.press('Escape');

    await bob.page.reload();
    await expect(bob.plan).toHaveText('Begin. More, live.');
    await bob.page.goto(bob.url);
    await expect(bob.page.getByRole('link', { name: /Matter 17/ })).toBeVisible();
    await expect(bob.page.getByRole('button', { name: 'Rename Matter 17' })).toHaveCount(0);
  });

  test('[LK11] it is read without anybody online, also offline later', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Minutes');
    await ada.write('Decided.');
    await ada.stored();
    const link = await ada.viewLink();
    await ada.context.close();
    await bob.join(link);
    await expect(bob.plan).toHaveText('Decided.');
    await expect(bob.sync).toContainText(ON_RELAY);
    await bob.page.evaluate(() => navigator.serviceWorker.ready);
    await bob.context.setOffline(true);
    await bob.page.reload();
    await expect(bob.plan).toHaveText('Decided.');
  });

  test('[PR4] [LK11] [MB2] [MB4] by force: the relay takes nothing with the reader’s token, and peers nothing with the reader’s key', async ({
    guest,
    relay,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Guarded');
    await ada.write('Untouched.');
    await ada.stored();
    const link = await ada.viewLink();
    await bob.join(link);
    const view = await deriveViewKeys(secretOf(link));
    const sessionId = new URL(link).pathname.split('/').at(-1) ?? '';
    const token = await new TokenSource({
      sessionId,
      relay: relay.url,
      writer: null,
      reader: view.reader,
      now: () => Date.now(),
    }).token();
    const doc = new Y.Doc();
    doc.getMap('meta').set('title', 'Forged');
    const header = {
      version: ENVELOPE_VERSION,
      sessionId,
      id: encodeBase64url(secureRandom(16)),
      seen: null,
    };
    const forged = await sealEnvelope(
      { ...header, kind: 'update' },
      new Uint8Array(Y.encodeStateAsUpdateV2(doc)),
      { contentKey: view.contentKey, signingKey: view.reader.privateKey },
      secureRandom(12),
    );
    const refused = await bob.page.evaluate(
      async ({ id, bearer, append, envelope }) => {
        const headers = { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/octet-stream' };
        const routes = [
          ['POST', 'log', append],
          ['PUT', 'snapshot', envelope],
        ] as const;
        const statuses: number[] = [];
        for (const [method, route, body] of routes) {
          const answer = await fetch(`/api/sessions/${id}/${route}`, {
            method,
            headers,
            body: Uint8Array.from(body),
          });
          statuses.push(answer.status);
        }
        const read = await fetch(`/api/sessions/${id}/log?after=0`, { headers });
        return { statuses, read: read.status };
      },
      { id: sessionId, bearer: token, append: [...encodeAppend([forged])], envelope: [...forged] },
    );
    // The token itself is good: it reads.
    expect(refused).toEqual({ statuses: [403, 403], read: 200 });

    // And what it passes on unread, as somebody who listens may, is dropped by those who get it.
    await bob.page.evaluate(
      async ({ id, bearer, envelope }) => {
        const topic = `parley/mailbox/${id}`;
        const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/signaling/${id}`);
        await new Promise((resolve) => socket.addEventListener('open', resolve));
        socket.send(JSON.stringify({ type: 'subscribe', topics: [topic], token: bearer }));
        const pong = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
        socket.send(JSON.stringify({ type: 'ping', of: 'test' }));
        await pong;
        socket.send(JSON.stringify({ type: 'live', topic, envelope }));
      },
      { id: sessionId, bearer: token, envelope: encodeBase64url(forged) },
    );
    // It does reach them: they say that they have left it out.
    await ada.sync.getByRole('button').click();
    await expect(ada.page.getByText('One message was not what it claimed to be')).toBeVisible();
    await ada.page.keyboard.press('Escape');
    await ada.write(' Still.');
    await expect(bob.plan).toHaveText('Untouched. Still.');
    await expect(ada.title).toHaveValue('Guarded');
    await expect(bob.title).toHaveValue('Guarded');
  });

  test('[LK9] the edit link turns its holder into an editor at once, and back there is no way', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Promoted');
    await ada.write('Begin.');
    await ada.stored();
    const [view, edit] = [await ada.viewLink(), await ada.editLink()];
    await bob.join(view);
    await expect(bob.page.getByText('You can view this session.')).toBeVisible();
    // The same path: only a hashchange.
    await bob.page.goto(edit);
    await expect(bob.plan).toHaveAttribute('contenteditable', 'true');
    await expect(bob.page).toHaveURL(/\/session\/[\w-]{22}$/);
    await expect(bob.page.getByText('You can view this session.')).toHaveCount(0);
    await bob.write(' Bob edits.');
    await expect(ada.plan).toHaveText('Begin. Bob edits.');
    await bob.page.goto(view);
    await expect(bob.page.getByText('This is the view link.')).toBeVisible();
    await bob.page.reload();
    await expect(bob.plan).toHaveAttribute('contenteditable', 'true');
    expect(await bob.editLink()).toBe(edit);
  });

  test('[LK6] one that the relay does not know says so, and opens by itself once an editor has been online', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.context.route('**/api/**', (route) => route.abort());
    await ada.newSession('Not yet');
    await ada.write('Here it is.');
    await ada.saved();
    await bob.page.goto(await ada.viewLink());
    await expect(bob.page.getByRole('heading', { name: 'This session cannot be shown yet.' })).toBeVisible();
    await expect(bob.plan).toHaveCount(0);
    await ada.context.unroute('**/api/**');
    await ada.page.reload();
    await ada.stored();
    await expect(bob.plan).toHaveText('Here it is.', { timeout: 45_000 });
  });

  test('[LK10] one with another key gives way to the good one', async ({ guest }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('The real one');
    await ada.write('Real.');
    await ada.stored();
    const good = await ada.viewLink();
    const { pathname, origin } = new URL(good);
    const forged = await formatLink(pathname.split('/').at(-1) ?? '', 'v', secureRandom(32));
    await bob.page.goto(origin + forged);
    await expect(bob.page.getByRole('heading', { name: 'This session cannot be shown yet.' })).toBeVisible();
    await bob.page.goto(good);
    await expect(bob.plan).toHaveText('Real.');
    await bob.page.goto(origin + forged);
    await expect(bob.page.getByText('The key in this link belongs to another session.')).toBeVisible();
    await expect(bob.plan).toHaveText('Real.');
  });
});
