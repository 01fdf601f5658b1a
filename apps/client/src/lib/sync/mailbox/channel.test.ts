import { beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64url } from '@parley/signaling/base64url';
import { mailboxTopic, type MailboxFrame } from '@parley/signaling/mailbox';
import { pauseBefore } from './back-off.ts';
import { HubChannel, type ChannelSocket } from './channel.ts';

const sessionId = 's'.repeat(22);
const topic = mailboxTopic(sessionId);

class FakeSocket implements ChannelSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: { type: string; [field: string]: unknown }[] = [];
  closed = false;

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as { type: string });
  }

  close(): void {
    this.closed = true;
  }

  tell(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }

  /** The hub lets it in: it opens, the subscription is sent, and the hub has dealt with it. */
  async admit(): Promise<void> {
    this.onopen?.();
    await Promise.resolve();
    await Promise.resolve();
    this.tell({ type: 'pong' });
  }
}

/** A clock that moves when the test says so. */
class Clock {
  now = 0;
  #pending: { at: number; action: () => void }[] = [];

  after = (milliseconds: number, action: () => void) => {
    const entry = { at: this.now + milliseconds, action };
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  };

  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const [next] = this.#pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#pending = this.#pending.filter((other) => other !== next);
      this.now = next.at;
      next.action();
    }
    this.now = end;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }
}

let clock = new Clock();
let sockets: FakeSocket[] = [];
let told: (string | MailboxFrame)[] = [];
let tokens = 0;
let events = new EventTarget();
let isOnline = true;

beforeEach(() => {
  isOnline = true;
  clock = new Clock();
  [sockets, told, tokens, events] = [[], [], 0, new EventTarget()];
});

function open(random = () => 0.5): HubChannel {
  let token = 'first';
  return new HubChannel({
    sessionId,
    listener: {
      up: () => told.push('up'),
      down: () => told.push('down'),
      frame: (frame) => told.push(frame),
    },
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    tokens: {
      token: () => Promise.resolve(token),
      renew: () => (token = `renewed ${(tokens += 1)}`),
    },
    surroundings: { after: clock.after, random },
    events,
    isOnline: () => isOnline,
  });
}

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('nothing was connected');
  return socket;
}

describe('channel', () => {
  test('[HB26] subscribes with a token, and is up once the hub has dealt with that', async () => {
    open();
    latest().onopen?.();
    await Promise.resolve();
    await Promise.resolve();
    expect(latest().sent[0]).toEqual({ type: 'subscribe', topics: [topic], token: 'first' });
    expect(told).toEqual([]);
    latest().tell({ type: 'pong' });
    expect(told).toEqual(['up']);
  });

  test('[HB26] a refused token is replaced, after a pause', async () => {
    open();
    latest().onopen?.();
    await Promise.resolve();
    await Promise.resolve();
    const refused = latest();
    refused.tell({ type: 'error', code: 'hub/token-refused', message: '' });
    // The hub answers the ping behind it as well; that is no subscription.
    refused.tell({ type: 'pong' });
    expect(refused.closed).toBe(true);
    expect(sockets).toHaveLength(1);
    clock.pass(1_000);
    await latest().admit();
    expect(latest().sent[0]).toMatchObject({ token: 'renewed 1' });
    expect(told).toEqual(['down', 'up']);
  });

  test('[MB11] [HB28] passes on what belongs to this mailbox, and nothing else', async () => {
    open();
    await latest().admit();
    const news = { type: 'mailbox', topic, epoch: 'e'.repeat(22), head: 1, current: null, envelopes: ['AA'] };
    const live = { type: 'live', topic, envelope: 'AA' };
    latest().tell(news);
    latest().tell(live);
    for (const other of [
      { ...live, topic: mailboxTopic('t'.repeat(22)) },
      { ...news, head: -1 },
      { type: 'publish', topic, data: 'x' },
      { type: 'error', code: 'hub/too-fast', message: '' },
      'not json',
      'null',
      '[]',
    ]) {
      latest().tell(other);
    }
    expect(told).toEqual(['up', news, live]);
  });

  test('[HB28] sends what is small enough while it is up, and drops the rest', async () => {
    const channel = open();
    channel.send(Uint8Array.of(1));
    await latest().admit();
    channel.send(Uint8Array.of(1, 2));
    channel.send(new Uint8Array(24 * 1024 + 1));
    const live = latest().sent.filter(({ type }) => type === 'live');
    expect(live).toEqual([{ type: 'live', topic, envelope: encodeBase64url(Uint8Array.of(1, 2)) }]);
  });

  test('[SY17] a lost connection comes back after a random part of 1, 2, 4 … 60 seconds', () => {
    open();
    for (const span of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const known = sockets.length;
      latest().onclose?.();
      clock.pass(span * 500 - 1);
      expect(sockets).toHaveLength(known);
      clock.pass(1);
      expect(sockets).toHaveLength(known + 1);
    }
    expect(pauseBefore(3, () => 0)).toBe(0);
    expect(pauseBefore(3, () => 0.999)).toBeLessThan(8_000);
  });

  test('what lasted begins again with a short pause; what was hung up at once does not', async () => {
    open();
    for (let attempt = 0; attempt < 5; attempt++) {
      await latest().admit();
      latest().onclose?.();
      clock.pass(60_000);
    }
    await latest().admit();
    clock.pass(20_000);
    latest().onclose?.();
    const known = sockets.length;
    clock.pass(500);
    expect(sockets).toHaveLength(known + 1);
  });

  test('tells of each loss once, and comes up again', async () => {
    open();
    await latest().admit();
    const first = latest();
    first.onclose?.();
    first.onclose?.();
    clock.pass(1_000);
    // Late words of the old connection count for nothing.
    first.tell({ type: 'pong' });
    expect(told).toEqual(['up', 'down']);
    await latest().admit();
    expect(told).toEqual(['up', 'down', 'up']);
  });

  test('[SY17] comes back at once when the device comes online', () => {
    open();
    for (let lost = 0; lost < 6; lost++) {
      latest().onclose?.();
      clock.pass(60_000);
    }
    latest().onclose?.();
    const known = sockets.length;
    events.dispatchEvent(new Event('online'));
    expect(sockets).toHaveLength(known + 1);
    // The pause that was under way does not make a second one.
    clock.pass(30_000);
    expect(sockets).toHaveLength(known + 1);
  });

  test('is down while the device is offline or the page away, without trying', async () => {
    open();
    await latest().admit();
    for (const [away, back] of [
      ['offline', 'online'],
      ['pagehide', 'pageshow'],
    ] as const) {
      const known = sockets.length;
      isOnline = away !== 'offline';
      events.dispatchEvent(new Event(away));
      expect(latest().closed).toBe(true);
      clock.pass(600_000);
      expect(sockets).toHaveLength(known);
      isOnline = true;
      events.dispatchEvent(new Event(back));
      expect(sockets).toHaveLength(known + 1);
      await latest().admit();
    }
    expect(told).toEqual(['up', 'down', 'up', 'down', 'up']);
  });

  test('[SY23] a device that is offline from the beginning, or when the page comes back, does not try', () => {
    isOnline = false;
    open();
    events.dispatchEvent(new Event('pageshow'));
    clock.pass(600_000);
    expect(sockets).toHaveLength(0);
    isOnline = true;
    events.dispatchEvent(new Event('online'));
    expect(sockets).toHaveLength(1);
  });

  test('[SY23] tells of each attempt that fails', () => {
    open();
    latest().onclose?.();
    expect(told).toEqual(['down']);
    clock.pass(1_000);
    latest().onclose?.();
    expect(told).toEqual(['down', 'down']);
  });

  test('[HB23] a hidden page, whose timers wake once a minute, keeps its connection', async () => {
    // Browsers hold back the timers of a page that was hidden for long: whatever is due fires with the next full minute.
    const { after } = clock;
    clock.after = (milliseconds, action) =>
      after(Math.ceil((clock.now + milliseconds + 1) / 60_000) * 60_000 - clock.now, action);
    open();
    await latest().admit();
    for (let minute = 0; minute < 30; minute++) {
      clock.pass(60_000);
      latest().tell({ type: 'pong' });
    }
    expect(sockets).toHaveLength(1);
    expect(told).toEqual(['up']);
  });

  test('[HB23] pings, and takes a connection that has gone silent for lost', async () => {
    open();
    await latest().admit();
    const socket = latest();
    clock.pass(15_000);
    expect(socket.sent.at(-1)).toEqual({ type: 'ping' });
    socket.tell({ type: 'pong' });
    clock.pass(34_999);
    expect(socket.closed).toBe(false);
    clock.pass(1);
    expect(socket.closed).toBe(true);
    expect(told).toEqual(['up', 'down']);
  });

  test('a connection that never opens is given up', () => {
    open();
    clock.pass(36_000);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.closed).toBe(true);
  });

  test('a closed channel is quiet for good', async () => {
    const channel = open();
    await latest().admit();
    channel.close();
    channel.close();
    events.dispatchEvent(new Event('online'));
    expect(sockets).toHaveLength(1);
    expect(latest().closed).toBe(true);
    expect(clock.isIdle).toBe(true);
    expect(told).toEqual(['up', 'down']);
  });
});
