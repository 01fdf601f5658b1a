import { describe, expect, it } from 'vitest';
import {
  errorFrame,
  mailboxTopic,
  SIGNALING_LIMITS,
  type SignalingErrorCode,
} from '../src/protocol/index.ts';
import { Client } from './client.ts';

const MAILBOX = mailboxTopic('A'.repeat(22));

const refusal = (code: SignalingErrorCode): unknown => JSON.parse(errorFrame(code));

/** A topic that no other test, and no other run against the same hub, uses. */
const newTopic = (name = 'room') => `conformance/${crypto.randomUUID()}/${name}`;

/** The rules of docs/spec.md that a client can see, for the hub at `url`. */
export function describeRules(url: () => string): void {
  /** Clients that listen to a topic of their own. */
  async function gather(people: number): Promise<{ topic: string; clients: Client[] }> {
    const topic = newTopic();
    const clients = await Promise.all(Array.from({ length: people }, () => Client.connect(url())));
    for (const client of clients) await client.subscribe(topic);
    return { topic, clients };
  }

  async function connect(): Promise<Client> {
    return Client.connect(url());
  }

  describe('protocol', () => {
    it('[HB1] [HB2] a publish reaches all subscribers as it was written, with their number, and nobody else', async () => {
      const { topic, clients } = await gather(3);
      const [ada] = clients;
      const other = await connect();
      await other.subscribe(newTopic());
      const written = `{ "type":"publish", "topic":${JSON.stringify(topic)}, "n": 1e2, "clients": 99 }`;
      ada?.sendRaw(written);
      for (const client of clients) {
        expect(await client.nextRaw()).toBe(`${written.slice(0, -1)},"clients":3}`);
      }
      expect(await other.settle()).toEqual([]);
    });

    it.each([1, 125, 126, 65_000, 65_536])('[HB2] [HB12] so does one of %d bytes', async (bytes) => {
      const { topic, clients } = await gather(2);
      const frame = (data: string) => JSON.stringify({ type: 'publish', topic, data });
      const written = frame('x'.repeat(Math.max(0, bytes - frame('').length)));
      clients[0]?.sendRaw(written);
      for (const client of clients) {
        expect(await client.nextRaw()).toBe(`${written.slice(0, -1)},"clients":2}`);
      }
    });

    it('[HB1] publishes arrive in the order in which one client sent them', async () => {
      const { topic, clients } = await gather(2);
      const [ada, bob] = clients;
      for (let n = 0; n < 200; n++) ada?.send({ type: 'publish', topic, n });
      for (let n = 0; n < 200; n++) {
        expect(await bob?.next()).toEqual({ type: 'publish', topic, n, clients: 2 });
      }
    });

    it.each(['{"type":"ping"}', '{"type": "ping"}'])(
      '[HB3] %s is answered, to its sender alone',
      async (ping) => {
        const { clients } = await gather(2);
        clients[0]?.sendRaw(ping);
        expect(await clients[0]?.nextRaw()).toBe('{"type":"pong"}');
        expect(await clients[1]?.settle()).toEqual([]);
      },
    );

    it('[HB4] publishing to a topic needs a subscription to it', async () => {
      const ada = await connect();
      ada.send({ type: 'publish', topic: newTopic() });
      expect(await ada.next()).toEqual(refusal('hub/not-subscribed'));
    });

    it('[HB5] [HB6] a topic is held once, until it is left', async () => {
      const { topic, clients } = await gather(2);
      const [ada, bob] = clients;
      await ada?.subscribe(topic, topic);
      bob?.send({ type: 'publish', topic });
      expect(await bob?.next()).toMatchObject({ clients: 2 });
      expect(await ada?.settle()).toEqual([{ type: 'publish', topic, clients: 2 }]);
      ada?.send({ type: 'unsubscribe', topics: [topic, newTopic()] });
      await ada?.settle();
      bob?.send({ type: 'publish', topic });
      expect(await bob?.next()).toMatchObject({ clients: 1 });
      expect(await ada?.settle()).toEqual([]);
    });

    it('[HB7] who has left is not counted any more, and the farewell is answered', async () => {
      const { topic, clients } = await gather(2);
      const [ada, bob] = clients;
      await ada?.close();
      // The hub hears of the end over another connection than of what is published.
      await expect
        .poll(
          () => {
            bob?.send({ type: 'publish', topic });
            return bob?.next();
          },
          { timeout: 30_000 },
        )
        .toMatchObject({ clients: 1 });
    });

    it('[HB8] a topic is any text, compared by UTF-16 code units', async () => {
      const ada = await connect();
      const topics = ['__proto__', 'constructor', '\u0000', ' ', '\u00e9', 'e\u0301', '💬', '\ud800'];
      const id = newTopic();
      await ada.subscribe(...topics.map((topic) => id + topic));
      for (const topic of topics) {
        // A lone surrogate only survives as an escape, which is how JSON.stringify writes it.
        ada.send({ type: 'publish', topic: id + topic });
        expect(await ada.next()).toEqual({ type: 'publish', topic: id + topic, clients: 1 });
      }
    });
  });

  describe('what is refused', () => {
    it.each<[SignalingErrorCode, string | Uint8Array<ArrayBuffer>]>([
      ['hub/binary-frame', new Uint8Array(3)],
      ['hub/not-json', ''],
      ['hub/not-json', '{"type":"ping"'],
      ['hub/unknown-type', '{}'],
      ['hub/malformed', 'null'],
      ['hub/unknown-type', '{"type":"teleport"}'],
      ['hub/malformed', '{"type":"publish"}'],
      ['hub/malformed', '{"type":"subscribe","topics":[1]}'],
      ['hub/malformed', '{"type":"subscribe","topics":[""]}'],
      ['hub/malformed', '{"type":"live","topic":"room","envelope":"AAAA"}'],
      ['hub/topic-too-long', JSON.stringify({ type: 'subscribe', topics: ['x'.repeat(257)] })],
      [
        'hub/too-many-topics',
        JSON.stringify({ type: 'subscribe', topics: Array.from({ length: 65 }, (_, index) => `t${index}`) }),
      ],
      [
        'hub/topics-too-large',
        JSON.stringify({
          type: 'subscribe',
          topics: Array.from({ length: 25 }, (_, index) => String(index).padStart(256, 'x')),
        }),
      ],
      ['hub/reserved-topic', JSON.stringify({ type: 'publish', topic: MAILBOX })],
      ['hub/token-refused', JSON.stringify({ type: 'subscribe', topics: [MAILBOX] })],
      ['hub/token-refused', JSON.stringify({ type: 'subscribe', topics: [MAILBOX], token: 'none' })],
      ['hub/not-subscribed', JSON.stringify({ type: 'live', topic: MAILBOX, envelope: 'AAAA' })],
    ])('[HB9] [HB10] %s, to its sender alone', async (code, frame) => {
      const { topic, clients } = await gather(2);
      const [ada, bob] = clients;
      ada?.sendRaw(frame);
      expect(await ada?.next()).toEqual(refusal(code));
      ada?.send({ type: 'publish', topic });
      expect(await ada?.next()).toMatchObject({ clients: 2 });
      expect(await bob?.settle()).toEqual([{ type: 'publish', topic, clients: 2 }]);
    });

    it('[HB12] a frame that is too large is answered, and its socket closed with 1009', async () => {
      const ada = await connect();
      ada.sendRaw('x'.repeat(SIGNALING_LIMITS.frameBytes + 1));
      expect(await ada.next()).toEqual(refusal('hub/frame-too-large'));
      expect(await ada.closed).toEqual({ code: 1009, reason: 'hub/frame-too-large' });
    });

    it('[HB12] one that is far too large ends its socket, and nothing else', async () => {
      const { topic, clients } = await gather(1);
      const ada = await connect();
      ada.sendRaw('x'.repeat(4_000_000));
      expect((await ada.closed).code).toBe(1009);
      clients[0]?.send({ type: 'publish', topic });
      expect(await clients[0]?.next()).toMatchObject({ clients: 1 });
    });

    it('[HB13] [HB14] [HB15] what is just within the limits is not', async () => {
      const ada = await connect();
      const id = newTopic('');
      const topics = Array.from({ length: 64 }, (_, index) => `${id}${String(index).padStart(40, 'x')}`);
      await ada.subscribe(...topics);
      const bob = await connect();
      await bob.subscribe(id.padEnd(256, 'x'));
    });

    it('[HB16] [HB17] what comes too fast is dropped, and the socket stays', async () => {
      const { topic, clients } = await gather(1);
      const [ada] = clients;
      // Fewer than the tenth strike needs. A busy machine may take some seconds to read them, in which the allowance grows.
      for (let n = 0; n < 940; n++) ada?.send({ type: 'publish', topic, n });
      const frames: unknown[] = [];
      // Four strikes: the first of the dropped frames, and then every fiftieth.
      while (frames.filter((frame) => isRefusal(frame)).length < 4) frames.push(await ada?.next());
      const passed = frames.filter((frame) => !isRefusal(frame));
      expect(passed.length).toBeGreaterThanOrEqual(SIGNALING_LIMITS.framesBurst - 2);
      expect(passed.length).toBeLessThan(940 - 149);
      expect(frames.filter((frame) => isRefusal(frame))).toEqual(Array(4).fill(refusal('hub/too-fast')));
      expect(ada?.isOpen).toBe(true);
    });

    it('[HB18] the tenth strike closes the socket with 1008', async () => {
      const ada = await connect();
      for (let index = 0; index < 10; index++) ada.sendRaw('rubbish');
      for (let index = 0; index < 10; index++) expect(await ada.next()).toEqual(refusal('hub/not-json'));
      expect(await ada.closed).toEqual({ code: 1008, reason: 'hub/too-many-strikes' });
    });
  });

  describe('addresses', () => {
    it('[RL3] anything but an upgrade is answered with 426', async () => {
      const response = await fetch(url().replace('ws', 'http'));
      expect(response.status).toBe(426);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ code: 'relay/upgrade-required' });
    });

    it('[RL2] a session has an address of its own', async () => {
      const address = new URL(url());
      address.pathname = '/signaling/AAAAAAAAAAAAAAAAAAAA-_';
      const ada = await Client.connect(address.href);
      await ada.subscribe(newTopic());
    });

    it('[RL4] what is no address of it takes no WebSocket', async () => {
      const address = new URL(url());
      address.pathname = '/signaling/short';
      await expect(Client.connect(address.href)).rejects.toThrow('no WebSocket');
    });
  });
}

function isRefusal(frame: unknown): boolean {
  return (frame as { type: string }).type === 'error';
}
