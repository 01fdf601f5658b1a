import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { decodeBase64url } from '@parley/signaling/base64url';
import { deriveEditKeys } from '../src/lib/session/keys.ts';
import { expect, test } from './parley.ts';
import { stockBundle } from './stock-bundle.ts';

declare const stock: typeof import('./stock.ts');

interface Trace {
  startContent: string;
  endContent: string;
  txns: { patches: [position: number, deleted: number, inserted: string][] }[];
}

const folder =
  process.env['PARLEY_TRACES'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const file = `${folder}/sveltecomponent.json.gz`;

test('a recorded editing session, key by key on one peer, arrives whole at another, and at one who comes later', async ({
  guest,
}) => {
  test.skip(!existsSync(file), `the trace is not at ${file}`);
  test.setTimeout(240_000);
  const trace = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Trace;
  expect(trace.txns.length).toBeGreaterThan(18_000);
  expect(trace.startContent).toBe('');

  const [ada, typist, bob] = [await guest(), await guest({ bypassCSP: true }), await guest()];
  await ada.newSession('Replay');
  await ada.write('``` ');
  await ada.page.keyboard.type('x');
  await expect(ada.plan.locator('pre')).toHaveText('x');
  const link = await ada.editLink();

  // The typist is a stock client with the session's keys, so that each of its transactions is one of the recording.
  const secret = decodeBase64url(link.split('.').at(-2) ?? '');
  if (!secret) throw new Error('the link has no secret');
  const { mesh } = await deriveEditKeys(secret);
  await typist.page.goto(`${typist.url}/health`);
  await typist.page.evaluate(await stockBundle());
  await typist.page.evaluate(
    async ({ mesh, hub, txns }) => {
      const doc = new stock.Y.Doc();
      new stock.WebrtcProvider(mesh.room, doc, {
        signaling: [hub],
        password: mesh.password,
        peerOpts: { config: { iceServers: [] } },
      });
      const findText = () => {
        for (const page of doc.getMap<InstanceType<typeof stock.Y.Map>>('pages').values()) {
          const block = (page.get('content') as InstanceType<typeof stock.Y.XmlFragment>).get(0);
          if (block instanceof stock.Y.XmlElement && block.nodeName === 'code_block') {
            const text = block.get(0);
            if (text instanceof stock.Y.XmlText) return text;
          }
        }
        return null;
      };
      let text = findText();
      while (!text) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        text = findText();
      }
      const code = text;
      code.delete(0, code.length);
      let done = 0;
      for (const { patches } of txns) {
        doc.transact(() => {
          for (const [position, deleted, inserted] of patches) {
            if (deleted > 0) code.delete(position, deleted);
            if (inserted) code.insert(position, inserted);
          }
        });
        // A data channel that is filled without a pause is closed by the browser.
        if (++done % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
    },
    { mesh, hub: `${typist.url.replace('http', 'ws')}/signaling`, txns: trace.txns },
  );

  const codeOf = (who: typeof ada) => who.plan.locator('pre').evaluate((element) => element.textContent);
  await expect.poll(() => codeOf(ada), { timeout: 120_000 }).toBe(trace.endContent);
  await ada.saved();
  await typist.context.close();
  await bob.join(link);
  await expect.poll(() => codeOf(bob), { timeout: 60_000 }).toBe(trace.endContent);
  await ada.page.reload();
  await expect(ada.plan).toBeVisible();
  expect(await codeOf(ada)).toBe(trace.endContent);
});
