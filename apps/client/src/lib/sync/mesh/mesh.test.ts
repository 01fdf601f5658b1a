import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { HubUser } from '../hub-socket.ts';
import { ManualClock } from '../manual-clock.ts';
import { FakePeerConnection } from './fake-rtc.ts';

/** A hub of which everybody hears everybody. */
class FakeHub {
  /** Everybody whose socket is in use. */
  readonly users = new Set<HubUser>();
  readonly frames: { type: string; topic?: string; topics?: string[]; data?: unknown }[] = [];
  #isDown = false;

  /** What one of them uses. */
  socket() {
    const sharing = new Set<HubUser>();
    const own: HubUser = {
      up: () => sharing.forEach((user) => user.up()),
      down: () => sharing.forEach((user) => user.down()),
      message: (json) => sharing.forEach((user) => user.message(json)),
    };
    return {
      attach: (user: HubUser) => {
        sharing.add(user);
        this.users.add(own);
        if (!this.#isDown) user.up();
        return () => {
          sharing.delete(user);
          if (sharing.size === 0) this.users.delete(own);
        };
      },
      send: (text: string) => {
        const frame = JSON.parse(text) as FakeHub['frames'][number];
        if (this.#isDown || !this.users.has(own)) return false;
        this.frames.push(frame);
        if (frame.type !== 'publish') return true;
        for (const user of [...this.users]) queueMicrotask(() => this.users.has(user) && user.message(frame));
        return true;
      },
    };
  }

  goDown(): void {
    this.#isDown = true;
    for (const user of this.users) user.down();
  }

  comeUp(): void {
    this.#isDown = false;
    for (const user of this.users) user.up();
  }
}

let clock: ManualClock;
let hub: FakeHub;
let events: EventTarget;
let network: { onLine: boolean };
let end: (() => void)[];

beforeEach(() => {
  [clock, hub, events, network, end] = [
    new ManualClock(),
    new FakeHub(),
    new EventTarget(),
    { onLine: true },
    [],
  ];
  FakePeerConnection.reset();
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
  vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events));
  vi.stubGlobal('navigator', network);
});

afterEach(() => {
  for (const stop of end) stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Joins the room. y-webrtc has one room of a name: everybody has a copy of it. */
async function join(password = '') {
  vi.resetModules();
  const { Mesh } = await import('./mesh.ts');
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  const told: unknown[] = [];
  const mesh = new Mesh({
    ...{ doc, awareness, room: 'room', password, hub: hub.socket() as never },
    ice: () => Promise.resolve({}),
    surroundings: {
      now: () => clock.now,
      after: clock.after,
      random: () => 0.5,
      randomBytes: (length) => new Uint8Array(length),
    },
    isOfRelay: (origin) => origin === 'relay',
    onReach: () => undefined,
    onMessage: (peer, message) => told.push([peer, ...message]),
    onBroken: () => told.push('broken'),
  });
  let hasLeft = false;
  const member = {
    ...{ doc, awareness, mesh, told },
    get text() {
      return doc.getText('text').toJSON();
    },
    get name() {
      return awareness.getLocalState()?.['peer'] as string;
    },
    write: (words: string) => doc.getText('text').insert(0, words),
    leave: () => {
      if (!hasLeft) mesh.destroy();
      hasLeft = true;
    },
  };
  end.push(member.leave, () => awareness.destroy());
  return member;
}

type Member = Awaited<ReturnType<typeof join>>;

const reach = (a: Member, b: Member) =>
  vi.waitFor(() => expect([a.mesh.reaches(b.name), b.mesh.reaches(a.name)]).toEqual([true, true]));

async function joinAll<Members extends Member[]>(count: number): Promise<Members> {
  const members: Member[] = [];
  for (let joined = 0; joined < count; joined += 1) {
    const member = await join();
    for (const other of members) await reach(member, other);
    members.push(member);
  }
  clock.pass(1_000);
  await settled();
  return members as Members;
}

/** Three of whom only the second reaches the others. */
async function joinRow() {
  const [a, b] = await joinAll<[Member, Member]>(2);
  // From now on the first hears nobody who is new.
  const [first] = hub.users;
  if (first) hub.users.delete(first);
  const c = await join();
  await reach(b, c);
  clock.pass(1_000);
  await settled();
  return [a, b, c] as const;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** So many messages were sent over all connections so far. */
const sent = () =>
  FakePeerConnection.open
    .flatMap(({ channels }) => channels)
    .reduce((sum, channel) => sum + channel.sent.length, 0);

describe('the mesh', () => {
  it('[ME1] finds others through the hub’s socket, and leaves that to those who go on using it', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    a.write('from a');
    await settled();
    expect(b.text).toBe('from a');
    a.leave();
    expect(hub.frames).toContainEqual({ type: 'unsubscribe', topics: ['room'] });
    expect(hub.users.size).toBe(1);
    await settled();
    expect(b.mesh.reaches(a.name)).toBe(false);
  });

  it('[ME1] is not joined by a browser that may not connect to others', async () => {
    vi.stubGlobal('RTCPeerConnection', undefined);
    await join();
    await settled();
    expect(hub.users.size).toBe(0);
  });

  it('[ME6] what the hub says hurts nobody, whatever it is', async () => {
    const [a] = await joinAll<[Member, Member]>(2);
    for (const frame of [
      undefined,
      null,
      'text',
      {},
      { type: 'publish', topic: 'room' },
      { type: 'publish', topic: 'room', data: 3 },
      { type: 'publish', topic: 'room', data: { type: 'signal', from: crypto.randomUUID() } },
      {
        type: 'publish',
        topic: 'room',
        data: {
          ...{ type: 'signal', from: crypto.randomUUID(), to: a.name },
          signal: { type: 'answer', sdp: 'x' },
        },
      },
    ]) {
      for (const user of hub.users) user.message(frame);
    }
    await settled();
    const c = await join();
    await reach(a, c);
    expect((await a.mesh.connections()).map(({ state }) => state)).toEqual(['connected', 'connected']);
  });

  it('[ME6] nobody has a name that is none, and nobody too many', async () => {
    const a = await join();
    await vi.waitFor(() => expect(a.name).toBeTypeOf('string'));
    const say = async (from: unknown) => {
      for (const data of [
        { type: 'announce', from },
        { type: 'signal', from, to: a.name, signal: { candidate: { candidate: 'candidate:1' } } },
      ]) {
        for (const user of hub.users) user.message({ type: 'publish', topic: 'room', data });
        await settled();
      }
    };
    const name = crypto.randomUUID();
    for (const from of ['relay', '', 7, null, undefined, [name], `${name}0`, 'x'.repeat(101)])
      await say(from);
    expect(await a.mesh.connections()).toEqual([]);
    for (let count = 0; count < 300; count += 1) await say(crypto.randomUUID());
    expect(await a.mesh.connections()).toHaveLength(200);
    // Their places become free again.
    for (const seconds of [20, 300]) clock.pass(seconds * 1_000);
    await say(name);
    expect((await a.mesh.connections()).map(({ peer }) => peer)).toEqual([name]);
  });

  it('[ME6] a message that cannot be read is dropped, and the next one is not', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    const [channel] = FakePeerConnection.open[0]?.channels ?? [];
    const complaint = vi.spyOn(console, 'error');
    const before = sent();
    for (const bytes of [[9], [0], [0, 7], [1, 200], [80], [80, 2, 255], [80, 9]]) {
      channel?.other?.onmessage?.({ data: Uint8Array.from(bytes).buffer });
    }
    await settled();
    expect([sent() - before, complaint.mock.calls]).toEqual([0, []]);
    a.write('still here');
    await settled();
    expect([b.text, b.told]).toEqual(['still here', []]);
  });

  it('[ME3] two that cannot connect try it again after pauses that grow', async () => {
    const [a, b] = [await join(), await join()];
    const attempts = () =>
      hub.frames.filter(({ data }) => (data as { type?: string } | undefined)?.type === 'signal').length;
    vi.spyOn(FakePeerConnection.prototype, 'createAnswer').mockRejectedValue(new Error('no way'));
    await vi.waitFor(() => expect(attempts()).toBeGreaterThan(0));
    const during = async (seconds: number) => {
      const before = attempts();
      for (let passed = 0; passed < seconds; passed += 1) {
        clock.pass(1_000);
        await settled();
      }
      return attempts() - before;
    };
    const early = await during(300);
    await during(3_000);
    expect(early).toBeGreaterThan(3 * (await during(300)));
    expect([a.mesh.reaches(b.name), early > 0]).toEqual([false, true]);
  });

  it('carries messages of ours to whom it reaches', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    expect(a.mesh.send(b.name, Uint8Array.of(1, 2, 3))).toBe(true);
    expect(a.mesh.send('nobody', Uint8Array.of(1))).toBe(false);
    await settled();
    expect(b.told).toEqual([[a.name, 1, 2, 3]]);
  });

  it('[ME7] nothing of an update that fails while it is applied is passed on, and it is told', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const [a, b, c] = await joinRow();
    a.write('whole, ');
    await settled();
    expect(c.text).toBe('whole, ');
    b.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    a.write('half, ');
    await settled();
    expect([b.told, c.text]).toEqual([['broken'], 'whole, ']);
  });

  it('[ME7] an update that came another way and failed is not passed on either', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    const other = new Y.Doc();
    other.getText('text').insert(0, 'half');
    a.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    const before = sent();
    expect(() => Y.applyUpdate(a.doc, Y.encodeStateAsUpdate(other), 'mailbox')).toThrow('poison');
    expect(sent()).toBe(before);
    a.leave();
    await settled();
    expect(b.text).toBe('');
  });

  it('[ME8] a connection that ends takes nobody’s presence away, nor does silence for others', async () => {
    const [a, b, c] = await joinAll<[Member, Member, Member]>(3);
    expect(c.awareness.getStates().size).toBe(3);
    removeAwarenessStates(b.awareness, [a.doc.clientID], 'timeout');
    a.leave();
    await settled();
    expect([b, c].map(({ awareness }) => awareness.getStates().has(a.doc.clientID))).toEqual([false, true]);
  });

  it('[ME8] what somebody else takes away of who is there is put right with everybody', async () => {
    const [a, b, c] = await joinAll<[Member, Member, Member]>(3);
    removeAwarenessStates(b.awareness, [a.doc.clientID], 'mistake');
    await settled();
    for (const { awareness } of [b, c]) expect(awareness.getStates().has(a.doc.clientID)).toBe(true);
  });

  it('[ME10] a page that goes away says so, and is there again under another name when it comes back', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    b.awareness.setLocalStateField('user', 'Bob');
    const before = b.name;
    // Both hear it: one of them has no network, so that it does not come back by itself.
    network.onLine = false;
    a.leave();
    events.dispatchEvent(new Event('pagehide'));
    expect([b.awareness.getLocalState(), hub.users.size]).toEqual([null, 0]);
    events.dispatchEvent(new Event('pageshow'));
    expect(b.awareness.getLocalState()).toBeNull();
    network.onLine = true;
    events.dispatchEvent(new Event('pageshow'));
    await vi.waitFor(() => expect(b.awareness.getLocalState()?.['peer']).not.toBe(before));
    expect(b.awareness.getLocalState()).toMatchObject({ user: 'Bob' });
  });

  it('[ME10] what is only understood once the mesh was left opens nothing any more', async () => {
    const a = await join('a password');
    await vi.waitFor(() => expect(a.name).toBeTypeOf('string'));
    const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
    const [asked, held, done] = [0, 1, 2].map(() => Promise.withResolvers<undefined>());
    vi.spyOn(crypto.subtle, 'decrypt').mockImplementationOnce(async (...values) => {
      asked?.resolve(undefined);
      await held?.promise;
      const decrypted = await decrypt(...values);
      done?.resolve(undefined);
      return decrypted;
    });
    await join('a password');
    await asked?.promise;
    a.leave();
    held?.resolve(undefined);
    await done?.promise;
    await settled();
    expect(FakePeerConnection.open).toEqual([]);
  });

  it('[ME10] a short time without a network is none; a longer one ends all connections', async () => {
    const [a, b] = await joinAll<[Member, Member]>(2);
    events.dispatchEvent(new Event('offline'));
    clock.pass(4_000);
    events.dispatchEvent(new Event('online'));
    clock.pass(4_000);
    expect(a.mesh.reaches(b.name)).toBe(true);
    events.dispatchEvent(new Event('offline'));
    clock.pass(5_000);
    expect([a.mesh.reaches(b.name), a.awareness.getLocalState()]).toEqual([false, null]);
    // Those who were there are not, as far as this one knows.
    expect(a.awareness.getStates().size).toBe(0);
    events.dispatchEvent(new Event('online'));
    await vi.waitFor(() => expect(a.awareness.getStates().size).toBe(2));
    await reach(a, b);
  });

  it('[ME9] after sleep what is interrupted is restarted at once', async () => {
    await joinAll<[Member, Member]>(2);
    const offerer = FakePeerConnection.open.find(
      ({ localDescription }) => localDescription?.type === 'offer',
    );
    const lose = async () => {
      offerer?.become('disconnected');
      await settled();
      return offerer?.restarts;
    };
    expect(await lose()).toBe(0);
    offerer?.become('connected');
    // Timers stood still: the beat that was due comes an hour late.
    clock.now += 3_600_000;
    clock.pass(0);
    expect(await lose()).toBe(1);
  });

  it('[ME9] what is interrupted is restarted once the hub is there to tell it', async () => {
    await joinAll<[Member, Member]>(2);
    const offerer = FakePeerConnection.open.find(
      ({ localDescription }) => localDescription?.type === 'offer',
    );
    hub.goDown();
    events.dispatchEvent(new Event('online'));
    offerer?.become('disconnected');
    await settled();
    expect([offerer?.restarts, offerer?.connectionState]).toEqual([1, 'disconnected']);
    hub.comeUp();
    await settled();
    await settled();
    expect([offerer?.restarts, offerer?.connectionState]).toEqual([2, 'connected']);
  });

  it('[ME4] a restart is answered also when the clock of who asks for it is behind', async () => {
    await joinAll<[Member, Member]>(2);
    const [offerer, answerer] = ['offer', 'answer'].map((type) =>
      FakePeerConnection.open.find(({ localDescription }) => localDescription?.type === type),
    );
    const known = answerer?.remoteDescription;
    vi.spyOn(Date, 'now').mockReturnValue(0);
    offerer?.become('failed');
    await settled();
    await settled();
    expect(answerer?.remoteDescription).not.toEqual(known);
    expect(offerer?.connectionState).toBe('connected');
  });

  it('[ME11] three in a row, whose ends do not meet, converge, and who is there is known to all', async () => {
    const [a, , c] = await joinRow();
    a.write('from a, ');
    c.write('from c, ');
    await settled();
    expect([a.mesh.reaches(c.name), a.text.length, c.text]).toEqual([false, 16, a.text]);
    expect(a.awareness.getStates().has(c.doc.clientID)).toBe(true);
  });

  it('[ME11] what was lost along with a connection comes from who has it', async () => {
    const [a, b, c] = await joinAll<[Member, Member, Member]>(3);
    // Nothing gets through between a and b, and neither has noticed.
    for (const { channels } of FakePeerConnection.open.slice(0, 2)) {
      for (const channel of channels) channel.other = null;
    }
    a.write('last words');
    await settled();
    expect([b.text, c.text]).toEqual(['', 'last words']);
    a.leave();
    await settled();
    expect(b.text).toBe('last words');
  });

  it('[ME1] who leaves and joins again at once is in the room, however long the key takes', async () => {
    const derive = crypto.subtle.deriveKey.bind(crypto.subtle);
    const slow = Promise.withResolvers<CryptoKey>();
    let isAsked = false;
    let deriveFirst = () => Promise.resolve<unknown>(null);
    vi.spyOn(crypto.subtle, 'deriveKey').mockImplementationOnce((...values) => {
      isAsked = true;
      deriveFirst = async () => slow.resolve(await derive(...values));
      return slow.promise;
    });
    const a = await join('a password');
    await vi.waitFor(() => expect(isAsked).toBe(true));
    events.dispatchEvent(new Event('pagehide'));
    events.dispatchEvent(new Event('pageshow'));
    const b = await join('a password');
    await vi.waitFor(() => expect(b.name).toBeTypeOf('string'));
    // y-webrtc would complain of a second room of the name now.
    await deriveFirst();
    await reach(a, b);
    await settled();
  });

  it('[ME11] a change takes one message for each of the others', async () => {
    const [a, , , d] = await joinAll<[Member, Member, Member, Member]>(4);
    const before = sent();
    a.write('once');
    await settled();
    expect([sent() - before, d.text]).toEqual([3, 'once']);
  });

  it('[ME11] what all hear through the relay is told by nobody once more, presence neither', async () => {
    const members = await joinAll<[Member, Member, Member]>(3);
    const [a, b, c] = members;
    for (const { mesh } of [a, b]) mesh.relayReached(true);
    clock.pass(1_000);
    await settled();
    const before = sent();
    const written = new Y.Doc();
    written.getText('text').insert(0, 'through the relay');
    const update = Y.encodeStateAsUpdate(written);
    const somebody = new Awareness(written);
    somebody.setLocalState({ name: 'somebody' });
    const presence = encodeAwarenessUpdate(somebody, [written.clientID]);
    somebody.destroy();
    for (const { doc, awareness } of [a, b]) {
      Y.applyUpdate(doc, update, 'relay');
      applyAwarenessUpdate(awareness, presence, 'relay');
    }
    await settled();
    // Each of the two tells the third, who hears nothing of it otherwise, twice: what is written, and who is there.
    expect(sent() - before).toBe(4);
    expect(members.map(({ text }) => text)).toEqual(Array(3).fill('through the relay'));
    expect(c.awareness.getStates().get(written.clientID)).toEqual({ name: 'somebody' });
  });
});
