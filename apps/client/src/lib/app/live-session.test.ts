import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deriveEditKeys } from '../session/keys.ts';
import { formatLink } from '../session/link.ts';
import type { MailboxOptions } from '../sync/mailbox/open.ts';
import { NOT_ASKED } from '../sync/mailbox/ports.ts';
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
    meshes: [] as { destroy: () => void }[],
    mailboxes: [] as { options: MailboxOptions; close: () => Promise<void>; closed: () => void }[],
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
  return { DeviceStore: { open }, isOfDevice: () => false };
});
vi.mock('../sync/mesh.ts', () => ({
  Mesh: class {
    readonly destroy = vi.fn();
    constructor() {
      parts.meshes.push(this);
    }
  },
}));
vi.mock('../sync/mailbox/open.ts', () => ({
  openMailbox: (options: MailboxOptions) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const close = vi.fn(() => promise.then(() => undefined));
    const mailbox = { options, close, closed: () => resolve(true) };
    parts.mailboxes.push(mailbox);
    return { ...mailbox, flush: () => undefined, reachChanged: () => undefined };
  },
}));

const { stores, meshes, mailboxes } = parts;
let address = { id: '', fragment: '' };

beforeAll(async () => {
  const secret = new Uint8Array(32).fill(5);
  const { sessionId } = await deriveEditKeys(secret);
  const link = await formatLink(sessionId, 'e', secret);
  address = { id: sessionId, fragment: link.slice(link.indexOf('#')) };
});

afterEach(() => {
  for (const list of [stores, meshes, mailboxes]) list.length = 0;
});

const open = async () => (await LiveSession.open(address.id, address.fragment)).session;
const only = <Part>(list: readonly Part[]): Part => {
  const [part] = list;
  if (!part || list.length > 1) throw new Error(`${list.length} instead of one`);
  return part;
};

describe('a change that breaks the document', () => {
  it('[SY16] is neither kept nor passed on, and the session is opened anew', async () => {
    const session = await open();
    await session.connect();
    const { options, closed } = only(mailboxes);
    const reopen = vi.fn();
    session.onpoisoned = reopen;
    options.onBroken?.();
    expect(only(stores).discard).toHaveBeenCalledOnce();
    expect(only(meshes).destroy).toHaveBeenCalledOnce();
    options.onPoisoned();
    await vi.waitFor(() => expect(reopen).toHaveBeenCalledOnce());
    await session.connect();
    expect(meshes).toHaveLength(1);
    closed();
    await session.close();
    // Whoever opens the session next may be in the same room: it is left once.
    expect(only(meshes).destroy).toHaveBeenCalledOnce();
  });

  it('[SY16] in a session that was left ends it: nobody comes back to a broken document', async () => {
    const session = await open();
    await session.connect();
    session.doc.getMap('meta').set('key', 'value');
    session.leave();
    const { options, close, closed } = only(mailboxes);
    options.onBroken?.();
    options.onPoisoned();
    closed();
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
    const other = await open();
    expect(other).not.toBe(session);
    await other.close();
  });
});

describe('a session that is left', () => {
  it('has one mailbox, however often it is gone back to while that is being opened', async () => {
    const session = await open();
    session.doc.getMap('meta').set('key', 'value');
    const connecting = session.connect();
    session.leave();
    expect(await open()).toBe(session);
    await Promise.all([connecting, session.connect()]);
    const { closed } = only(mailboxes);
    closed();
    await session.close();
  });

  it('stays open for what is on its way to the relay, also while the mailbox is only being opened', async () => {
    const session = await open();
    session.doc.getMap('meta').set('key', 'value');
    const connecting = session.connect();
    session.leave();
    await connecting;
    const { options, close, closed } = only(mailboxes);
    options.onStatus({ ...NOT_ASKED, state: 'current' });
    expect(close).not.toHaveBeenCalled();
    options.onStatus({ ...NOT_ASKED, state: 'current', onRelay: true });
    expect(close).toHaveBeenCalledOnce();
    closed();
  });

  it('is opened anew once its mailbox has ended, and not before', async () => {
    const session = await open();
    await session.connect();
    const { close, closed } = only(mailboxes);
    let isClosed = false;
    const closing = session.close().then(() => (isClosed = true));
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    closed();
    await closing;
  });

  it('has no mailbox opened for it afterwards', async () => {
    const session = await open();
    const connecting = session.connect();
    await session.close();
    await connecting;
    expect(mailboxes).toEqual([]);
    expect(meshes).toEqual([]);
  });
});
