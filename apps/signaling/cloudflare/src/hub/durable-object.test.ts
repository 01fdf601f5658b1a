import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { encodeBase64url } from '@parley/signaling/base64url';
import { parseRememberedSocket } from '@parley/signaling/hub';
import { PING_FRAME, SIGNALING_LIMITS, type SignalingErrorCode } from '@parley/signaling/protocol';
import { mailboxTopic } from '@parley/signaling/mailbox';
import { describe, expect, it, vi } from 'vitest';
import { Author } from '../../test/author.ts';
import { RelaySocket } from '../../test/relay-socket.ts';
import { openMailbox } from '../mailbox/open-mailbox.ts';
import type { Hub } from './durable-object.ts';
import { hubNameOf } from './hub-name.ts';

const hub = () => env.HUB.get(env.HUB.idFromName('global-signaling'));

/** The instance that the hub lives in just now: another object after every hibernation. */
const currentInstance = () => runInDurableObject(hub(), (instance: Hub) => instance);

/** Two sockets that listen to a topic nobody else has. */
async function connectPair(topic: string): Promise<[RelaySocket, RelaySocket]> {
  const pair: [RelaySocket, RelaySocket] = [await RelaySocket.connect(), await RelaySocket.connect()];
  for (const socket of pair) await socket.subscribe(topic);
  return pair;
}

/** The runtime's end of the sockets that listen to a topic. */
const socketsOn = (ctx: DurableObjectState, topic: string) =>
  ctx
    .getWebSockets()
    .filter((socket) => parseRememberedSocket(socket.deserializeAttachment())?.topics.includes(topic));

/** Closes sockets behind the hub's back. */
const closeSocketsOn = (topic: string) =>
  runInDurableObject(hub(), (_, ctx) => {
    for (const socket of socketsOn(ctx, topic)) socket.close();
  });

async function expectDelivery(from: RelaySocket, to: RelaySocket, topic: string): Promise<void> {
  const message = { type: 'publish', topic, data: crypto.randomUUID() };
  from.send(message);
  expect(await from.next()).toEqual({ ...message, clients: 2 });
  expect(await to.next()).toEqual({ ...message, clients: 2 });
}

describe('protocol', () => {
  it('[HB1] delivers a publish to every subscriber through real sockets, and to nobody else', async () => {
    const [ada, bob] = await connectPair('delivery');
    const cleo = await RelaySocket.connect();
    await cleo.subscribe('another');
    await expectDelivery(ada, bob, 'delivery');
    await expectDelivery(bob, ada, 'delivery');
    expect(await cleo.settle()).toEqual([]);
  });

  it('[HB6] delivers nothing more after an unsubscribe', async () => {
    const [ada, bob] = await connectPair('leaving');
    bob.send({ type: 'unsubscribe', topics: ['leaving'] });
    await bob.settle();
    ada.send({ type: 'publish', topic: 'leaving' });
    expect(await ada.next()).toEqual({ type: 'publish', topic: 'leaving', clients: 1 });
    expect(await bob.settle()).toEqual([]);
  });

  it('[HB7] a socket that closes gets its close answered and is not counted any more', async () => {
    const [ada, bob] = await connectPair('goodbye');
    bob.close();
    expect(await bob.closed).toMatchObject({ code: expect.any(Number) });
    ada.send({ type: 'publish', topic: 'goodbye' });
    expect(await ada.next()).toEqual({ type: 'publish', topic: 'goodbye', clients: 1 });
  });

  it('[HB24] a receiver that cannot be reached costs nobody else a frame, and is not counted the next time', async () => {
    const [ada, bob] = await connectPair('unreachable');
    const eve = await RelaySocket.connect('/signaling', { answersClose: false });
    await eve.subscribe('unreachable', 'hers');
    await closeSocketsOn('hers');
    const message = { type: 'publish', topic: 'unreachable' };
    ada.send(message);
    expect(await ada.next()).toEqual({ ...message, clients: 3 });
    expect(await bob.next()).toEqual({ ...message, clients: 3 });
    ada.send(message);
    expect(await ada.next()).toEqual({ ...message, clients: 2 });
  });

  it('[HB7] a socket that fails is not counted any more', async () => {
    const [ada, bob] = await connectPair('failure');
    await bob.subscribe('failing');
    await runInDurableObject(hub(), (instance: Hub, ctx) => {
      for (const socket of socketsOn(ctx, 'failing')) instance.webSocketError(socket);
    });
    ada.send({ type: 'publish', topic: 'failure' });
    expect(await ada.next()).toEqual({ type: 'publish', topic: 'failure', clients: 1 });
  });
});

describe('bad input', () => {
  const tenThousandTopics = Array.from({ length: 10_000 }, (_, i) => i.toString(36));

  it.each<[SignalingErrorCode, string, string | ArrayBuffer]>([
    ['hub/not-json', 'no JSON', 'hello'],
    ['hub/unknown-type', 'an unknown type', '{"type":"shutdown"}'],
    ['hub/malformed', 'malformed fields', '{"type":"subscribe","topics":5}'],
    ['hub/not-subscribed', 'a publish to another topic', '{"type":"publish","topic":"bad input"}'],
    [
      'hub/too-many-topics',
      '10,000 topics',
      JSON.stringify({ type: 'subscribe', topics: tenThousandTopics }),
    ],
    ['hub/binary-frame', 'a binary frame', new Uint8Array([123, 125]).buffer],
  ])('[HB10] answers %s to %s, and others go on undisturbed', async (code, _what, frame) => {
    const [ada, bob] = await connectPair(code);
    const eve = await RelaySocket.connect();
    eve.sendRaw(frame);
    expect(await eve.next()).toEqual({ type: 'error', code, message: expect.any(String) });
    await expectDelivery(ada, bob, code);
    expect(await eve.settle()).toEqual([]);
  });

  it('[HB12] a topic of 1 MB is told and closed with 1009, and others go on undisturbed', async () => {
    const [ada, bob] = await connectPair('large');
    const eve = await RelaySocket.connect();
    eve.send({ type: 'subscribe', topics: ['x'.repeat(1_048_576)] });
    expect(await eve.next()).toMatchObject({ type: 'error', code: 'hub/frame-too-large' });
    expect(await eve.closed).toEqual({ code: 1009, reason: 'hub/frame-too-large' });
    await expectDelivery(ada, bob, 'large');
  });

  it('[HB18] strikes end in a close with 1008, and others go on undisturbed', async () => {
    const [ada, bob] = await connectPair('strikes');
    const eve = await RelaySocket.connect();
    await eve.subscribe('strikes');
    for (let i = 0; i < SIGNALING_LIMITS.strikes + 5; i++) eve.sendRaw('rubbish');
    for (let i = 0; i < SIGNALING_LIMITS.strikes; i++) {
      expect(await eve.next()).toMatchObject({ type: 'error', code: 'hub/not-json' });
    }
    expect(await eve.closed).toEqual({ code: 1008, reason: 'hub/too-many-strikes' });
    await expectDelivery(ada, bob, 'strikes');
  });

  it('[HB17] a flood is dropped, told of now and then, and closed; others go on undisturbed', async () => {
    const [ada, bob] = await connectPair('flood');
    const eve = await RelaySocket.connect();
    await eve.subscribe('hers');
    for (let i = 0; i < 2000; i++) eve.sendRaw('{"type":"publish","topic":"hers"}');
    expect(await eve.closed).toEqual({ code: 1008, reason: 'hub/too-many-strikes' });
    await expectDelivery(ada, bob, 'flood');
  });
});

describe('hibernation', () => {
  it('[HB23] answers y-webrtc’s ping byte for byte, without running any code', async () => {
    const ada = await RelaySocket.connect();
    const answeredAt = () =>
      runInDurableObject(hub(), (_, ctx) =>
        ctx.getWebSockets().map((ws) => ctx.getWebSocketAutoResponseTimestamp(ws)),
      );
    expect((await answeredAt()).filter(Boolean)).toEqual([]);
    ada.sendRaw(PING_FRAME);
    expect(await ada.next()).toEqual({ type: 'pong' });
    expect((await answeredAt()).filter(Boolean)).toHaveLength(1);
  });

  it('[HB21] sockets and their topics outlive the object’s instance', async () => {
    const [ada, bob] = await connectPair('sleeping');
    const cleo = await RelaySocket.connect();
    await cleo.subscribe('sleeping elsewhere');
    const before = await currentInstance();
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    await expectDelivery(ada, bob, 'sleeping');
    expect(await currentInstance()).not.toBe(before);
    expect(await cleo.settle()).toEqual([]);
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    const dan = await RelaySocket.connect();
    await dan.subscribe('sleeping elsewhere');
    await expectDelivery(dan, cleo, 'sleeping elsewhere');
  });

  it('[HB7] a socket that closes while the object sleeps is gone when it wakes', async () => {
    const [ada, bob] = await connectPair('left asleep');
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    bob.close();
    await bob.closed;
    ada.send({ type: 'publish', topic: 'left asleep' });
    expect(await ada.next()).toEqual({ type: 'publish', topic: 'left asleep', clients: 1 });
  });

  it('[HB7] a socket that was being closed when the object fell asleep is not woken again', async () => {
    const [ada] = await connectPair('closing');
    const eve = await RelaySocket.connect('/signaling', { answersClose: false });
    await eve.subscribe('closing', 'closing hers');
    await closeSocketsOn('closing hers');
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    ada.send({ type: 'publish', topic: 'closing' });
    expect(await ada.next()).toEqual({ type: 'publish', topic: 'closing', clients: 2 });
  });

  it('[HB22] a socket about which nothing readable is remembered is closed with 1012, to come back', async () => {
    const [ada, bob] = await connectPair('readable');
    const eve = await RelaySocket.connect();
    await eve.subscribe('unreadable');
    await runInDurableObject(hub(), (_, ctx) => {
      for (const socket of socketsOn(ctx, 'unreadable')) socket.serializeAttachment('of another time');
    });
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    await expectDelivery(ada, bob, 'readable');
    expect(await eve.closed).toEqual({ code: 1012, reason: 'hub/forgotten' });
  });

  it.each(['a', 'é', '€', '\ud800', '\u0000'])(
    '[HB15] the largest topics that the hub takes can be remembered, filled with %j',
    async (fill) => {
      const ada = await RelaySocket.connect();
      const count = SIGNALING_LIMITS.topics;
      const length = SIGNALING_LIMITS.topicsBytes / 2 / count;
      // One character outside Latin-1 makes the whole string take two bytes a character.
      const topics = Array.from({ length: count }, (_, i) => `☃${i}`.padEnd(length, fill));
      await ada.subscribe(...topics);
      ada.send({ type: 'subscribe', topics: ['x'] });
      expect(await ada.settle()).toMatchObject([{ code: 'hub/too-many-topics' }]);
      await evictDurableObject(hub(), { webSockets: 'hibernate' });
      for (const topic of topics) ada.send({ type: 'publish', topic });
      expect(await ada.settle()).toEqual(topics.map((topic) => ({ type: 'publish', topic, clients: 1 })));
    },
  );
});

describe('mailbox topics', () => {
  /** A session that has been written, and its topic. */
  async function openSession(): Promise<{ author: Author; topic: string }> {
    const author = await Author.create();
    await openMailbox(env).append(author.caller(), [await author.update()]);
    return { author, topic: mailboxTopic(author.sessionId) };
  }

  async function connectWith(
    topic: string,
    token: string,
  ): Promise<{ socket: RelaySocket; frames: unknown[] }> {
    const socket = await RelaySocket.connect();
    socket.send({ type: 'subscribe', topics: [topic], token });
    return { socket, frames: await socket.settle() };
  }

  const live = (topic: string) => ({ type: 'live', topic, envelope: 'AAAA' });

  it('[HB26] [HB28] the writer’s and the reader’s token open it, and live frames go from one to the other', async () => {
    const { author, topic } = await openSession();
    const [ada, bob] = [
      await connectWith(topic, await author.token('writer', { scope: 'read' })),
      await connectWith(topic, await author.token('reader', { scope: 'read' })),
    ];
    expect([...ada.frames, ...bob.frames]).toEqual([]);
    ada.socket.send(live(topic));
    expect(await bob.socket.next()).toEqual(live(topic));
    expect(await ada.socket.settle()).toEqual([]);
  });

  it('[HB26] a writer may listen before anything was written', async () => {
    const author = await Author.create();
    const { frames } = await connectWith(mailboxTopic(author.sessionId), await author.token());
    expect(frames).toEqual([]);
  });

  it('[HB26] an unknown session, a wrong key, a bad signature and a token for something else are refused alike', async () => {
    const { author, topic } = await openSession();
    const other = await Author.create();
    const refused = [
      [mailboxTopic(other.sessionId), await other.token('reader')],
      [topic, await other.token('reader', { sub: author.sessionId })],
      [topic, await author.token('writer', {}, { key: other.writer.privateKey })],
      [topic, await other.token()],
      [topic, await author.token('writer', { scope: 'write' })],
      [topic, await author.token('writer', { aud: 'https://elsewhere.example' })],
      [topic, 'nonsense'],
    ] as const;
    for (const [asked, token] of refused) {
      const { frames } = await connectWith(asked, token);
      expect(frames).toMatchObject([{ type: 'error', code: 'hub/token-refused' }]);
    }
  });

  const base64url = (value: unknown) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));

  it.each<[string, (x: string) => unknown]>([
    ['the private key', (x) => ({ kty: 'OKP', crv: 'Ed25519', x, d: x })],
    ['another member', (x) => ({ kty: 'OKP', crv: 'Ed25519', x, key_ops: [] })],
    ['another curve', (x) => ({ kty: 'OKP', crv: 'X25519', x })],
    ['a shorter key', (x) => ({ kty: 'OKP', crv: 'Ed25519', x: x.slice(0, -1) })],
    ['a longer key', (x) => ({ kty: 'OKP', crv: 'Ed25519', x: `${x}A` })],
    ['a key that is no text', () => ({ kty: 'OKP', crv: 'Ed25519', x: [] })],
    ['text in its place', (x) => x],
    ['a list in its place', () => []],
    ['nothing in its place', () => null],
  ])(
    '[HB26] [MB1] a token with %s in its header is refused as any other, though well signed',
    async (_, jwk) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const { author, topic } = await openSession();
      const [, claims] = (await author.token()).split('.');
      const connectWithKey = async (key: unknown) => {
        const signed = `${base64url({ alg: 'EdDSA', jwk: key })}.${claims}`;
        const signature = await crypto.subtle.sign(
          'Ed25519',
          author.writer.privateKey,
          new TextEncoder().encode(signed),
        );
        return connectWith(topic, `${signed}.${encodeBase64url(new Uint8Array(signature))}`);
      };
      const x = author.writer.publicKey;
      expect((await connectWithKey({ kty: 'OKP', crv: 'Ed25519', x })).frames).toEqual([]);
      const { socket, frames } = await connectWithKey(jwk(x));
      expect(frames).toMatchObject([{ type: 'error', code: 'hub/token-refused' }]);
      expect(await socket.settle()).toEqual([]);
      expect(log).not.toHaveBeenCalled();
      log.mockRestore();
    },
  );

  it('[HB21] [HB27] a subscription outlives the object’s memory, and a published frame wakes it', async () => {
    const { author, topic } = await openSession();
    const { socket } = await connectWith(topic, await author.token());
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    await hub().publish(topic, '{"type":"mailbox"}');
    expect(await socket.next()).toEqual({ type: 'mailbox' });
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    // Where the socket came from is remembered, too: a token is still held against it.
    const second = await Author.create();
    socket.send({ type: 'subscribe', topics: [mailboxTopic(second.sessionId)], token: await second.token() });
    expect(await socket.settle()).toEqual([]);
  });

  it('[HB32] [HB21] what readers say live is bounded for all of them together, also after their roles were remembered', async () => {
    const { author, topic } = await openSession();
    const tokens = [await author.token('writer'), await author.token('reader'), await author.token('reader')];
    const [ada, eve, mallory] = await Promise.all(
      tokens.map(async (token) => (await connectWith(topic, token)).socket),
    );
    if (!ada || !eve || !mallory) throw new Error('not connected');
    await evictDurableObject(hub(), { webSockets: 'hibernate' });
    const before = Date.now();
    for (const reader of [eve, mallory]) {
      for (let count = 0; count < SIGNALING_LIMITS.liveBurst; count++) reader.send(live(topic));
      await reader.settle();
    }
    const refilled = Math.ceil(((Date.now() - before) / 1000) * SIGNALING_LIMITS.readersLivePerSecond);
    const arrived = await ada.settle();
    expect(arrived.length).toBeGreaterThanOrEqual(SIGNALING_LIMITS.readersLiveBurst);
    expect(arrived.length).toBeLessThanOrEqual(SIGNALING_LIMITS.readersLiveBurst + refilled);
    const answer = { ...live(topic), envelope: 'BBBB' };
    ada.send(answer);
    await ada.settle();
    expect((await eve.settle()).at(-1)).toEqual(answer);
  });

  it('[HB41] a mailbox of which another shard hears closes the socket with 1012, and is open there', async () => {
    const author = await Author.create();
    const there = env.HUB.get(env.HUB.idFromName(hubNameOf(author.sessionId, 4)));
    const spread = (shards: string | undefined) =>
      Promise.all(
        [hub(), there].map((stub) =>
          runInDurableObject(stub, (instance: Hub) => {
            Object.assign(instance, { env: { ...env, SIGNALING_SHARDS: shards } });
          }),
        ),
      );
    await spread('4');
    const subscribe = {
      ...{ type: 'subscribe', topics: [mailboxTopic(author.sessionId)] },
      token: await author.token(),
    };
    const here = await RelaySocket.connect();
    here.send(subscribe);
    expect(await here.closed).toEqual({ code: 1012, reason: 'hub/elsewhere' });
    const { webSocket } = await there.fetch('https://relay.example/signaling', {
      headers: { Upgrade: 'websocket' },
    });
    if (!webSocket) throw new Error('no WebSocket');
    const socket = new RelaySocket(webSocket, true);
    socket.send(subscribe);
    expect(await socket.settle()).toEqual([]);
    await spread(undefined);
  });

  it('[HB31] [HB30] a database that fails closes the socket with 1013, after what was sent before', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const author = await Author.create();
    const socket = await RelaySocket.connect();
    await runInDurableObject(hub(), (instance: Hub) => {
      const broken = {
        prepare: () => ({ bind: () => ({}) }),
        batch: () => Promise.reject(new Error('secret')),
      };
      Object.assign(instance, { env: { ...env, DB: broken } });
    });
    socket.send({
      ...{ type: 'subscribe', topics: [mailboxTopic(author.sessionId)] },
      token: await author.token('reader'),
    });
    expect(await socket.closed).toEqual({ code: 1013, reason: 'hub/unavailable' });
    expect(log).toHaveBeenCalledOnce();
    expect(String(log.mock.calls[0]?.[0])).not.toContain('secret');
    await runInDurableObject(hub(), (instance: Hub) => {
      Object.assign(instance, { env });
    });
    log.mockRestore();
  });
});
