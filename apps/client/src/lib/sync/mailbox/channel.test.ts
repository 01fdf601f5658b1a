import { beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64url } from '@parley/signaling/base64url';
import { mailboxTopic, type MailboxFrame } from '@parley/signaling/mailbox';
import type { HubUser } from '../hub-socket.ts';
import { ManualClock } from '../manual-clock.ts';
import { HubChannel } from './channel.ts';

const sessionId = 's'.repeat(22);
const topic = mailboxTopic(sessionId);

/** A hub's socket that is up when the test says so. */
class FakeHub {
  user: HubUser | null = null;
  renewed = 0;
  sent: { type: string; [field: string]: unknown }[] = [];

  attach(user: HubUser): () => void {
    this.user = user;
    return () => (this.user = null);
  }

  send(frame: string): boolean {
    this.sent.push(JSON.parse(frame) as { type: string });
    return true;
  }

  renew(): void {
    this.renewed += 1;
    this.user?.down();
  }

  tell(frame: unknown): void {
    this.user?.message(frame);
  }

  /** It opens, and the subscription is sent. */
  async open(): Promise<void> {
    this.user?.up();
    await Promise.resolve();
    await Promise.resolve();
  }

  /** It opens, the subscription is sent, and the hub has dealt with it. */
  async admit(): Promise<void> {
    await this.open();
    this.tell({ type: 'pong' });
  }
}

let clock = new ManualClock();
let hub = new FakeHub();
let told: (string | MailboxFrame)[] = [];
let makeToken: () => Promise<string>;

beforeEach(() => {
  [clock, hub, told] = [new ManualClock(), new FakeHub(), []];
  makeToken = () => Promise.resolve('first');
});

function open(): HubChannel {
  return new HubChannel({
    sessionId,
    listener: {
      up: () => told.push('up'),
      down: () => told.push('down'),
      frame: (frame) => told.push(frame),
    },
    hub,
    tokens: { token: () => makeToken(), renew: () => (makeToken = () => Promise.resolve('renewed')) },
    surroundings: clock,
  });
}

describe('channel', () => {
  test('[HB26] subscribes with a token, and is up once the hub has dealt with that', async () => {
    open();
    await hub.open();
    expect(hub.sent[0]).toEqual({ type: 'subscribe', topics: [topic], token: 'first' });
    expect(told).toEqual([]);
    hub.tell({ type: 'pong' });
    hub.tell({ type: 'pong' });
    expect(told).toEqual(['up']);
  });

  test('[HB26] a refused token is replaced, with another connection', async () => {
    open();
    await hub.open();
    hub.tell({ type: 'error', code: 'hub/token-refused', message: '' });
    expect(hub.renewed).toBe(1);
    await hub.admit();
    expect(hub.sent.filter(({ type }) => type === 'subscribe').at(-1)).toMatchObject({ token: 'renewed' });
    expect(told).toEqual(['down', 'up']);
  });

  test('a token that cannot be made, or one that comes after the connection has gone, does no harm', async () => {
    open();
    makeToken = () => Promise.reject(new Error('no key'));
    await hub.open();
    await Promise.resolve();
    expect(hub.renewed).toBe(1);
    const late = Promise.withResolvers<string>();
    makeToken = () => late.promise;
    await hub.open();
    hub.user?.down();
    late.resolve('late');
    await hub.open();
    expect(hub.sent.filter(({ type }) => type === 'subscribe')).toHaveLength(1);
  });

  test('a hub that does not admit it is given up', async () => {
    open();
    await hub.open();
    clock.pass(34_999);
    expect(hub.renewed).toBe(0);
    clock.pass(1);
    expect([hub.renewed, told]).toEqual([1, ['down']]);
    await hub.admit();
    clock.pass(100_000);
    expect([hub.renewed, told]).toEqual([1, ['down', 'up']]);
  });

  test('[MB11] [HB28] passes on what belongs to this mailbox, and nothing else', async () => {
    open();
    await hub.admit();
    const news = { type: 'mailbox', topic, epoch: 'e'.repeat(22), head: 1, current: null, envelopes: ['AA'] };
    const live = { type: 'live', topic, envelope: 'AA' };
    hub.tell(news);
    hub.tell(live);
    for (const other of [
      { ...live, topic: mailboxTopic('t'.repeat(22)) },
      { ...news, head: -1 },
      { type: 'publish', topic, data: 'x' },
      { type: 'error', code: 'hub/too-fast', message: '' },
      undefined,
      null,
      [],
    ]) {
      hub.tell(other);
    }
    expect(told).toEqual(['up', news, live]);
  });

  test('[HB28] sends what is small enough while it is up, and drops the rest', async () => {
    const channel = open();
    channel.send(Uint8Array.of(1));
    await hub.admit();
    channel.send(Uint8Array.of(1, 2));
    channel.send(new Uint8Array(24 * 1024 + 1));
    hub.user?.down();
    channel.send(Uint8Array.of(3));
    const live = hub.sent.filter(({ type }) => type === 'live');
    expect(live).toEqual([{ type: 'live', topic, envelope: encodeBase64url(Uint8Array.of(1, 2)) }]);
  });

  test('[SY23] tells of each attempt that fails', () => {
    open();
    hub.user?.down();
    hub.user?.down();
    expect(told).toEqual(['down', 'down']);
  });

  test('[HB6] once closed it ends its subscription, and is quiet for good', async () => {
    const channel = open();
    await hub.admit();
    channel.close();
    channel.close();
    expect([hub.user, clock.isIdle, told]).toEqual([null, true, ['up', 'down']]);
    expect(hub.sent.at(-1)).toEqual({ type: 'unsubscribe', topics: [topic] });
  });
});
