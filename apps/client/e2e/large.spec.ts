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

/** A session of many pages, the first of them short, the others of a megabyte of text that nothing compresses. */
function writeLargeSession(megabytes: number): Y.Doc {
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
  for (let volume = 1; volume <= megabytes; volume += 1) {
    write(addPage(doc, `Volume ${volume}`, secureRandom), randomBytes(0.75 * MEGABYTE).toString('base64'));
  }
  return doc;
}

test('a session of 20 MB is kept by the relay, arrives whole, is compacted, and arrives again', async ({
  guest,
  relay,
}) => {
  test.setTimeout(180_000);
  const secret = secureRandom(32);
  const keys = await deriveEditKeys(secret);
  const { sessionId, writer, view } = keys;
  const content = Uint8Array.from(Y.encodeStateAsUpdateV2(writeLargeSession(20)));
  expect(content.length).toBeGreaterThan(20 * MEGABYTE);
  const now = () => Date.now();
  const tokens = new TokenSource({ sessionId, relay: relay.url, writer, reader: view.reader, now });
  const transport = new HttpTransport({ relay: relay.url, sessionId, tokens, now });
  const header = { version: ENVELOPE_VERSION, sessionId, id: encodeBase64url(secureRandom(16)), seen: null };
  const sealing = { contentKey: view.contentKey, signingKey: writer.privateKey };
  await transport.append([
    await sealEnvelope({ ...header, kind: 'update' }, content, sealing, secureRandom(12)),
  ]);

  const link = `${relay.url}${await formatLink(sessionId, 'e', secret)}`;
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
