import { encodeBase64url } from '@parley/signaling/base64url';
import {
  EMPTY_CHAIN,
  extendChain,
  hashEnvelope,
  parseEnvelope,
  sealEnvelope,
} from '@parley/signaling/envelope';
import type { Log, MailboxFrame } from '@parley/signaling/mailbox';
import { afterEach, describe, expect, it, vi, type Mock } from 'vitest';
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys } from '../../session/keys.ts';
import { MailboxClient, type MailboxClientOptions } from './client.ts';
import { encodeHoldings, holdingsOfUpdate, NOTHING } from '../holdings.ts';
import { beginLog } from './known-log.ts';
import { MailboxRefusal, type ChannelListener, type MailboxStatus } from './ports.ts';
import { EPOCH, keys, logOf, newId, seal, writing, type Kind } from './sealed-log.ts';
import type { StoredMailbox } from './stored.ts';

const OTHER_EPOCH = encodeBase64url(new Uint8Array(16).fill(8));

interface Opened {
  readonly client: MailboxClient;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly stored: Partial<StoredMailbox>;
  readonly writes: Partial<StoredMailbox>[];
  readonly sent: Uint8Array<ArrayBuffer>[];
  /** What was appended, and what the device had kept of it by then. */
  readonly appended: { envelopes: readonly Uint8Array[]; kept: StoredMailbox['outbox'] | undefined }[];
  /** What becomes of the next appends. */
  append: MailboxClientOptions['transport']['append'] | null;
  readonly prepare: Mock;
  readonly channel: ChannelListener;
  readonly poisoned: () => boolean;
  status(): MailboxStatus;
}

const open = new Set<Opened>();

afterEach(async () => {
  for (const { client, doc } of open) {
    await client.stop();
    doc.destroy();
  }
  open.clear();
});

async function start(
  pull: MailboxClientOptions['transport']['pull'],
  {
    role = 'writer',
    stored = {},
    doc = new Y.Doc(),
    committed = () => Promise.resolve(true),
    fails = () => false,
    broken = () => undefined,
    slow = () => Promise.resolve(true),
    giveUp = () => undefined,
  }: {
    role?: 'writer' | 'reader';
    stored?: Partial<StoredMailbox>;
    doc?: Y.Doc;
    committed?: () => Promise<boolean>;
    /** Whether the device refuses to write these parts. */
    fails?: (parts: Partial<StoredMailbox>) => boolean;
    broken?: () => unknown;
    /** What a write of these parts waits for. */
    slow?: (parts: Partial<StoredMailbox>) => Promise<boolean>;
    giveUp?: () => void;
  } = {},
): Promise<Opened> {
  const awareness = new Awareness(doc);
  const writes: Partial<StoredMailbox>[] = [];
  const sent: Uint8Array<ArrayBuffer>[] = [];
  const appended: Opened['appended'] = [];
  let channel: ChannelListener = { up: () => undefined, down: () => undefined, frame: () => undefined };
  let isPoisoned = false;
  const prepare = vi.fn();
  let head = 0;
  let opened = null as Opened | null;
  const client = new MailboxClient({
    sessionId: keys.sessionId,
    doc,
    awareness,
    keys: {
      contentKey: keys.view.contentKey,
      writer: role === 'writer' ? keys.writer : null,
      reader: keys.view.reader,
    },
    transport: {
      pull,
      prepare,
      append: (envelopes) => {
        appended.push({ envelopes, kept: structuredClone(stored.outbox) });
        if (opened?.append) return opened.append(envelopes);
        const seqs = envelopes.map(() => (head += 1));
        return Promise.resolve({ epoch: EPOCH, head, seqs });
      },
      putSnapshot: () => Promise.reject(new MailboxRefusal('relay/unreachable')),
      giveUp,
    },
    openChannel: (listener) => {
      channel = listener;
      return { send: (envelope) => sent.push(envelope), close: () => undefined };
    },
    storage: {
      read: () => Promise.resolve(structuredClone(stored)),
      write: async (parts) => {
        writes.push(structuredClone(parts));
        if (fails(parts)) throw new Error('the device is full');
        await slow(parts);
        Object.assign(stored, parts);
      },
    },
    surroundings: {
      now: () => Date.now(),
      random: () => 0.5,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      after: (milliseconds, action) => {
        // Nothing here is about time: what is due soon is due now, what is due later is not.
        if (milliseconds > 5_000) return () => undefined;
        const timer = setTimeout(action, 0);
        return () => clearTimeout(timer);
      },
    },
    committed,
    isOfDevice: (origin) => origin === 'another tab' || origin === 'done in another tab',
    isOwn: (origin) => origin === 'done in another tab',
    reachesDirectly: () => false,
    onStatus: () => undefined,
    onBroken: () => broken(),
    onPoisoned: () => {
      isPoisoned = true;
    },
  });
  await client.start();
  opened = {
    client,
    doc,
    awareness,
    stored,
    writes,
    sent,
    appended,
    append: null,
    prepare,
    channel,
    poisoned: () => isPoisoned,
    status: () => client.status,
  };
  open.add(opened);
  return opened;
}

const textOf = ({ doc }: Opened) => doc.getText('text').toJSON();
const live = (bytes: Uint8Array): MailboxFrame => ({
  type: 'live',
  topic: '',
  envelope: encodeBase64url(bytes),
});
const settled = (opened: Opened) => vi.waitFor(() => expect(opened.status().state).toBe('current'));

describe('the log', () => {
  it('[SY23] a question that hangs over an outage is given up once the channel is up again, and asked anew', async () => {
    const hanging = Promise.withResolvers<Log>();
    const answers = [Promise.resolve(logOf([])), hanging.promise];
    const giveUp = vi.fn(() => hanging.reject(new MailboxRefusal('relay/unreachable')));
    const pull = vi.fn(() => answers.shift() ?? Promise.resolve(logOf([])));
    const opened = await start(pull, { giveUp });
    await settled(opened);
    opened.channel.down();
    // The clock of this test does not go on for what is due later than it looks.
    opened.client.online();
    await vi.waitFor(() => expect(pull).toHaveBeenCalledTimes(2));
    opened.channel.up();
    expect(giveUp).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(pull).toHaveBeenCalledTimes(3));
    expect(opened.status()).toMatchObject({ state: 'current', unreachableSince: null });
  });

  it('[SY8] applies what the writer signed, with itself as the origin, and drops everything else', async () => {
    const good = await seal({ kind: 'update' }, writing('good'));
    const byReader = await seal({ kind: 'update' }, writing('reader'), keys.view.reader.privateKey);
    const snapshot = await seal(
      { kind: 'snapshot', prev: null, covers: 0, chain: EMPTY_CHAIN },
      writing('snapshot'),
    );
    const broken = (await seal({ kind: 'update' }, writing('broken'))).with(
      150,
      0,
    ) as Uint8Array<ArrayBuffer>;
    const origins: unknown[] = [];
    const doc = new Y.Doc();
    doc.on('update', (_: Uint8Array, origin: unknown) => origins.push(origin));
    const pull = () => Promise.resolve(logOf([good, byReader, snapshot, broken]));
    const opened = await start(pull, { doc });
    await settled(opened);
    expect(textOf(opened)).toBe('good');
    expect(opened.status().dropped).toBe(3);
    expect(origins).toEqual([opened.client]);
  });

  it('[SY8] a relay that gives another writer’s key is not believed', async () => {
    const good = await seal({ kind: 'update' }, writing('good'));
    const other = encodeBase64url(new Uint8Array(32).fill(9));
    const opened = await start(() => Promise.resolve(logOf([good], { writer: other })));
    await vi.waitFor(() => expect(opened.status().state).toBe('unreachable'));
    expect(textOf(opened)).toBe('');
  });

  it('[SY10] nothing behind a gap is applied', async () => {
    const good = await seal({ kind: 'update' }, writing('good'));
    const opened = await start(() => Promise.resolve(logOf([good], { first: 2, head: 2 })));
    await vi.waitFor(() => expect(opened.status().state).toBe('unreachable'));
    expect(textOf(opened)).toBe('');
  });

  it('[SY9] a log that ends before all that is known of it is told', async () => {
    const coverage = encodeHoldings(NOTHING);
    // It came here through a snapshot: of the chains before it knows nothing.
    const known = { ...beginLog(EPOCH), seq: 13, chains: [EMPTY_CHAIN] };
    const stored = { log: { known, coverage, ahead: [], contradictions: [], gone: [] } };
    const pull = (after: number) => Promise.resolve(logOf([], { head: 6, first: Math.min(after, 6) + 1 }));
    const opened = await start(pull, { stored });
    await vi.waitFor(() => expect(opened.status().trouble).toBe('relay/rolled-back'));
  });

  it('[SY12] a tombstone counts only if the writer signed it', async () => {
    const real = await seal({ kind: 'tombstone' }, new Uint8Array());
    const forged = await seal({ kind: 'tombstone' }, new Uint8Array(), keys.view.reader.privateKey);
    const update = await seal({ kind: 'update' }, writing('good'));
    const answer = (tombstone: Uint8Array<ArrayBuffer>) => () =>
      Promise.resolve({ ...logOf([], { tombstone: tombstone.length }), tombstone });
    const deleted = await start(answer(real));
    await vi.waitFor(() => expect(deleted.status().trouble).toBe('relay/deleted'));
    for (const bad of [forged, update]) {
      const opened = await start(answer(bad));
      await vi.waitFor(() => expect(opened.status().state).toBe('unreachable'));
      expect(opened.status().trouble).toBeNull();
    }
  });

  it('[SY9] a snapshot that contradicts the hashes which lead to it is told', async () => {
    const chain = await extendChain(EMPTY_CHAIN, EMPTY_CHAIN);
    const seen = { epoch: EPOCH, seq: 1, chain };
    const snapshot = await seal(
      { kind: 'snapshot', prev: null, covers: 1, chain },
      writing('good'),
      undefined,
      seen,
    );
    const hash = await hashEnvelope(snapshot);
    const { header } = parseEnvelope(snapshot);
    const current = { id: header.id, covers: 1 };
    const log = (entries: string[]): Log => ({
      ...logOf([], {
        head: 1,
        current,
        snapshot: snapshot.length,
        entries,
        first: entries.length > 0 ? 1 : 2,
      }),
      snapshot,
      entries: entries.map((entry) => ({ seq: 1, hash: entry })),
    });
    const trusting = await start(() => Promise.resolve(log([])));
    await settled(trusting);
    expect(trusting.status().trouble).toBeNull();
    expect(textOf(trusting)).toBe('good');
    const opened = await start(() => Promise.resolve(log([hash])));
    await vi.waitFor(() => expect(opened.status().trouble).toBe('relay/forked'));
  });
});

describe('the outbox', () => {
  it('[SY5] what is sent was kept before, byte for byte, and is sent again after a restart', async () => {
    const stored: Partial<StoredMailbox> = {};
    const first = await start(() => Promise.resolve(logOf([])), { stored });
    await settled(first);
    first.doc.getText('text').insert(0, 'mine');
    await vi.waitFor(() => expect(first.appended.length).toBe(1));
    const [{ envelopes, kept } = { envelopes: [], kept: undefined }] = first.appended;
    expect(kept?.map(({ bytes }) => bytes)).toEqual(envelopes);
    await first.client.stop();
    const again = await start(() => Promise.resolve(logOf([])), {
      stored: { outbox: kept ?? [] },
      doc: first.doc,
    });
    await vi.waitFor(() => expect(again.appended[0]?.envelopes).toEqual(envelopes));
  });

  it('[SY5] what is sealed waits to be sent until the device has kept it', async () => {
    const kept = Promise.withResolvers<boolean>();
    const slow = (parts: Partial<StoredMailbox>) =>
      'outbox' in parts ? kept.promise : Promise.resolve(true);
    const opened = await start(() => Promise.resolve(logOf([])), { slow });
    await settled(opened);
    opened.doc.getText('text').insert(0, 'mine');
    await vi.waitFor(() => expect(opened.writes.some((parts) => 'outbox' in parts)).toBe(true));
    await new Promise((resolve) => setImmediate(resolve));
    const early = [...opened.appended];
    kept.resolve(true);
    await vi.waitFor(() => expect(opened.appended).not.toEqual([]));
    expect(early).toEqual([]);
  });
});

describe('a page that goes away', () => {
  const empty = () => Promise.resolve(logOf([]));

  it('[SY24] sends what was done last, and what is under way, in that very moment', async () => {
    const opened = await start(empty);
    await settled(opened);
    const underWay = Promise.withResolvers<never>();
    opened.append = () => underWay.promise;
    const text = opened.doc.getText('text');
    text.insert(0, 'first ');
    expect(opened.prepare).toHaveBeenCalled();
    await vi.waitFor(() => expect(opened.appended).toHaveLength(1));
    text.insert(6, 'last');
    // It takes a moment to be sealed: who leaves before sends what is under way alone.
    const leave = () => {
      const before = opened.appended.length;
      opened.client.leave();
      expect(opened.appended).toHaveLength(before + 1);
      return (opened.appended.at(-1)?.envelopes ?? []) as Uint8Array<ArrayBuffer>[];
    };
    await vi.waitFor(() => expect(leave()).toHaveLength(2));
    const envelopes = leave();
    expect(envelopes[0]).toEqual(opened.appended[0]?.envelopes[0]);
    const reader = await start(() => Promise.resolve(logOf(envelopes)), { role: 'reader' });
    await vi.waitFor(() => expect(textOf(reader)).toBe('first last'));
  });

  it('[SY24] sends what another tab has done, too, and not what that one has received', async () => {
    const opened = await start(empty);
    await settled(opened);
    opened.append = () => new Promise(() => undefined);
    Y.applyUpdateV2(opened.doc, writing('received'), 'another tab');
    expect(opened.prepare).not.toHaveBeenCalled();
    Y.applyUpdateV2(opened.doc, writing('mine'), 'done in another tab');
    await vi.waitFor(() => {
      opened.client.leave();
      expect(opened.appended.at(-1)?.envelopes).not.toHaveLength(0);
    });
    expect(opened.prepare).toHaveBeenCalled();
  });

  it('[SY16] sends nothing of what failed while it was taken over from another tab', async () => {
    const doc = new Y.Doc();
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    const opened = await start(empty, { doc });
    await settled(opened);
    expect(() => Y.applyUpdateV2(doc, writing('bad'), 'done in another tab')).toThrow('poison');
    await opened.client.stop();
    expect(opened.prepare).not.toHaveBeenCalled();
  });

  it('[SY24] sends what it held already at the start, and nothing that is acknowledged', async () => {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'offline');
    const pulled = Promise.withResolvers<Log>();
    const opened = await start(() => pulled.promise, { doc });
    await vi.waitFor(() => {
      opened.client.leave();
      expect(opened.appended.length).toBeGreaterThan(0);
    });
    pulled.resolve(logOf([]));
    await vi.waitFor(() => expect(opened.status().onRelay).toBe(true));
    const before = opened.appended.length;
    opened.client.leave();
    expect(opened.appended).toHaveLength(before);
  });
});

describe('what the device keeps', () => {
  it('[SY9] that a log is gone is kept at once, and nothing that was believed of it before is kept afterwards', async () => {
    const envelope = await seal({ kind: 'update' }, writing('good'));
    const committed = Promise.withResolvers<boolean>();
    const pulls = [logOf([envelope]), null, logOf([envelope], { epoch: OTHER_EPOCH })];
    const pull = () => {
      const log = pulls.shift();
      return log ? Promise.resolve(log) : Promise.reject(new MailboxRefusal('mailbox/not-found'));
    };
    const opened = await start(pull, { committed: () => committed.promise });
    await settled(opened);
    opened.channel.up();
    // The document is not committed yet: neither is what was read.
    await vi.waitFor(() => expect(opened.stored.log).toMatchObject({ known: null, gone: [EPOCH] }));
    expect(opened.stored.log?.coverage).toEqual(encodeHoldings(NOTHING));
    opened.channel.up();
    await vi.waitFor(() => expect(pulls).toEqual([]));
    committed.resolve(true);
    // One log is kept after the other: by now the late one would have been.
    await vi.waitFor(() => expect(opened.stored.log?.known?.epoch).toBe(OTHER_EPOCH));
    for (const { log } of opened.writes) expect(log?.known?.epoch).not.toBe(EPOCH);
  });

  it('[SY19] what another tab has done is not on the relay either', async () => {
    const opened = await start(() => Promise.resolve(logOf([])));
    await settled(opened);
    expect(opened.status().onRelay).toBe(true);
    Y.applyUpdateV2(opened.doc, writing('mine'), 'another tab');
    await vi.waitFor(() => expect(opened.status().onRelay).toBe(false));
  });

  it('[SY19] what is done while the device still writes is not on the relay either', async () => {
    const written = Promise.withResolvers<boolean>();
    const slow = ({ outbox }: Partial<StoredMailbox>) =>
      outbox?.length === 0 ? written.promise : Promise.resolve(true);
    const opened = await start(() => Promise.resolve(logOf([])), { slow });
    await settled(opened);
    opened.doc.getText('text').insert(0, 'first');
    await vi.waitFor(() => expect(opened.writes.at(-1)?.outbox).toEqual([]));
    expect(opened.status().onRelay).toBe(true);
    opened.doc.getText('text').insert(0, 'second');
    expect(opened.status().onRelay).toBe(false);
    written.resolve(true);
  });

  it('[PR2] [SY19] what builds on something missing is said, also after a reload, until that has arrived', async () => {
    const author = new Y.Doc();
    const updates: Uint8Array[] = [];
    author.on('updateV2', (update: Uint8Array) => updates.push(update));
    for (const words of ['large ', 'small'])
      author.getText('text').insert(author.getText('text').length, words);
    const [large = new Uint8Array(), small = new Uint8Array()] = updates;
    const envelope = await seal({ kind: 'update' }, small);
    const pull = () => Promise.resolve(logOf([envelope]));
    const stored: Partial<StoredMailbox> = {};
    const before = await start(pull, { role: 'reader', stored });
    await settled(before);
    expect([before.status().incomplete, textOf(before)]).toEqual([true, '']);
    await before.client.stop();
    const after = await start(pull, { role: 'reader', stored });
    await settled(after);
    expect(after.status().incomplete).toBe(true);
    after.channel.up();
    after.channel.frame(live(await seal({ kind: 'update' }, large)));
    await vi.waitFor(() => expect(textOf(after)).toBe('large small'));
    expect(after.status().incomplete).toBe(false);
  });

  it('[SY19] what waits in the document from the start is said from the start', async () => {
    const author = new Y.Doc();
    author.getText('text').insert(0, 'large ');
    const seen = Y.encodeStateVector(author);
    author.getText('text').insert(6, 'small');
    const doc = new Y.Doc();
    Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(author, seen));
    const opened = await start(() => new Promise(() => undefined), { role: 'reader', doc });
    expect(opened.status().incomplete).toBe(true);
    Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(author), 'another tab');
    expect(opened.status().incomplete).toBe(false);
  });

  it('[SY5] what the device did not take is written along with the next', async () => {
    const fails = ({ log, outbox }: Partial<StoredMailbox>) => !log && outbox?.length === 0;
    const opened = await start(() => Promise.resolve(logOf([])), { fails });
    await settled(opened);
    opened.doc.getText('text').insert(0, 'mine');
    await vi.waitFor(() => expect(opened.stored.log?.known?.seq).toBe(1));
    expect(opened.stored.outbox).toEqual([]);
  });

  it('[SY9] an envelope that the log has already, acknowledged once more, makes nobody a liar', async () => {
    const update = writing('mine');
    const [mine, other] = [await seal({ kind: 'update' }, update), await seal({ kind: 'update' }, update)];
    const stored = async (bytes: Uint8Array<ArrayBuffer>): Promise<Partial<StoredMailbox>> => {
      const hash = await hashEnvelope(mine);
      const chains = [EMPTY_CHAIN, await extendChain(EMPTY_CHAIN, await hashEnvelope(bytes))];
      const coverage = encodeHoldings(holdingsOfUpdate(update));
      return {
        log: {
          known: { ...beginLog(EPOCH), seq: 1, chains },
          coverage,
          ahead: [],
          contradictions: [],
          gone: [],
        },
        outbox: [{ hash, bytes: mine, holdings: coverage }],
      };
    };
    for (const [bytes, trouble] of [
      [mine, null],
      [other, 'relay/forked'],
    ] as const) {
      const doc = new Y.Doc();
      Y.applyUpdateV2(doc, update);
      const pull = () => Promise.resolve(logOf([], { head: 1, first: 2 }));
      const opened = await start(pull, { stored: await stored(bytes), doc });
      await vi.waitFor(() => {
        // Told of the lie, or done with what was sent.
        if (trouble === null) expect(opened.stored.outbox).toEqual([]);
        else expect(opened.status().trouble).not.toBeNull();
      });
      expect(opened.appended.length).toBe(1);
      expect(opened.status().trouble).toBe(trouble);
    }
  });
});

describe('poison', () => {
  it('[SY16] that an envelope is being applied is kept before, and taken back after', async () => {
    const good = await seal({ kind: 'update' }, writing('good'));
    const doc = new Y.Doc();
    const opened = await start(() => Promise.resolve(logOf([good])), { doc });
    await settled(opened);
    const marks = opened.writes.flatMap(({ applying }) => (applying === undefined ? [] : [applying]));
    expect(marks).toEqual([{ hashes: [await hashEnvelope(good)], attempts: 0 }, null]);
  });

  it('[SY16] what did not end well is applied alone, and what never does is left out', async () => {
    const [first, bad, last] = await Promise.all(
      ['1', '2', '3'].map((words) => seal({ kind: 'update' }, writing(words))),
    );
    if (!first || !bad || !last) throw new Error('three envelopes');
    const hash = await hashEnvelope(bad);
    const pull = () => Promise.resolve(logOf([first, bad, last]));
    const suspected = await start(pull, { stored: { applying: { hashes: [hash], attempts: 1 } } });
    await settled(suspected);
    const marks = suspected.writes.flatMap(({ applying }) => (applying ? [applying] : []));
    expect(marks.map(({ hashes, attempts }) => [hashes.length, attempts])).toEqual([
      [1, 0],
      [1, 2],
      [1, 0],
    ]);
    expect(suspected.status().quarantined).toBe(0);
    const given = await start(pull, { stored: { applying: { hashes: [hash], attempts: 3 } } });
    await settled(given);
    expect([...textOf(given)].sort().join('')).toBe('13');
    expect(given.status()).toMatchObject({ quarantined: 1, trouble: 'relay/quarantined' });
    expect(given.stored.quarantine).toEqual([hash]);
  });

  it('[SY16] what is no update is left out, and what follows is applied', async () => {
    const bad = await seal({ kind: 'update' }, new Uint8Array(30).fill(255));
    const good = await seal({ kind: 'update' }, writing('good'));
    const opened = await start(() => Promise.resolve(logOf([bad, good])));
    await settled(opened);
    expect(textOf(opened)).toBe('good');
    expect(opened.status().quarantined).toBe(1);
    expect(opened.stored.quarantine).toEqual([await hashEnvelope(bad)]);
  });

  it('[SY16] a snapshot that its writer signed and nobody can decrypt is left out, and what is behind it is read', async () => {
    const other = await deriveEditKeys(new Uint8Array(32).fill(4));
    const seen = { epoch: EPOCH, seq: 1, chain: EMPTY_CHAIN };
    const header = { kind: 'snapshot' as const, prev: null, covers: 1, chain: EMPTY_CHAIN };
    const common = { version: 1, sessionId: keys.sessionId, id: newId(), seen };
    const sealing = { contentKey: other.view.contentKey, signingKey: keys.writer.privateKey };
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const snapshot = await sealEnvelope(
      { ...common, ...header },
      Uint8Array.from(writing('x')),
      sealing,
      nonce,
    );
    const behind = await seal({ kind: 'update' }, writing('behind'));
    const current = { id: common.id, covers: 1 };
    const more = { head: 2, first: 2, current, snapshot: snapshot.length };
    const opened = await start(() => Promise.resolve({ ...logOf([behind], more), snapshot }));
    await settled(opened);
    expect(textOf(opened)).toBe('behind');
    expect(opened.status().quarantined).toBe(1);
    await vi.waitFor(() => expect(opened.stored.log?.known).toMatchObject({ seq: 2, barrier: 1 }));
  });

  it('[SY16] what fails while it is applied stops the client; alone again, it is left out', async () => {
    const envelope = await seal({ kind: 'update' }, writing('bad'));
    const failing = () => {
      const doc = new Y.Doc();
      doc.on('beforeTransaction', (transaction: Y.Transaction) => {
        if (!transaction.local) throw new Error('poison');
      });
      return doc;
    };
    const pull = () => Promise.resolve(logOf([envelope]));
    const stored: Partial<StoredMailbox> = {};
    const first = await start(pull, { stored, doc: failing() });
    await vi.waitFor(() => expect(first.poisoned()).toBe(true));
    expect(first.status()).toMatchObject({ onRelay: false, state: 'starting', trouble: 'relay/quarantined' });
    expect(stored.applying).toEqual({ hashes: [await hashEnvelope(envelope)], attempts: 0 });
    const second = await start(pull, { stored, doc: failing() });
    await vi.waitFor(() => expect(second.poisoned()).toBe(true));
    expect(stored.quarantine).toEqual([await hashEnvelope(envelope)]);
    const third = await start(pull, { stored, doc: failing() });
    await settled(third);
    expect(third.status().quarantined).toBe(1);
  });
});

describe('poison that is half applied', () => {
  it.each(['log', 'live'] as const)('[SY16] is told before anything else happens: %s', async (way) => {
    const envelope = await seal({ kind: 'update' }, writing('bad'));
    const doc = new Y.Doc();
    const happened: string[] = [];
    doc.on('update', () => {
      happened.push('emitted');
      queueMicrotask(() => happened.push('kept'));
    });
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    const broken = () => happened.push('broken');
    const pull = () => Promise.resolve(logOf(way === 'log' ? [envelope] : []));
    const opened = await start(pull, { doc, broken });
    if (way === 'live') {
      await settled(opened);
      opened.channel.frame(live(envelope));
    }
    await vi.waitFor(() => expect(opened.poisoned()).toBe(true));
    expect(happened).toEqual(['emitted', 'broken', 'kept']);
  });
});

describe('a page that is left while something is applied', () => {
  it.each([1, 2])('[SY16] is no sign of poison, however often (%s)', async (attempts) => {
    const envelope = await seal({ kind: 'update' }, writing('good'));
    const pulled = Promise.withResolvers<Log>();
    const hashes = [await hashEnvelope(envelope)];
    const stored: Partial<StoredMailbox> = { applying: { hashes, attempts } };
    const leave = { now: () => Promise.resolve() };
    const isBegun = ({ applying }: Partial<StoredMailbox>) => applying?.attempts === attempts + 1;
    const fails = (parts: Partial<StoredMailbox>) => {
      if (isBegun(parts)) void leave.now();
      return false;
    };
    const opened = await start(() => pulled.promise, { stored, fails });
    const left = Promise.withResolvers<boolean>();
    leave.now = () => opened.client.stop().then(() => left.resolve(true));
    pulled.resolve(logOf([envelope]));
    await left.promise;
    expect(opened.writes.some(isBegun)).toBe(true);
    expect(stored.applying).toEqual({ hashes, attempts });
    expect(textOf(opened)).toBe('');
  });

  it('is left once all is kept that was on its way to the device', async () => {
    const envelope = await seal({ kind: 'update' }, writing('good'));
    const kept = Promise.withResolvers<boolean>();
    const slow = ({ log }: Partial<StoredMailbox>) => (log ? kept.promise : Promise.resolve(true));
    const opened = await start(() => Promise.resolve(logOf([envelope])), { slow });
    await vi.waitFor(() => expect(opened.writes.at(-1)?.log).toBeDefined());
    let isLeft = false;
    const leaving = opened.client.stop().then(() => (isLeft = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isLeft).toBe(false);
    kept.resolve(true);
    await leaving;
    expect(opened.stored.log?.known?.seq).toBe(1);
  });
});

describe('poison that comes live', () => {
  const empty = () => Promise.resolve(logOf([]));
  const live10 = Array.from({ length: 10 }, (_, index) => `hash ${index}`);
  /** Breaks as soon as somebody writes “bad” into it. */
  const fragile = () => {
    const doc = new Y.Doc();
    doc.on('afterTransaction', () => {
      if (doc.getText('text').toJSON().includes('bad')) throw new Error('poison');
    });
    return doc;
  };

  it('[SY16] what is no update at all is dropped, and what is good waits for nothing on the device', async () => {
    const [good, none] = [
      await seal({ kind: 'update' }, writing('good')),
      await seal({ kind: 'update' }, new Uint8Array(30).fill(255)),
    ];
    const opened = await start(empty);
    await settled(opened);
    opened.channel.frame(live(good));
    await vi.waitFor(() => expect(textOf(opened)).toBe('good'));
    opened.channel.frame(live(none));
    await vi.waitFor(() => expect(opened.status().dropped).toBe(1));
    expect(opened.writes.filter((parts) => 'live' in parts)).toEqual([]);
  });

  it('[SY16] breaks the document once, however often it is sent, and what follows is applied', async () => {
    const [bad, good] = [
      await seal({ kind: 'update' }, writing('bad')),
      await seal({ kind: 'update' }, writing('good')),
    ];
    const stored: Partial<StoredMailbox> = {};
    const first = await start(empty, { stored, doc: fragile() });
    await settled(first);
    first.channel.frame(live(bad));
    await vi.waitFor(() => expect(first.poisoned()).toBe(true));
    expect(stored.live).toEqual([await hashEnvelope(bad)]);
    await first.client.stop();
    for (let times = 0; times < 3; times++) {
      const again = await start(empty, { stored, doc: fragile() });
      await settled(again);
      for (const bytes of [bad, good, bad]) again.channel.frame(live(bytes));
      await vi.waitFor(() => expect(textOf(again)).toBe('good'));
      expect(again.poisoned()).toBe(false);
      expect(again.status()).toMatchObject({ quarantined: 0, trouble: null });
      await again.client.stop();
    }
    expect(stored.live).toEqual([await hashEnvelope(bad)]);
  });

  it('[SY16] after ten that did not end well, changes come with the log', async () => {
    const [lively, logged] = [
      await seal({ kind: 'update' }, writing('live')),
      await seal({ kind: 'update' }, writing('logged')),
    ];
    for (const [shunned, text] of [
      [live10.slice(1), 'livelogged'],
      [live10, 'logged'],
    ] as const) {
      const opened = await start(empty, { stored: { live: shunned } });
      await settled(opened);
      opened.channel.frame(live(lively));
      const envelopes = [encodeBase64url(logged)];
      opened.channel.frame({ type: 'mailbox', topic: '', epoch: EPOCH, head: 1, current: null, envelopes });
      await vi.waitFor(() => expect(textOf(opened)).toContain('logged'));
      expect([...textOf(opened)].sort()).toEqual([...text].sort());
    }
  });
});

describe('what is there now', () => {
  const presenceOf = (client: number, state: Record<string, unknown> | null) => {
    const doc = new Y.Doc();
    doc.clientID = client;
    const awareness = new Awareness(doc);
    awareness.setLocalState(state);
    const update = encodeAwarenessUpdate(awareness, [client]);
    awareness.destroy();
    return update;
  };
  const sender = encodeBase64url(new Uint8Array(16).fill(5));
  const presence = (
    role: 'writer' | 'reader',
    counter: number,
    more: Partial<Extract<Kind, { kind: 'presence' }>> = {},
  ) => ({
    kind: 'presence' as const,
    ...{ role, sender, counter, expires: Date.now() + 60_000, ...more },
  });
  const empty = () => Promise.resolve(logOf([]));

  it('[SY21] a viewer is marked as one, and speaks for nobody else', async () => {
    const opened = await start(empty);
    await settled(opened);
    const { privateKey } = keys.view.reader;
    opened.channel.up();
    opened.channel.frame(
      live(await seal(presence('reader', 1), presenceOf(55, { name: 'eve' }), privateKey)),
    );
    await vi.waitFor(() =>
      expect(opened.awareness.getStates().get(55)).toEqual({ name: 'eve', viewer: true }),
    );
    // Neither with another client id later, nor as this person, nor as a writer; nobody speaks for this person.
    const bad = [
      await seal(presence('reader', 2), presenceOf(56, { name: 'eve' }), privateKey),
      await seal(presence('reader', 3, { sender: EPOCH }), presenceOf(opened.doc.clientID, {}), privateKey),
      await seal(presence('writer', 4, { sender: EPOCH }), presenceOf(57, {}), privateKey),
      await seal(
        presence('writer', 5, { sender: newId() }),
        presenceOf(opened.doc.clientID, { name: 'eve' }),
      ),
    ];
    for (const bytes of bad) opened.channel.frame(live(bytes));
    await vi.waitFor(() => expect(opened.status().dropped).toBe(4));
    expect([...opened.awareness.getStates().keys()].sort()).toEqual([opened.doc.clientID, 55].sort());
  });

  it('[SY21] a presence is applied once, in its order, and before it has ended', async () => {
    const opened = await start(empty);
    await settled(opened);
    opened.channel.up();
    const first = await seal(presence('writer', 8), presenceOf(55, { name: 'ada' }));
    // A wrong clock, a network that says things twice, or another tab that spoke before: nobody is accused.
    const bad = [
      await seal(presence('writer', 9, { expires: Date.now() - 120_000 }), presenceOf(55, null)),
      first,
      await seal(presence('writer', 7), presenceOf(55, null)),
    ];
    opened.channel.frame(live(first));
    for (const bytes of bad) opened.channel.frame(live(bytes));
    const last = presence('writer', 1, { sender: newId() });
    opened.channel.frame(live(await seal(last, presenceOf(56, { name: 'bob' }))));
    await vi.waitFor(() => expect(opened.awareness.getStates().get(56)).toEqual({ name: 'bob' }));
    expect(opened.awareness.getStates().get(55)).toEqual({ name: 'ada' });
    expect(opened.status().dropped).toBe(0);
  });

  it('[SY21] a viewer says that it is there once it can verify what others answer', async () => {
    const pulled = Promise.withResolvers<Log>();
    const viewer = await start(() => pulled.promise, { role: 'reader' });
    const writer = await start(() => pulled.promise);
    for (const { channel } of [viewer, writer]) channel.up();
    // What both are to do at once, the second has done by now, and so has the first.
    await vi.waitFor(() => expect(writer.sent).toHaveLength(1));
    expect(viewer.sent).toEqual([]);
    pulled.resolve(logOf([]));
    await vi.waitFor(() => expect(viewer.sent).toHaveLength(1));
    const [presence] = viewer.sent;
    expect(presence && parseEnvelope(presence).header).toMatchObject({ kind: 'presence', role: 'reader' });
  });

  it('[SY21] viewers, however many, leave room for writers', async () => {
    const opened = await start(empty);
    await settled(opened);
    opened.channel.up();
    const own = opened.awareness.getStates().size;
    const say = async (role: 'writer' | 'reader', client: number) => {
      const key = role === 'writer' ? keys.writer : keys.view.reader;
      const header = presence(role, 1, { sender: newId() });
      opened.channel.frame(live(await seal(header, presenceOf(client, { role }), key.privateKey)));
    };
    for (let client = 1_001; client <= 1_150; client++) await say('reader', client);
    for (let client = 2_001; client <= 2_120; client++) await say('writer', client);
    await vi.waitFor(() => expect(opened.awareness.getStates().has(2_120)).toBe(true));
    const states = [...opened.awareness.getStates().values()];
    expect(states.filter(({ role }) => role === 'writer')).toHaveLength(120);
    expect(states).toHaveLength(own + 200);
    expect(opened.status().dropped).toBe(0);
  });

  it('[SY20] a change goes at once to somebody who can be reached through the relay only', async () => {
    const [ada, ben] = [await start(empty), await start(empty)];
    await Promise.all([settled(ada), settled(ben)]);
    ada.channel.up();
    ada.doc.getText('text').insert(0, 'alone ');
    ada.channel.frame(live(await seal(presence('writer', 1), presenceOf(55, { name: 'ben' }))));
    await vi.waitFor(() => expect(ada.awareness.getStates().has(55)).toBe(true));
    const before = ada.sent.length;
    ada.doc.getText('text').insert(0, 'together ');
    await vi.waitFor(() => expect(ada.sent.length).toBeGreaterThan(before));
    ben.channel.up();
    for (const bytes of ada.sent) ben.channel.frame(live(bytes));
    await vi.waitFor(() => expect(Y.encodeStateVector(ben.doc).length).toBeGreaterThan(0));
    // What went before is with the log; until then the change waits for it.
    Y.applyUpdate(ben.doc, Y.encodeStateAsUpdate(ada.doc));
    expect(textOf(ben)).toBe('together alone ');
  });

  it('[SY20] so does what another tab has done, at once', async () => {
    const opened = await start(empty);
    await settled(opened);
    opened.channel.up();
    opened.channel.frame(live(await seal(presence('writer', 1), presenceOf(55, { name: 'ben' }))));
    await vi.waitFor(() => expect(opened.awareness.getStates().has(55)).toBe(true));
    const changes = () =>
      opened.sent.map((bytes) => parseEnvelope(bytes).header).filter(({ kind }) => kind === 'update');
    Y.applyUpdateV2(opened.doc, writing('received'), 'another tab');
    Y.applyUpdateV2(opened.doc, writing('mine'), 'done in another tab');
    await vi.waitFor(() => expect(changes()).toHaveLength(1));
    await vi.waitFor(() => expect(opened.appended).not.toHaveLength(0));
  });

  it('[SY8] a live change that the writer did not sign, or of another kind, is dropped', async () => {
    const opened = await start(empty);
    await settled(opened);
    opened.channel.up();
    const bad = [
      await seal({ kind: 'update' }, writing('reader'), keys.view.reader.privateKey),
      await seal({ kind: 'snapshot', prev: null, covers: 0, chain: EMPTY_CHAIN }, writing('snapshot')),
      await seal({ kind: 'tombstone' }, new Uint8Array()),
      await seal({ kind: 'update' }, new Uint8Array(30).fill(255)),
    ];
    for (const bytes of bad) opened.channel.frame(live(bytes));
    await vi.waitFor(() => expect(opened.status().dropped).toBe(4));
    opened.channel.frame(live(await seal({ kind: 'update' }, writing('good'))));
    await vi.waitFor(() => expect(textOf(opened)).toBe('good'));
  });
});
