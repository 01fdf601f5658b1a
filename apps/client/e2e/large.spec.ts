import { randomBytes } from 'node:crypto';
import { encodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_VERSION, sealEnvelope } from '@parley/signaling/envelope';
import * as Y from 'yjs';
import {
  addPage,
  createDocument,
  pageContent,
  readPages,
  renamePage,
  setTitle,
} from '../src/lib/session/document.ts';
import { deriveEditKeys, secureRandom } from '../src/lib/session/keys.ts';
import { formatLink } from '../src/lib/session/link.ts';
import { TokenSource } from '../src/lib/sync/mailbox/token.ts';
import { HttpTransport } from '../src/lib/sync/mailbox/transport.ts';
import { expect, test } from './parley.ts';

const MEGABYTE = 1_000_000;

interface LargeSession {
  /** Path and fragment. */
  readonly link: string;
  readonly transport: HttpTransport;
  /** What is written in the last page. */
  readonly last: string;
}

/**
 * Puts a session of many pages into the mailbox, in one envelope: the first page is short, the others are a megabyte each of text that nothing
 * compresses.
 */
async function storeLargeSession(relay: string, megabytes: number): Promise<LargeSession> {
  const doc = new Y.Doc();
  createDocument(doc, Date.now(), secureRandom);
  setTitle(doc, 'The whole archive');
  const write = (page: string, text: string) => {
    const paragraph = new Y.XmlElement('paragraph');
    paragraph.insert(0, [new Y.XmlText(text)]);
    pageContent(doc, page)?.insert(0, [paragraph]);
  };
  const [first] = readPages(doc);
  if (!first) throw new Error('there is no page');
  renamePage(doc, first.id, 'Contents');
  write(first.id, 'See the other pages.');
  let last = '';
  for (let volume = 1; volume <= megabytes; volume += 1) {
    last = randomBytes(0.75 * MEGABYTE).toString('base64');
    write(addPage(doc, `Volume ${volume}`, secureRandom), last);
  }
  const content = Uint8Array.from(Y.encodeStateAsUpdateV2(doc));
  expect(content.length).toBeGreaterThan(megabytes * MEGABYTE);

  const secret = secureRandom(32);
  const { sessionId, writer, view } = await deriveEditKeys(secret);
  const now = () => Date.now();
  const tokens = new TokenSource({ sessionId, relay, writer, reader: view.reader, now });
  const transport = new HttpTransport({ relay, sessionId, tokens, access: () => null, now });
  const header = { version: ENVELOPE_VERSION, sessionId, id: encodeBase64url(secureRandom(16)), seen: null };
  const sealing = { contentKey: view.contentKey, signingKey: writer.privateKey };
  await transport.append([
    await sealEnvelope({ ...header, kind: 'update' }, content, sealing, secureRandom(12)),
  ]);
  return { link: await formatLink(sessionId, 'e', secret), transport, last };
}

test('a session of 20 MB is kept by the relay, arrives whole, is compacted, and arrives again', async ({
  guest,
  relay,
}) => {
  test.setTimeout(180_000);
  const { link: path, transport } = await storeLargeSession(relay.url, 20);
  const link = `${relay.url}${path}`;
  const ada = await guest();
  await ada.join(link);
  await expect(ada.title).toHaveValue('The whole archive');
  await expect(ada.plan).toHaveText('See the other pages.');
  await expect(ada.page.getByRole('navigation', { name: 'Pages' }).getByText('Volume 20')).toBeVisible();
  await ada.write(' Ada has been here.');
  await ada.stored();
  // More than half of the document is in the log: whoever is there makes a snapshot of it.
  await expect
    .poll(async () => (await transport.pull(0, null)).header.current?.covers ?? 0, { timeout: 60_000 })
    .toBeGreaterThan(0);
  await ada.page.reload();
  await expect(ada.plan).toHaveText('See the other pages. Ada has been here.');
  await ada.context.close();

  const bob = await guest();
  await bob.join(link);
  await expect(bob.plan).toHaveText('See the other pages. Ada has been here.');
  await expect(bob.page.getByRole('navigation', { name: 'Pages' }).getByText('Volume 20')).toBeVisible();
  await bob.stored();
});

test('[PR5] [ME5] [RC1] one of 5 MB comes from the browser of somebody who has it, whole, while there is no mailbox, and both say so', async ({
  guest,
  relay,
}) => {
  const { link: path, last } = await storeLargeSession(relay.url, 5);
  const link = `${relay.url}${path}`;
  const [ada, bob] = [await guest(), await guest()];
  await ada.join(link);
  await ada.stored();
  for (const one of [ada, bob]) await one.withoutMailbox();
  await ada.page.reload();
  await bob.join(link);
  for (const { sync } of [bob, ada]) {
    await expect(sync).toContainText(/On this device · with 1 person · relay unreachable since/);
  }
  await bob.page.getByRole('button', { name: 'Volume 5', exact: true }).click();
  // A megabyte is no good as a message.
  await expect.poll(async () => (await bob.plan.textContent()) === last).toBe(true);
  await bob.page.getByRole('button', { name: 'Contents', exact: true }).click();
  await bob.write(' Bob has got them.');
  await expect(ada.plan).toHaveText('See the other pages. Bob has got them.');
});
