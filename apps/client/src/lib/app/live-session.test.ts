import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deriveEditKeys } from '../session/keys.ts';
import { formatLink } from '../session/link.ts';
import { NOT_CONNECTED } from '../sync/connection-facts.ts';
import type { ConnectionsOptions } from '../sync/connections.ts';
import { LiveSession } from './live-session.svelte.ts';

const parts = vi.hoisted(() => {
  // What the compiler makes of runes is not what is put to the test here, nor what a browser does.
  const rune = <Value>(value: Value) => value;
  vi.stubGlobal('$state', Object.assign(rune, { raw: rune }));
  vi.stubGlobal('$effect', { root: () => () => undefined });
  vi.stubGlobal('__RELAY_URL__', 'https://relay.example');
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  const locks = { request: () => Promise.reject(new Error('no locks')) };
  vi.stubGlobal('navigator', { onLine: true, locks });
  return {
    stores: [] as { state: string; discard: () => void }[],
    connections: [] as { options: ConnectionsOptions; close: () => Promise<void>; closed: () => void }[],
  };
});

vi.mock('./session-list.svelte.ts', () => {
  const known = new Map<string, object>();
  const put = (record: { id: string }) => Promise.resolve(known.set(record.id, record));
  const sessions = { load: () => Promise.resolve(), find: (id: string) => known.get(id), put };
  return { openLock: (id: string) => id, sessions: { ...sessions, keeps: () => true } };
});
vi.mock('./this-person.svelte.ts', () => ({ thisPerson: { load: () => Promise.resolve(), current: {} } }));
vi.mock('./install.svelte.ts', () => ({ install: { offer: () => undefined } }));
vi.mock('../sync/device.ts', () => {
  const open = () => {
    const common = { state: 'saved', unreadable: 0, close: () => undefined };
    const store = { ...common, discard: vi.fn(), settled: () => Promise.resolve() };
    parts.stores.push(store);
    return Promise.resolve(store);
  };
  return { DeviceStore: { open } };
});
vi.mock('./this-device.svelte.ts', () => ({
  thisDevice: { load: () => Promise.resolve(), relayOnly: false },
}));
vi.mock('../sync/connections.ts', () => ({
  Connections: class {
    readonly flush = () => undefined;
    readonly close: () => Promise<void>;
    constructor(options: ConnectionsOptions) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.close = vi.fn(() => promise.then(() => undefined));
      parts.connections.push({ options, close: this.close, closed: () => resolve(true) });
    }
  },
}));

const { stores, connections } = parts;
let address = { id: '', fragment: '' };

beforeAll(async () => {
  const secret = new Uint8Array(32).fill(5);
  const { sessionId } = await deriveEditKeys(secret);
  const link = await formatLink(sessionId, 'e', secret);
  address = { id: sessionId, fragment: link.slice(link.indexOf('#')) };
});

afterEach(() => {
  for (const list of [stores, connections]) list.length = 0;
});

const open = async () => (await LiveSession.open(address.id, address.fragment)).session;
const only = <Part>(list: readonly Part[]): Part => {
  const [part] = list;
  if (!part || list.length > 1) throw new Error(`${list.length} instead of one`);
  return part;
};

describe('a change that breaks the document', () => {
  it('[SY16] is not kept, and the session is opened anew', async () => {
    const session = await open();
    await session.connect();
    const { options, closed } = only(connections);
    const reopen = vi.fn();
    session.onpoisoned = reopen;
    options.onBroken();
    expect(only(stores).discard).toHaveBeenCalledOnce();
    options.onPoisoned();
    await vi.waitFor(() => expect(reopen).toHaveBeenCalledOnce());
    await session.connect();
    expect(connections).toHaveLength(1);
    closed();
    await session.close();
  });

  it('[SY16] in a session that was left ends it: nobody comes back to a broken document', async () => {
    const session = await open();
    await session.connect();
    session.doc.getMap('meta').set('key', 'value');
    session.leave();
    const { options, close, closed } = only(connections);
    options.onBroken();
    options.onPoisoned();
    closed();
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
    const other = await open();
    expect(other).not.toBe(session);
    await other.close();
  });
});

describe('a session that is left', () => {
  it('has its connections once, however often it is gone back to while they are being opened', async () => {
    const session = await open();
    session.doc.getMap('meta').set('key', 'value');
    const connecting = session.connect();
    session.leave();
    expect(await open()).toBe(session);
    await Promise.all([connecting, session.connect()]);
    const { closed } = only(connections);
    closed();
    await session.close();
  });

  it('stays open for what is on its way to the relay, also while the connections are only being opened', async () => {
    const session = await open();
    session.doc.getMap('meta').set('key', 'value');
    const connecting = session.connect();
    session.leave();
    await connecting;
    const { options, close, closed } = only(connections);
    const tell = (onRelay: boolean) => {
      const mailbox = { ...NOT_CONNECTED.mailbox, state: 'current' as const, onRelay };
      options.onFacts({ ...NOT_CONNECTED, mailbox }, false);
    };
    tell(false);
    expect(close).not.toHaveBeenCalled();
    tell(true);
    expect(close).toHaveBeenCalledOnce();
    closed();
  });

  it('is opened anew once its connections have ended, and not before', async () => {
    const session = await open();
    await session.connect();
    const { close, closed } = only(connections);
    let isClosed = false;
    const closing = session.close().then(() => (isClosed = true));
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    closed();
    await closing;
  });

  it('has no connections opened for it afterwards', async () => {
    const session = await open();
    const connecting = session.connect();
    await session.close();
    await connecting;
    expect(connections).toEqual([]);
  });
});
