import { decodeBase64url } from '@parley/signaling/base64url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import {
  createDocument,
  metaOf,
  protectDocument,
  readMoved,
  readTitle,
  setTitle,
} from '../session/document.ts';
import { SessionError } from '../session/errors.ts';
import { deriveEditKeys, secureRandom } from '../session/keys.ts';
import { NOT_ASKED } from '../sync/mailbox/ports.ts';
import type { SessionRecord } from './database.ts';
import { bringOver, deleteSession, makeNewLinks } from './new-links.ts';
import { sessions } from './session-list.svelte.ts';

const device = vi.hoisted(() => ({
  /** What each session's database holds. */
  kept: new Map<string, Uint8Array>(),
  /** Whether keys are kept that were not there before. */
  keepsNew: true,
  state: 'saved' as 'saved' | 'device/full',
  records: new Map<string, object>(),
  deleted: [] as string[],
}));

vi.mock('./this-device.svelte.ts', () => ({
  thisDevice: { load: () => Promise.resolve(), accessKey: 'a-key-of-some-people' },
}));
vi.mock('../sync/device.ts', async () => {
  const { applyUpdate, encodeStateAsUpdate } = await import('yjs');
  return {
    DeviceStore: {
      open: (id: string, doc: Y.Doc) => {
        const kept = device.kept.get(id);
        if (kept) applyUpdate(doc, kept);
        const { state } = device;
        const store = { state, settled: () => Promise.resolve(), close: () => undefined };
        if (state === 'saved') device.kept.set(id, encodeStateAsUpdate(doc));
        return Promise.resolve(store);
      },
    },
  };
});
vi.mock('./session-list.svelte.ts', () => {
  const { records } = device;
  const find = (id: string) => records.get(id) as SessionRecord | undefined;
  const put = (record: SessionRecord) => Promise.resolve(void records.set(record.id, record));
  return {
    sessions: {
      find,
      put,
      keeps: (id: string) => records.has(id) && (device.keepsNew || !('movedFrom' in (find(id) ?? {}))),
      create: async (now: number, random: typeof secureRandom, known: Partial<SessionRecord>) => {
        const secret = random(32);
        const { sessionId } = await deriveEditKeys(secret);
        const encoded = Buffer.from(secret).toString('base64url');
        const record = {
          id: sessionId,
          kind: 'edit',
          secret: encoded,
          proven: true,
          ...known,
          openedAt: now,
        };
        records.set(sessionId, record);
        return record;
      },
      change: (id: string, change: Partial<SessionRecord>) =>
        put({ ...find(id), ...change } as SessionRecord),
      forget: () => Promise.resolve(),
      purge: (id: string) => {
        records.delete(id);
        device.kept.delete(id);
        device.deleted.push(id);
        return Promise.resolve();
      },
    },
  };
});
vi.mock('../sync/mailbox/open.ts', () => ({ surroundings: { now: () => 0 } }));
vi.mock('../sync/mailbox/catch-up.ts', () => ({
  catchUp: ({ held }: { held: Uint8Array }) =>
    Promise.resolve({ update: held, status: { ...NOT_ASKED, state: 'current' } }),
}));

const person = { id: 'ada', name: 'Ada', hue: 0 };
const committed = () => Promise.resolve(true);
let id = '';
let doc: Y.Doc;

beforeEach(async () => {
  vi.stubGlobal('__RELAY_URL__', 'https://relay.example');
  for (const each of [device.kept, device.records]) each.clear();
  device.state = 'saved';
  device.keepsNew = true;
  device.deleted = [];
  const record = await sessions.create(0, secureRandom, { title: 'Matter 17' });
  id = record.id;
  doc = new Y.Doc();
  createDocument(doc, 1_700_000_000_000, secureRandom);
  setTitle(doc, 'Matter 17');
  device.kept.set(id, Y.encodeStateAsUpdate(doc));
});

afterEach(() => vi.unstubAllGlobals());

/** What the device would open a session with. */
function keptOf(session: string): Y.Doc {
  const kept = new Y.Doc();
  const update = device.kept.get(session);
  if (update) Y.applyUpdate(kept, update);
  return kept;
}

describe('new links', () => {
  it('[NL1] [NL2] are a session with another secret and all that the device has; the old one only says that it happened', async () => {
    const made = await makeNewLinks({ id, doc, person, committed });
    expect(made.id).not.toBe(id);
    const { sessionId } = await deriveEditKeys(decodeBase64url(made.secret) ?? new Uint8Array());
    expect(sessionId).toBe(made.id);
    expect(made).toMatchObject({ title: 'Matter 17', fresh: false, movedFrom: { id } });
    expect(readTitle(keptOf(made.id))).toBe('Matter 17');
    expect(readMoved(keptOf(made.id), made.id)).toBeNull();
    expect(sessions.find(id)).toMatchObject({ movedTo: made.id });
    expect(readMoved(doc, id)).toMatchObject({ by: 'Ada', person: 'ada', at: made.movedFrom?.at });
    expect(JSON.stringify(metaOf(doc).toJSON())).not.toContain(made.id);
  });

  it('[NL1] are not made where the device does not take the copy, and nothing is left', async () => {
    device.state = 'device/full';
    await expect(makeNewLinks({ id, doc, person, committed })).rejects.toThrow('device/full');
    expect([...device.records.keys()]).toEqual([id]);
    expect(readMoved(doc, id)).toBeNull();
    expect(sessions.find(id)).not.toHaveProperty('movedTo');
  });

  it('[NL1] are not made where the device keeps no key of the new ones', async () => {
    device.keepsNew = false;
    await expect(makeNewLinks({ id, doc, person, committed })).rejects.toThrow('device/full');
    expect([...device.records.keys()]).toEqual([id]);
    expect(readMoved(doc, id)).toBeNull();
  });

  it('[NL1] are not made before all of it is on the device, of nothing, or of what may not be written', async () => {
    const attempt = (more: object) => makeNewLinks({ id, doc, person, committed, ...more });
    await expect(attempt({ committed: () => Promise.resolve(false) })).rejects.toThrow('device/failed');
    await expect(attempt({ doc: new Y.Doc() })).rejects.toThrow('document/empty');
    await expect(attempt({ id: 'another' })).rejects.toThrow('device/unavailable');
    metaOf(doc).set('schemaVersion', 2);
    await expect(attempt({})).rejects.toThrow('document/newer');
    expect([...device.records.keys()]).toEqual([id]);
  });

  it('[NL1] are taken back where the notice cannot be written', async () => {
    protectDocument(doc);
    await expect(makeNewLinks({ id, doc, person, committed })).rejects.toThrow(SessionError);
    expect([...device.records.keys()]).toEqual([id]);
    expect(device.deleted.length).toBe(1);
  });

  it('[NL4] get what the device has of the old session when it is asked for', async () => {
    const made = await makeNewLinks({ id, doc, person, committed });
    const opened = keptOf(made.id);
    setTitle(doc, 'Late');
    device.kept.set(id, Y.encodeStateAsUpdate(doc));
    expect(readTitle(opened)).toBe('Matter 17');
    expect(await bringOver(opened, id)).toMatchObject({ merging: 'merged', relay: { state: 'current' } });
    expect(readTitle(opened)).toBe('Late');
    expect(await bringOver(opened, id)).toMatchObject({ merging: 'nothing' });
    await expect(bringOver(opened, 'forgotten')).rejects.toThrow('session/unknown');
  });

  it('[NL5] nothing is sent offline, or for a session that this device may not edit', async () => {
    vi.stubGlobal('navigator', { onLine: false });
    vi.stubGlobal('fetch', () => Promise.reject(new Error('asked')));
    expect(await deleteSession(id)).toBe('offline');
    const record = sessions.find(id);
    if (record) await sessions.put({ ...record, kind: 'view' });
    await expect(deleteSession(id)).rejects.toThrow('session/unknown');
    await expect(deleteSession('unknown')).rejects.toThrow('session/unknown');
  });
});
