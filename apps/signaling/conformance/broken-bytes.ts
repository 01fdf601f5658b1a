import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Client } from './client.ts';

/** What comes in the place of a frame, from a client that has broken off or is none (RFC 6455, section 5). */
const BROKEN = {
  'a frame of a kind that there is not': [0x83, 0x80, 0, 0, 0, 0],
  'a bit that nobody has agreed on': [0xc1, 0x80, 0, 0, 0, 0],
  'a frame that is not masked': [0x81, 0x01, 0x41],
  'more bytes than there are numbers for': [0x81, 0xff, ...Array<number>(8).fill(0xff), 0, 0, 0, 0],
  'a ping in two pieces': [0x09, 0x80, 0, 0, 0, 0],
  'text that is no UTF-8': [0x81, 0x81, 0, 0, 0, 0, 0xff],
  'half of a frame': [0x81, 0xfe, 0xff],
} as const;

/** What a hub on this machine has to do with what is no WebSocket frame. Some runtimes take one or the other of these all the same. */
export function describeBrokenBytes(url: () => string): void {
  it.each(Object.entries(BROKEN))('[HB11] %s, and then no more, disturbs nobody', async (_what, bytes) => {
    const topic = `conformance/${crypto.randomUUID()}`;
    const [ada, bob] = [await Client.connect(url()), await Client.connect(url())];
    for (const client of [ada, bob]) await client.subscribe(topic);
    const eve = await upgrade(new URL(url()));
    const ended = new Promise((resolve) => eve.once('close', resolve));
    eve.end(Buffer.from(bytes));
    await ended;
    ada.send({ type: 'publish', topic });
    for (const client of [ada, bob]) {
      expect(await client.settle()).toEqual([{ type: 'publish', topic, clients: 2 }]);
      await client.close();
    }
  });
}

/** A WebSocket of which only the connection is left. What comes over it is read and dropped. */
function upgrade({ hostname, port, pathname }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('error', reject);
    socket.on('data', (data) => {
      if (data.toString('latin1').startsWith('HTTP/1.1 101')) resolve(socket);
    });
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
  });
}
