import { beforeEach, describe, expect, it } from 'vitest';
import { pauseBefore } from './back-off.ts';
import { HubSocket, type HubConnection } from './hub-socket.ts';
import { ManualClock } from './manual-clock.ts';

class FakeConnection implements HubConnection {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: unknown[] = [];
  closed = false;

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(): void {
    this.closed = true;
  }

  tell(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
}

let clock = new ManualClock();
let sockets: FakeConnection[] = [];
let told: unknown[] = [];
let events = new EventTarget();
let isOnline = true;

beforeEach(() => {
  isOnline = true;
  clock = new ManualClock();
  [sockets, told, events] = [[], [], new EventTarget()];
});

function open(random = () => 0.5): HubSocket {
  return new HubSocket({
    connect: () => {
      const socket = new FakeConnection();
      sockets.push(socket);
      return socket;
    },
    surroundings: { after: clock.after, random },
    events,
    isOnline: () => isOnline,
  });
}

const user = (name = '') => ({
  up: () => void told.push(`${name}up`),
  down: () => void told.push(`${name}down`),
  message: (json: unknown) => void told.push(json),
});

function openWithUser(): HubSocket {
  const hub = open();
  hub.attach(user());
  return hub;
}

function latest(): FakeConnection {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('nothing was connected');
  return socket;
}

describe('the socket to the hub', () => {
  it('is one for all who use it: each hears when it is up and down, and every frame', () => {
    const hub = open();
    hub.attach(user('first '));
    latest().onopen?.();
    hub.attach(user('second '));
    expect(told).toEqual(['first up', 'second up']);
    latest().tell({ type: 'publish' });
    latest().onclose?.();
    expect(sockets).toHaveLength(1);
    expect(told.slice(2)).toEqual([{ type: 'publish' }, { type: 'publish' }, 'first down', 'second down']);
  });

  it('tells nothing more to who has gone, not even in the middle', () => {
    const hub = open();
    const leave = hub.attach(user('first '));
    hub.attach({ ...user(), up: () => leaveThird() });
    const leaveThird = hub.attach(user('third '));
    leave();
    latest().onopen?.();
    expect(told).toEqual([]);
  });

  it('sends while it is open, and says so when it is not', () => {
    const hub = open();
    expect([hub.isUp, hub.send('{}')]).toEqual([false, false]);
    latest().onopen?.();
    expect([hub.isUp, hub.send('{"type":"x"}'), latest().sent]).toEqual([true, true, [{ type: 'x' }]]);
  });

  it('hands on what is no JSON as nothing, and survives what is not text', () => {
    openWithUser();
    latest().onopen?.();
    latest().tell('not json');
    latest().tell('null');
    latest().onmessage?.({ data: new ArrayBuffer(3) });
    expect(told).toEqual(['up', undefined, null]);
  });

  it('[SY17] a lost connection comes back after a random part of 1, 2, 4 … 60 seconds', () => {
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

  it('[SY17] one that is no good to a user is replaced after a pause, and everybody hears of it', () => {
    const hub = openWithUser();
    latest().onopen?.();
    hub.renew();
    hub.renew();
    expect([latest().closed, sockets.length, told]).toEqual([true, 1, ['up', 'down']]);
    clock.pass(1_000);
    expect(sockets).toHaveLength(2);
  });

  it('what lasted begins again with a short pause; what was hung up at once does not', () => {
    open();
    for (let attempt = 0; attempt < 5; attempt++) {
      latest().onopen?.();
      latest().onclose?.();
      clock.pass(60_000);
    }
    latest().onopen?.();
    clock.pass(20_000);
    latest().onclose?.();
    const known = sockets.length;
    clock.pass(500);
    expect(sockets).toHaveLength(known + 1);
  });

  it('tells of each loss once, and comes up again', () => {
    openWithUser();
    latest().onopen?.();
    const first = latest();
    first.onclose?.();
    first.onclose?.();
    clock.pass(1_000);
    // Late words of the old connection count for nothing.
    first.tell({ type: 'late' });
    first.onopen?.();
    expect(told).toEqual(['up', 'down']);
    latest().onopen?.();
    expect(told).toEqual(['up', 'down', 'up']);
  });

  it('[SY17] comes back at once when the device comes online', () => {
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

  it('[SY26] [SY27] is opened anew at once when it is to be asked otherwise, also where it is open', () => {
    const hub = openWithUser();
    sockets[0]?.onclose?.();
    hub.reopen();
    expect(sockets).toHaveLength(2);
    // One that is still being refused is not waited for.
    hub.reopen();
    expect([sockets.length, sockets[1]?.closed]).toEqual([3, true]);
    sockets[2]?.onopen?.();
    hub.reopen();
    expect([sockets.length, sockets[2]?.closed, hub.isUp, told.at(-1)]).toEqual([4, true, false, 'down']);
    sockets[3]?.onopen?.();
    // What ends late belongs to the connection of before.
    sockets[2]?.onclose?.();
    expect([sockets.length, hub.isUp, told.at(-1)]).toEqual([4, true, 'up']);
    isOnline = false;
    events.dispatchEvent(new Event('offline'));
    hub.reopen();
    expect(sockets).toHaveLength(4);
    isOnline = true;
    hub.close();
    hub.reopen();
    expect(sockets).toHaveLength(4);
  });

  it('is down while the device is offline or the page away, without trying', () => {
    openWithUser();
    latest().onopen?.();
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
      latest().onopen?.();
    }
    expect(told).toEqual(['up', 'down', 'up', 'down', 'up']);
  });

  it('is still open for the last words of those who listened before they attached', () => {
    const hub = open();
    latest().onopen?.();
    events.addEventListener('pagehide', () => hub.send('{"type":"goodbye"}'));
    hub.attach(user());
    events.dispatchEvent(new Event('pagehide'));
    expect(latest().sent).toEqual([{ type: 'goodbye' }]);
    expect(latest().closed).toBe(true);
  });

  it('[SY23] a device that is offline from the beginning, or when the page comes back, does not try', () => {
    isOnline = false;
    open();
    events.dispatchEvent(new Event('pageshow'));
    clock.pass(600_000);
    expect(sockets).toHaveLength(0);
    isOnline = true;
    events.dispatchEvent(new Event('online'));
    expect(sockets).toHaveLength(1);
  });

  it('[SY23] tells of each attempt that fails', () => {
    openWithUser();
    latest().onclose?.();
    expect(told).toEqual(['down']);
    clock.pass(1_000);
    latest().onclose?.();
    expect(told).toEqual(['down', 'down']);
  });

  it('[HB23] a hidden page, whose timers wake once a minute, keeps its connection', () => {
    // Browsers hold back the timers of a page that was hidden for long: whatever is due fires with the next full minute.
    const { after } = clock;
    clock.after = (milliseconds, action) =>
      after(Math.ceil((clock.now + milliseconds + 1) / 60_000) * 60_000 - clock.now, action);
    openWithUser();
    latest().onopen?.();
    for (let minute = 0; minute < 30; minute++) {
      clock.pass(60_000);
      latest().tell({ type: 'pong' });
    }
    expect(sockets).toHaveLength(1);
    expect(told).toEqual(['up']);
  });

  it('[HB23] pings, and takes a connection that has gone silent for lost', () => {
    openWithUser();
    latest().onopen?.();
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

  it('keeps the answers to its own pings to itself, and hands on those to the users’', () => {
    openWithUser();
    latest().onopen?.();
    clock.pass(15_000);
    // A user has asked, too: two answers come, and one is its own.
    latest().tell({ type: 'pong' });
    expect(told).toEqual(['up']);
    latest().tell({ type: 'pong' });
    expect(told).toEqual(['up', { type: 'pong' }]);
  });

  it('a connection that never opens is given up', () => {
    open();
    clock.pass(36_000);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.closed).toBe(true);
  });

  it('once closed it is quiet for good', () => {
    const hub = openWithUser();
    latest().onopen?.();
    hub.close();
    hub.close();
    events.dispatchEvent(new Event('online'));
    expect(sockets).toHaveLength(1);
    expect(latest().closed).toBe(true);
    expect(clock.isIdle).toBe(true);
    expect(told).toEqual(['up', 'down']);
  });
});
