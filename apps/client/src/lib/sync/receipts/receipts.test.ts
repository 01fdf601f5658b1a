import { encodeBase64url } from '@parley/signaling/base64url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { Extras } from '../mailbox/presence.ts';
import type { Role } from './asking.ts';
import { decodeMessage, encodeMessage } from './probe.ts';
import { Receipts, type ReceiptFacts } from './receipts.ts';

const OTHER_TAB = 'another tab';

/** A device, others whom a test moves, and time that passes when it says so. */
class Device {
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly told: ReceiptFacts[] = [];
  readonly sent: { peer: string; message: Uint8Array<ArrayBuffer> }[] = [];
  /** Those whom the mesh reaches. */
  readonly peers = new Set<string>();
  readonly live = { changed: vi.fn() };
  readonly receipts: Receipts;
  isCommitted = Promise.resolve(true);
  /** The tabs of this device. */
  clients: number[] = [];
  #now = 0;
  readonly #due = new Set<{ at: number; action: () => void }>();

  constructor(role: Role = 'writer') {
    this.awareness.setLocalState({ user: { id: 'me' } });
    this.receipts = new Receipts({
      doc: this.doc,
      awareness: this.awareness,
      role,
      surroundings: {
        now: () => this.#now,
        random: () => 0.5,
        randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        after: (milliseconds, action) => {
          const one = { at: this.#now + milliseconds, action };
          this.#due.add(one);
          return () => this.#due.delete(one);
        },
      },
      committed: () => this.isCommitted,
      isOwn: (origin) => origin === OTHER_TAB,
      clients: () => this.clients.map((client) => ({ client })),
      sendDirect: (peer, message) => {
        if (this.peers.has(peer)) this.sent.push({ peer, message });
        return this.peers.has(peer);
      },
      live: this.live,
      onReceipts: (facts) => this.told.push(facts),
    });
  }

  /** Somebody else is present. */
  come(client: number, state: Record<string, unknown>): void {
    this.awareness.getStates().set(client, state);
    this.awareness.emit('change', [{ added: [client], updated: [], removed: [] }, 'network']);
  }

  write(words: string): void {
    this.doc.getText('text').insert(0, words);
  }

  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    for (let times = 0; times < 5; times++) {
      for (const one of [...this.#due].filter(({ at }) => at <= this.#now)) {
        this.#due.delete(one);
        one.action();
      }
      await this.isCommitted;
    }
  }
}

const devices: Device[] = [];

function open(role?: Role): Device {
  const device = new Device(role);
  devices.push(device);
  return device;
}

afterEach(() => {
  for (const { receipts, awareness, doc } of devices.splice(0)) {
    receipts.stop();
    awareness.destroy();
    doc.destroy();
  }
});

/** All that `from` has sent directly gets to `to`, which knows `from` under that name. */
function deliver(from: Device, to: Device, name: string): void {
  for (const { message } of from.sent.splice(0)) to.receipts.receive(name, message);
}

const askerOf = (message: Uint8Array) => decodeMessage(message)?.asker ?? '';

const synchronise = (from: Device, to: Device, origin: unknown = 'network') =>
  Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc), origin);

/** Two who know and reach each other. */
function openTwo(): [ada: Device, bob: Device] {
  const [ada, bob] = [open(), open()];
  ada.peers.add('bob');
  bob.peers.add('ada');
  ada.come(2, { user: { id: 'bob' }, peer: 'bob' });
  bob.come(1, { user: { id: 'ada' }, peer: 'ada' });
  return [ada, bob];
}

describe('a receipt', () => {
  it('[RC1] [RC4] is given once all is there and committed, and taken back by the next change', async () => {
    const [ada, bob] = openTwo();
    ada.write('one');
    await ada.pass(0);
    const committed = Promise.withResolvers<boolean>();
    bob.isCommitted = committed.promise;
    deliver(ada, bob, 'ada');
    void bob.pass(0);
    synchronise(ada, bob);
    void bob.pass(0);
    expect(bob.sent).toEqual([]);
    committed.resolve(true);
    await bob.pass(0);
    deliver(bob, ada, 'bob');
    expect(ada.told).toEqual([
      { people: 1, having: 1, ids: ['bob'] },
      { people: 1, having: 0, ids: [] },
      { people: 1, having: 1, ids: ['bob'] },
    ]);
    ada.write('two');
    expect(ada.receipts.facts.having).toBe(0);
  });

  it('[RC4] is not given by a device that cannot save, until it can', async () => {
    const [ada, bob] = openTwo();
    ada.write('one');
    await ada.pass(0);
    synchronise(ada, bob);
    bob.isCommitted = Promise.resolve(false);
    deliver(ada, bob, 'ada');
    await bob.pass(0);
    bob.isCommitted = Promise.resolve(true);
    await bob.pass(2_999);
    expect(bob.sent).toEqual([]);
    await bob.pass(1);
    expect(bob.sent).toHaveLength(1);
  });

  it('[RC1] is about what other tabs of this device have done, and not about what others have', async () => {
    const [ada, bob] = openTwo();
    await ada.pass(0);
    deliver(ada, bob, 'ada');
    await bob.pass(0);
    deliver(bob, ada, 'bob');
    const [tab, cy] = [open(), open()];
    cy.write('somebody else’s');
    synchronise(cy, ada);
    expect(ada.receipts.facts.having).toBe(1);
    tab.write('mine');
    synchronise(tab, ada, OTHER_TAB);
    expect(ada.receipts.facts.having).toBe(0);
  });

  it('[RC1] is about what another tab of this device has done, also when it comes by way of others', async () => {
    const [ada] = openTwo();
    await ada.pass(0);
    expect(ada.receipts.facts.having).toBe(1);
    const [tab, somebody] = [new Y.Doc(), new Y.Doc()];
    ada.clients = [ada.doc.clientID, tab.clientID];
    somebody.getText('text').insert(0, 'not ours');
    Y.applyUpdate(ada.doc, Y.encodeStateAsUpdate(somebody), 'network');
    expect(ada.receipts.facts.having).toBe(1);
    tab.getText('text').insert(0, 'ours');
    Y.applyUpdate(ada.doc, Y.encodeStateAsUpdate(tab), 'network');
    expect(ada.receipts.facts.having).toBe(0);
  });

  it('[RC1] is about what another tab of this device has done, also while that waits for what it builds on', async () => {
    const [tab, somebody] = [new Y.Doc(), new Y.Doc()];
    somebody.getText('text').insert(0, 'not ours');
    const before = Y.encodeStateAsUpdate(somebody);
    Y.applyUpdate(tab, before);
    const done: Uint8Array[] = [];
    tab.on('update', (update: Uint8Array) => done.push(update));
    for (const deed of [
      () => tab.getText('text').delete(0, 4),
      () => tab.getText('text').insert(2, 'ours'),
    ]) {
      const [ada] = openTwo();
      await ada.pass(0);
      expect(ada.receipts.facts.having).toBe(1);
      deed();
      for (const update of done.splice(0)) Y.applyUpdate(ada.doc, update, OTHER_TAB);
      // What it builds on comes by way of others.
      Y.applyUpdate(ada.doc, before, 'network');
      expect(ada.receipts.facts.having).toBe(0);
    }
  });

  it('[RC1] is about what was there already when the first one came', async () => {
    const ada = open();
    ada.write('before');
    const [, bob] = openTwo();
    ada.peers.add('bob');
    ada.come(2, { user: { id: 'bob' }, peer: 'bob' });
    await ada.pass(0);
    deliver(ada, bob, 'ada');
    await bob.pass(0);
    expect(bob.sent).toEqual([]);
    synchronise(ada, bob);
    await bob.pass(0);
    expect(bob.sent).toHaveLength(1);
  });

  it('[RC3] is asked of nobody before it is known who this person is, and never of this person', async () => {
    const ada = open();
    ada.awareness.setLocalState({});
    ada.come(2, { user: { id: 'me' }, peer: 'me' });
    ada.peers.add('me');
    await ada.pass(0);
    expect([ada.sent, ada.told]).toEqual([[], []]);
  });

  it('[RC6] is not asked for by a viewer, who gives them', async () => {
    const [ada, vic] = [open(), open('reader')];
    const before = new Y.Doc();
    before.getText('text').insert(0, 'before');
    Y.applyUpdate(vic.doc, Y.encodeStateAsUpdate(before), 'network');
    ada.come(2, { user: { id: 'vic' }, viewer: true });
    vic.come(1, { user: { id: 'ada' }, peer: 'ada' });
    ada.write('one');
    await ada.pass(0);
    expect(ada.live.changed).toHaveBeenCalled();
    const extras = ada.receipts.extras();
    vic.receipts.receiveExtras(1, extras ?? {}, 'writer');
    synchronise(ada, vic);
    await vic.pass(0);
    await vic.pass(20);
    const answers = vic.receipts.extras();
    expect(answers).toMatchObject({ answers: [expect.any(String) as string] });
    expect(answers).not.toHaveProperty('probe');
    ada.receipts.receiveExtras(2, answers ?? {}, 'reader');
    expect(ada.receipts.facts.ids).toEqual(['vic']);
    vic.doc.getText('text').insert(0, 'not kept');
    await vic.pass(1_000);
    expect([vic.receipts.extras(), vic.told.at(-1)]).toEqual([null, { people: 1, having: 0, ids: [] }]);
  });
});

describe('what travels', () => {
  it('[RC6] is not given to a viewer who asks: their probes keep nobody else’s from being answered', async () => {
    const [ada, bob] = openTwo();
    bob.come(99, { user: { id: 'mallory' }, viewer: true });
    ada.write('one');
    await ada.pass(0);
    deliver(ada, bob, 'ada');
    for (let client = 100; client < 140; client++) {
      const asker = encodeBase64url(new Uint8Array(16).fill(client));
      for (let number = 1; number <= 8; number++) {
        // None asks for what another one asks for.
        const wanted = { inserted: new Map([[number, [0, 1]]]), deleted: new Map() };
        const probe = encodeMessage({ type: 'probe', asker, number, wanted });
        bob.receipts.receiveExtras(client, { probe: encodeBase64url(probe) }, 'reader');
      }
    }
    synchronise(ada, bob);
    await bob.pass(0);
    deliver(bob, ada, 'bob');
    expect(ada.receipts.facts.having).toBe(1);
  });

  it('[RC5] goes along with presence, once, where it cannot go directly; an answer goes directly where it can', async () => {
    const [ada, bob] = openTwo();
    ada.peers.clear();
    ada.receipts.reachChanged();
    ada.write('one');
    await ada.pass(0);
    const extras = ada.receipts.extras();
    expect(ada.receipts.extras()).toBeNull();
    bob.receipts.receiveExtras(1, extras ?? {}, 'writer');
    synchronise(ada, bob);
    await bob.pass(0);
    expect(bob.receipts.extras()).toBeNull();
    deliver(bob, ada, 'bob');
    expect(ada.receipts.facts.having).toBe(1);
  });

  it('[RC5] is asked again once somebody who has not answered is heard, five seconds after it was asked at least', async () => {
    const [ada] = openTwo();
    ada.peers.clear();
    ada.receipts.reachChanged();
    ada.write('one');
    await ada.pass(0);
    ada.receipts.extras();
    ada.live.changed.mockClear();
    // Nobody is asked again who is not heard.
    await ada.pass(60_000);
    expect(ada.live.changed).not.toHaveBeenCalled();
    ada.receipts.receiveExtras(2, {}, 'writer');
    await ada.pass(0);
    expect(ada.live.changed).toHaveBeenCalledOnce();
    expect(ada.receipts.extras()?.probe).toBeDefined();
    for (let times = 0; times < 3; times++) ada.receipts.receiveExtras(2, {}, 'writer');
    await ada.pass(4_999);
    expect(ada.live.changed).toHaveBeenCalledOnce();
    await ada.pass(1);
    expect(ada.live.changed).toHaveBeenCalledTimes(2);
  });

  it('[RC5] each is asked again who was heard and has not answered, whoever else has', async () => {
    const [ada, bob] = openTwo();
    ada.peers.clear();
    ada.come(3, { user: { id: 'cy' } });
    ada.receipts.reachChanged();
    ada.write('one');
    await ada.pass(0);
    const extras = ada.receipts.extras();
    ada.live.changed.mockClear();
    for (const client of [2, 3]) ada.receipts.receiveExtras(client, {}, 'writer');
    bob.receipts.receiveExtras(1, extras ?? {}, 'writer');
    synchronise(ada, bob);
    await bob.pass(0);
    deliver(bob, ada, 'bob');
    expect(ada.receipts.facts.ids).toEqual(['bob']);
    await ada.pass(5_000);
    expect(ada.live.changed).toHaveBeenCalledOnce();
  });

  it('[RC5] many answers through the relay are spread over a moment, and go together', async () => {
    const bob = open('reader');
    for (let client = 100; client < 150; client++) bob.come(client, { user: { id: `person-${client}` } });
    const ask = (client: number) => {
      const asker = encodeBase64url(new Uint8Array(16).fill(client));
      const wanted = { inserted: new Map(), deleted: new Map() };
      const probe = encodeMessage({ type: 'probe', asker, number: 1, wanted });
      bob.receipts.receiveExtras(client, { probe: encodeBase64url(probe) }, 'writer');
    };
    ask(100);
    await bob.pass(0);
    ask(101);
    await bob.pass(500);
    expect(bob.live.changed).not.toHaveBeenCalled();
    await bob.pass(20);
    expect(bob.live.changed).toHaveBeenCalledOnce();
    expect(bob.receipts.extras()?.answers).toHaveLength(2);
    ask(102);
    await bob.pass(0);
    await bob.pass(2_000);
    expect(bob.live.changed).toHaveBeenCalledOnce();
    await bob.pass(100);
    expect(bob.live.changed).toHaveBeenCalledTimes(2);
  });

  it('[RC2] whatever comes, nothing comes of what is no message', async () => {
    const [ada] = openTwo();
    ada.write('one');
    await ada.pass(0);
    const own = ada.sent[0]?.message ?? new Uint8Array();
    const asker = askerOf(own);
    const bad: Extras[] = [
      { probe: '' },
      { probe: '!' },
      { answers: ['', 'AAAA', encodeBase64url(own)] },
      { probe: encodeBase64url(encodeMessage({ type: 'answer', asker, number: 1 })) },
    ];
    for (const extras of bad) ada.receipts.receiveExtras(2, extras, 'writer');
    for (const bytes of [new Uint8Array(), own.subarray(0, 9), own]) ada.receipts.receive('bob', bytes);
    // Of those whom nobody knows.
    ada.receipts.receive('nobody', encodeMessage({ type: 'answer', asker, number: 1 }));
    ada.receipts.receiveExtras(
      99,
      { answers: [encodeBase64url(encodeMessage({ type: 'answer', asker, number: 1 }))] },
      'writer',
    );
    await ada.pass(5_000);
    expect(ada.sent).toHaveLength(1);
  });

  it('tells nothing any more once it is stopped', async () => {
    const [ada] = openTwo();
    ada.write('one');
    await ada.pass(0);
    const asker = askerOf(ada.sent[0]?.message ?? new Uint8Array());
    ada.receipts.stop();
    const told = ada.told.length;
    ada.receipts.receive('bob', encodeMessage({ type: 'answer', asker, number: 1 }));
    expect(ada.told).toHaveLength(told);
  });

  it('ends when it is stopped', async () => {
    const [ada, bob] = openTwo();
    ada.write('one');
    synchronise(ada, bob);
    await ada.pass(0);
    ada.write('two');
    deliver(ada, bob, 'ada');
    bob.receipts.stop();
    ada.receipts.stop();
    ada.write('three');
    await Promise.all([ada.pass(5_000), bob.pass(5_000)]);
    expect([ada.sent, bob.sent]).toEqual([[], []]);
  });
});
