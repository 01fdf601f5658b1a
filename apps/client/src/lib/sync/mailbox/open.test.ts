import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys } from '../../session/keys.ts';
import { thisBrowser } from '../browser.ts';
import { HubSocket, type HubConnection } from '../hub-socket.ts';
import { openMailbox, type Mailbox } from './open.ts';
import { openMailboxStorage, type ClosableStorage } from './storage.ts';
import { TokenSource } from './token.ts';
import type { StoredMailbox } from './stored.ts';

vi.mock('./storage.ts');

let events: EventTarget;
let asked: RequestInit[] = [];
let awareness: Awareness;
let hub: HubSocket;
let socket: HubConnection & { readonly sent: string[] };
const subscribed = vi.fn();

beforeEach(() => {
  asked = [];
  // Whatever fails is tried again late.
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  events = new EventTarget();
  const listening = {
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
  };
  vi.stubGlobal('addEventListener', listening.addEventListener);
  vi.stubGlobal('removeEventListener', listening.removeEventListener);
  vi.stubGlobal('document', { visibilityState: 'visible', ...listening });
  vi.stubGlobal('window', listening);
  vi.stubGlobal('navigator', { onLine: true });
  vi.stubGlobal('fetch', (_: string, request: RequestInit) => {
    asked.push(request);
    return Promise.reject(new TypeError('no network'));
  });
  const sent: string[] = [];
  socket = {
    ...{ onopen: null, onmessage: null, onclose: null, sent },
    send: (frame) => void sent.push(frame),
    close: () => undefined,
  };
  subscribed.mockClear();
  hub = new HubSocket({
    connect: () => socket,
    surroundings: { after: () => () => undefined, random: () => 0 },
    events,
    isOnline: () => true,
  });
});

afterEach(() => {
  awareness.destroy();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function open(storage: Promise<ClosableStorage<StoredMailbox>>): Promise<Mailbox> {
  vi.mocked(openMailboxStorage<StoredMailbox>).mockReturnValue(storage);
  const keys = await deriveEditKeys(new Uint8Array(32).fill(6));
  const doc = new Y.Doc();
  awareness = new Awareness(doc);
  const relay = 'https://relay.invalid';
  return openMailbox({
    ...{ sessionId: keys.sessionId, doc, awareness, keys, view: keys.view },
    browser: thisBrowser,
    relay,
    hub,
    tokens: new TokenSource({ ...keys, relay, reader: keys.view.reader, now: () => 0 }),
    access: () => null,
    committed: () => Promise.resolve(true),
    reachesDirectly: () => false,
    onSubscribed: subscribed,
    onStatus: () => undefined,
    onPoisoned: () => undefined,
  });
}

/** Resolves once everything that waits for nothing has been done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Whether it has come to its end, once everything that waits for nothing has been done. */
async function hasEnded(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => 'ended'), turn()])) === 'ended';
}

describe('a mailbox that is closed', () => {
  it('while its storage is being opened closes that, too, and does nothing else', async () => {
    const opening = Promise.withResolvers<ClosableStorage<StoredMailbox>>();
    const storage = { read: vi.fn(() => Promise.resolve({})), write: vi.fn(), close: vi.fn() };
    const attached = vi.spyOn(hub, 'attach');
    const mailbox = await open(opening.promise);
    const closing = mailbox.close();
    expect(await hasEnded(closing)).toBe(false);
    opening.resolve(storage);
    await closing;
    expect(storage.close).toHaveBeenCalledOnce();
    await turn();
    expect([storage.write.mock.calls.length, attached.mock.calls.length]).toEqual([0, 0]);
  });

  it('lets what is on its way to the device get there, and closes the storage after that', async () => {
    const written = Promise.withResolvers<boolean>();
    // What did not end well three times is put aside at once.
    const stored = { applying: { hashes: ['hash'], attempts: 3 } };
    const write = vi.fn(() => written.promise.then(() => undefined));
    const storage = { read: () => Promise.resolve(stored), write, close: vi.fn() };
    const mailbox = await open(Promise.resolve(storage));
    await vi.waitFor(() => expect(write).toHaveBeenCalledOnce());
    const closing = mailbox.close();
    expect(await hasEnded(closing)).toBe(false);
    expect(storage.close).not.toHaveBeenCalled();
    written.resolve(true);
    await closing;
    expect(storage.close).toHaveBeenCalledOnce();
  });
});

describe('a mailbox’s topic', () => {
  it('[ME11] is subscribed to once the hub has answered, not once its connection is open', async () => {
    const storage = { read: () => Promise.resolve({}), write: () => Promise.resolve(), close: vi.fn() };
    const attached = vi.spyOn(hub, 'attach');
    const mailbox = await open(Promise.resolve(storage));
    await vi.waitFor(() => expect(attached).toHaveBeenCalled());
    socket.onopen?.(new Event('open') as never);
    await vi.waitFor(() =>
      expect(socket.sent.map((frame) => frame.slice(0, 19))).toContain('{"type":"subscribe"'),
    );
    expect(subscribed).not.toHaveBeenCalled();
    socket.onmessage?.({ data: '{"type":"pong"}' } as never);
    expect(subscribed.mock.calls).toEqual([[true]]);
    socket.onclose?.(new Event('close') as never);
    expect(subscribed).toHaveBeenLastCalledWith(false);
    await mailbox.close();
  });
});

describe('a mailbox whose relay does not answer', () => {
  it('is closed all the same, and what is under way ends', async () => {
    const storage = { read: () => Promise.resolve({}), write: () => Promise.resolve(), close: vi.fn() };
    const signals: AbortSignal[] = [];
    vi.stubGlobal('fetch', (_: string, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const mailbox = await open(Promise.resolve(storage));
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    await mailbox.close();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(storage.close).toHaveBeenCalledOnce();
  });
});

describe('a page that goes away', () => {
  it('[SY24] sends what is sealed in a request that outlives it, and asks for the log when it comes back', async () => {
    const storage = { read: () => Promise.resolve({}), write: () => Promise.resolve(), close: vi.fn() };
    const mailbox = await open(Promise.resolve(storage));
    await vi.waitFor(() => expect(asked.map(({ method }) => method)).toEqual(['GET']));
    awareness.doc.getText('text').insert(0, 'a last word');
    const hide = () => events.dispatchEvent(new Event('pagehide'));
    await vi.waitFor(() => {
      hide();
      expect(asked.at(-1)).toMatchObject({ method: 'POST', keepalive: true });
    });
    const before = asked.length;
    hide();
    // In the moment in which it goes away: there may be no other.
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    expect(asked).toHaveLength(before + 1);
    const asksAgain = () => asked.slice(before + 1).map(({ method, keepalive }) => [method, keepalive]);
    events.dispatchEvent(new Event('pageshow'));
    await turn();
    expect(asksAgain()).toEqual([['GET', false]]);
    await mailbox.close();
    hide();
    await turn();
    expect(asksAgain()).toHaveLength(1);
  });
});
