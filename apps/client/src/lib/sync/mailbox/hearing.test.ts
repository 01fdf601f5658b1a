import { importVerifyKey } from '@parley/signaling/envelope';
import { afterEach, describe, expect, it } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Hearing } from './hearing.ts';
import { PRESENCE_LASTS } from './own-presences.ts';
import { writePresence } from './presence.ts';
import { EPOCH, keys, newId, seal, writing } from './sealed-log.ts';
import { CLOCK_SKEW, Senders } from './senders.ts';

const NOW = Date.UTC(2030, 0, 1);
const [writerKey, readerKey] = await Promise.all(
  [keys.writer, keys.view.reader].map(({ publicKey }) => importVerifyKey(publicKey)),
);
const OWN = { client: 1, sender: newId() };

const heard: Awareness[] = [];

afterEach(() => {
  for (const awareness of heard.splice(0)) awareness.destroy();
});

function hear({ key = writerKey ?? null, sessionId = keys.sessionId } = {}) {
  if (!readerKey) throw new Error('the keys cannot be read');
  const awareness = new Awareness(new Y.Doc());
  heard.push(awareness);
  const told: unknown[] = [];
  const surroundings = { now: () => NOW };
  const senders = new Senders({ awareness, surroundings, origin: 'live', reachesDirectly: () => false });
  const hearing = new Hearing({
    ...{ sessionId, awareness, surroundings, senders, origin: 'live' },
    keys: { contentKey: keys.view.contentKey, readerKey, writerKey: () => key },
    own: { isOwn: (client) => client === OWN.client, isSender: (sender) => sender === OWN.sender },
    onUpdate: (_envelope, update) => Promise.resolve(void told.push(update.length)),
    onPosition: ({ seq }) => told.push(`at ${seq}`),
    onPresence: (isNews) => told.push(isNews ? 'news' : 'known'),
    onDropped: () => told.push('dropped'),
  });
  const tell = async (...envelopes: readonly Promise<Uint8Array<ArrayBuffer>>[]) => {
    told.length = 0;
    for (const envelope of envelopes) await hearing.receive(await envelope);
    return [...told];
  };
  const nameOf = (client: number): unknown => awareness.getStates().get(client)?.['name'];
  return { awareness, tell, nameOf };
}

interface Said {
  readonly client?: number;
  readonly sender?: string;
  readonly counter?: number;
  readonly expires?: number;
  readonly role?: 'writer' | 'reader';
  readonly asks?: true;
  readonly signingKey?: CryptoKey;
  readonly name?: string | null;
}

const ADA = newId();

function presence({
  client = 7,
  sender = ADA,
  counter = 1,
  expires = NOW + PRESENCE_LASTS,
  role = 'writer',
  asks,
  signingKey = (role === 'writer' ? keys.writer : keys.view.reader).privateKey,
  name = 'Ada',
}: Said = {}) {
  const awareness = new Awareness(new Y.Doc());
  awareness.clientID = client;
  awareness.setLocalState({ name });
  awareness.meta.set(client, { clock: counter, lastUpdated: NOW });
  heard.push(awareness);
  const content = writePresence(awareness, client, name === null ? null : { name }, asks ? { asks } : null);
  return seal({ kind: 'presence', role, sender, counter, expires }, content, signingKey);
}

const change = writing('text');
const update = (signingKey?: CryptoKey, seen: Parameters<typeof seal>[3] = null) =>
  seal({ kind: 'update' }, change, signingKey, seen);

describe('what comes live', () => {
  it('[SY21] of a sender counts once and in its order, and is news the first time, or where it asks', async () => {
    const { tell, nameOf } = hear();
    const second = presence({ counter: 2, name: 'Ada King' });
    expect(await tell(second)).toEqual(['news']);
    expect(await tell(second, presence({ counter: 1 }))).toEqual([]);
    expect(await tell(presence({ counter: 3, name: 'Ada King' }))).toEqual(['known']);
    expect(await tell(presence({ counter: 4, name: 'Ada King', asks: true }))).toEqual(['news']);
    expect(nameOf(7)).toBe('Ada King');
  });

  it('[SY21] of somebody who was away is news, and a goodbye is not', async () => {
    const { awareness, tell, nameOf } = hear();
    await tell(presence());
    awareness.getStates().delete(7);
    expect(await tell(presence({ counter: 2 }))).toEqual(['news']);
    expect(nameOf(7)).toBe('Ada');
    expect(await tell(presence({ counter: 3, name: null }))).toEqual(['known']);
    expect(awareness.getStates().has(7)).toBe(false);
    expect(await tell(presence({ sender: newId(), client: 8, name: null }))).toEqual(['known']);
  });

  it('[SY21] too late is passed by, as far as clocks may differ', async () => {
    const { tell } = hear();
    expect(await tell(presence({ expires: NOW - CLOCK_SKEW - 1 }))).toEqual([]);
    expect(await tell(presence({ expires: NOW - CLOCK_SKEW }))).toEqual(['news']);
  });

  it('[SY21] is believed of whose key has signed it, and of nobody who is somebody else', async () => {
    const { tell, nameOf } = hear();
    const reader = keys.view.reader.privateKey;
    expect(await tell(presence({ signingKey: reader }))).toEqual(['dropped']);
    await tell(presence());
    const counter = 2;
    expect(await tell(presence({ counter, client: 8 }))).toEqual(['dropped']);
    expect(await tell(presence({ counter, role: 'reader' }))).toEqual(['dropped']);
    expect(await tell(presence({ sender: newId(), role: 'reader', name: 'Eve' }))).toEqual(['dropped']);
    expect(await tell(presence({ sender: newId(), client: OWN.client }))).toEqual(['dropped']);
    expect(await tell(presence({ sender: OWN.sender, client: 9 }))).toEqual([]);
    expect([nameOf(7), nameOf(8), nameOf(9)]).toEqual(['Ada', undefined, undefined]);
  });

  it('[SY21] of a viewer gives way to a writer of the same client id', async () => {
    const { tell, nameOf } = hear();
    const sender = newId();
    expect(await tell(presence({ sender, role: 'reader', name: 'Eve' }))).toEqual(['news']);
    expect(await tell(presence({ sender, counter: 2 }))).toEqual(['dropped']);
    expect(await tell(presence())).toEqual(['news']);
    expect(nameOf(7)).toBe('Ada');
  });

  it('[SY20] of a change is handed on once the writer’s key is known, if it signed it', async () => {
    const early = hear({ key: null });
    expect(await early.tell(update(), presence())).toEqual([]);
    const { tell } = hear();
    const { length } = change;
    expect(await tell(update())).toEqual([length]);
    const seen = { epoch: EPOCH, seq: 5, chain: '' };
    expect(await tell(update(undefined, { ...seen, chain: 'A'.repeat(43) }))).toEqual(['at 5', length]);
    expect(await tell(update(keys.view.reader.privateKey))).toEqual(['dropped']);
  });

  it('[SY8] and is nonsense, or of another session or kind, is dropped', async () => {
    const { tell } = hear();
    expect(await tell(Promise.resolve(new Uint8Array(40)))).toEqual(['dropped']);
    expect(await tell(seal({ kind: 'tombstone' }, new Uint8Array()))).toEqual(['dropped']);
    const elsewhere = hear({ sessionId: newId() });
    expect(await elsewhere.tell(update(), presence())).toEqual(['dropped', 'dropped']);
  });
});
