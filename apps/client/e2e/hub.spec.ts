import { expect, test, type Guest } from './parley.ts';
import { stockBundle } from './stock-bundle.ts';

declare const stock: typeof import('./stock.ts');

/** For pages that are not ours: they bring no Content Security Policy, and are not bound by the relay's. */
const foreign = { bypassCSP: true };

/** Puts a stock client into an empty page of the relay's origin. */
async function openStock(guest: Guest, room: string, hub: string, password: string | null) {
  await guest.page.goto(`${guest.url}/health`);
  await guest.page.evaluate(await stockBundle());
  await guest.page.evaluate(
    ({ room, hub, password }) => {
      const doc = new stock.Y.Doc();
      const provider = new stock.WebrtcProvider(room, doc, {
        signaling: [hub],
        ...(password === null ? {} : { password }),
        peerOpts: { config: { iceServers: [] } },
      });
      Object.assign(globalThis, { doc, provider });
    },
    { room, hub, password },
  );
}

declare const doc: InstanceType<typeof stock.Y.Doc>;

const readText = (guest: Guest) => guest.page.evaluate(() => doc.getText('t').toString());

test.describe('the hub, for everybody who uses y-webrtc', () => {
  for (const password of [null, 'a password']) {
    test(`[HB1] the stock client of npm syncs through it, ${password ? 'with' : 'without'} a password`, async ({
      guest,
    }) => {
      const [ada, bob] = [await guest(foreign), await guest(foreign)];
      const hub = `${ada.url.replace('http', 'ws')}/signaling`;
      const room = `stock ${password}`;
      await openStock(ada, room, hub, password);
      await ada.page.evaluate(() => doc.getText('t').insert(0, 'from Ada'));
      await openStock(bob, room, hub, password);
      await expect.poll(() => readText(bob)).toBe('from Ada');
      await bob.page.evaluate(() => doc.getText('t').insert(0, 'from Bob, '));
      await expect.poll(() => readText(ada)).toBe('from Bob, from Ada');
    });
  }

  test('a client that sends rubbish hurts nobody else: a session goes on and takes new people in', async ({
    guest,
  }) => {
    const [ada, bob, mallory] = [await guest(), await guest(), await guest(foreign)];
    await ada.newSession();
    await ada.write('Undisturbed.');
    const link = await ada.editLink();
    const id = ada.page.url().split('/').at(-1);
    await mallory.page.goto(`${mallory.url}/health`);
    const answers = await mallory.page.evaluate(
      async (hub) => {
        const frames: (string | ArrayBuffer)[] = [
          'not json',
          '{"type":"teleport"}',
          JSON.stringify({ type: 'subscribe', topics: ['x'.repeat(1_000_000)] }),
          JSON.stringify({
            type: 'subscribe',
            topics: Array.from({ length: 10_000 }, (_, index) => `t${index}`),
          }),
          new Uint8Array(1000).buffer,
          'null',
          '[]',
          '{"type":"publish"}',
        ];
        const codes: string[] = [];
        for (const frame of frames) {
          // A socket each, for the hub closes one that goes on like this.
          const socket = new WebSocket(hub);
          await new Promise((resolve) => (socket.onopen = resolve));
          const answer = new Promise<string>((resolve) => {
            socket.onmessage = ({ data }) => resolve(JSON.parse(data).code);
            socket.onclose = ({ code }) => resolve(`closed ${code}`);
          });
          socket.send(frame);
          codes.push(await answer);
          socket.close();
        }
        return codes;
      },
      `${mallory.url.replace('http', 'ws')}/signaling/${id}`,
    );
    for (const code of answers) expect(code).toMatch(/^hub\/[a-z-]+$/);
    await bob.join(link);
    await expect(bob.plan).toHaveText('Undisturbed.');
  });
});
