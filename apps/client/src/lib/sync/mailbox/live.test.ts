import { encodeBase64url } from '@parley/signaling/base64url';
import { importVerifyKey, parseEnvelope } from '@parley/signaling/envelope';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys, type EditKeys } from '../../session/keys.ts';
import { LiveExchange } from './live.ts';
import type { OwnClient } from './own-presences.ts';
import type { Extras } from './presence.ts';

let keys: EditKeys;
let writerKey: CryptoKey;
let readerKey: CryptoKey;

beforeAll(async () => {
  keys = await deriveEditKeys(new Uint8Array(32).fill(12));
  writerKey = await importVerifyKey(keys.writer.publicKey);
  readerKey = await importVerifyKey(keys.view.reader.publicKey);
});

/** Time that passes when a test says so. */
class Clock {
  now = Date.UTC(2030, 0, 1);
  readonly #due = new Set<{ at: number; action: () => void }>();

  after(milliseconds: number, action: () => void): () => void {
    const one = { at: this.now + milliseconds, action };
    this.#due.add(one);
    return () => this.#due.delete(one);
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const one of this.#due) {
      if (one.at > this.now) continue;
      this.#due.delete(one);
      one.action();
    }
  }
}

const newSender = () => encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));

class Person {
  readonly awareness = new Awareness(new Y.Doc());
  readonly live: LiveExchange;
  readonly name: string;
  readonly updates: Uint8Array[] = [];
  /** Those that it is connected to without the relay. */
  readonly mesh = new Set<Person>();
  own: OwnClient;
  /** The other tabs of its device. */
  readonly followers: OwnClient[] = [];
  /** What is to go along with the next presence, and what came along with others'. */
  extras: Extras | null = null;
  readonly came: { client: number; extras: Extras; role: string }[] = [];
  dropped = 0;
  isUp = false;
  queue = Promise.resolve();

  constructor(room: Room, name: string, role: 'writer' | 'reader') {
    this.name = name;
    this.awareness.setLocalState({ name });
    this.own = { client: this.awareness.clientID, sender: newSender() };
    this.live = new LiveExchange({
      sessionId: keys.sessionId,
      awareness: this.awareness,
      clients: () => [this.own, ...this.followers],
      extras: {
        extras: () => {
          const { extras } = this;
          this.extras = null;
          return extras;
        },
        receiveExtras: (client, extras, from) => this.came.push({ client, extras, role: from }),
      },
      keys: {
        contentKey: keys.view.contentKey,
        signingKey: (role === 'writer' ? keys.writer : keys.view.reader).privateKey,
        role,
        readerKey,
        writerKey: () => writerKey,
      },
      surroundings: {
        now: () => room.clock.now,
        random: () => 0.5,
        randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        after: (milliseconds, action) => room.clock.after(milliseconds, action),
      },
      origin: this,
      seen: () => null,
      send: (envelope) => room.send(this, envelope),
      reachesDirectly: (state) => [...this.mesh].some((other) => other.name === state['name']),
      enqueue: (task) => {
        this.queue = this.queue.then(task);
      },
      onUpdate: (_, update) => {
        this.updates.push(update);
        return Promise.resolve();
      },
      onPosition: () => undefined,
      onDropped: () => {
        this.dropped += 1;
      },
    });
    // As y-webrtc does: whatever is updated goes to everybody it reaches.
    this.awareness.on('update', ({ added, updated, removed }: Record<string, number[]>) => {
      const clients = [...(added ?? []), ...(updated ?? []), ...(removed ?? [])];
      const update = encodeAwarenessUpdate(this.awareness, clients);
      for (const other of this.mesh) applyAwarenessUpdate(other.awareness, update, 'mesh');
    });
  }

  get sees(): string[] {
    return [...this.awareness.getStates().values()].map((state) => String(state['name'])).sort();
  }

  /** Says that it is this client, as of the awareness's clock. */
  claim(client: number, clock: number): void {
    const { awareness, name } = this;
    awareness.setLocalState(null);
    awareness.clientID = client;
    this.own = { ...this.own, client };
    awareness.meta.set(client, { clock, lastUpdated: 0 });
    awareness.setLocalState({ name, clock });
  }

  up(): void {
    this.isUp = true;
    this.live.up();
  }

  down(): void {
    this.isUp = false;
    this.live.down();
  }

  receive(envelope: Uint8Array<ArrayBuffer>): void {
    this.queue = this.queue.then(() => this.live.receive(envelope));
  }
}

/** Several people at one relay. */
class Room {
  readonly clock = new Clock();
  readonly people: Person[] = [];
  /** What was sent, by whom. */
  readonly sent: { from: Person; envelope: Uint8Array<ArrayBuffer> }[] = [];
  /** To whom the relay does not get through yet. */
  readonly held = new Set<Person>();

  join(name: string, role: 'writer' | 'reader' = 'writer'): Person {
    const person = new Person(this, name, role);
    this.people.push(person);
    return person;
  }

  send(from: Person, envelope: Uint8Array<ArrayBuffer>): void {
    this.sent.push({ from, envelope });
    for (const to of this.people) if (to !== from && to.isUp && !this.held.has(to)) to.receive(envelope);
  }

  /** Waits for a condition, while time passes. */
  async until(condition: () => void): Promise<void> {
    await vi.waitFor(() => {
      this.clock.pass(100);
      condition();
    });
  }

  /** Lets time pass, and everything come to its end that goes on at that. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.pass(milliseconds);
    for (let times = 0; times < 5; times++) {
      for (const { queue } of this.people) await queue;
    }
  }

  /** All who are named see exactly one another. */
  async meet(...people: Person[]): Promise<void> {
    const names = people.map(({ name }) => name).sort();
    await this.until(() => expect(people.map(({ sees }) => sees)).toEqual(people.map(() => names)));
  }
}

function connect(a: Person, b: Person): void {
  a.mesh.add(b);
  b.mesh.add(a);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const clients = [...from.awareness.getStates().keys()];
    applyAwarenessUpdate(to.awareness, encodeAwarenessUpdate(from.awareness, clients), 'mesh');
    from.live.reachChanged();
  }
}

/** As the page of `person` does that goes away. */
function leave(person: Person): void {
  person.live.leave();
  person.down();
  person.awareness.setLocalState(null);
  for (const other of person.mesh) other.mesh.delete(person);
  person.mesh.clear();
}

const rooms: Room[] = [];

function open(): Room {
  const room = new Room();
  rooms.push(room);
  return room;
}

afterEach(() => {
  for (const { people } of rooms.splice(0)) {
    for (const { live, awareness } of people) {
      live.stop();
      awareness.destroy();
    }
  }
});

describe('two who are connected directly, and a viewer', () => {
  it('[SY21] [SY20] the viewer is seen though the mesh has brought it first, and hears of changes when the other has left', async () => {
    const room = open();
    const [ada, bob, cy] = [room.join('ada'), room.join('bob'), room.join('cy', 'reader')];
    connect(ada, bob);
    for (const one of [ada, bob]) one.up();
    await room.meet(ada, bob);
    room.held.add(bob);
    cy.up();
    await room.until(() => expect(bob.sees).toEqual(['ada', 'bob', 'cy']));
    room.held.clear();
    for (const { from, envelope } of room.sent) if (from === cy) bob.receive(envelope);
    await room.meet(ada, bob, cy);
    expect(bob.dropped).toBe(0);
    leave(ada);
    await room.meet(bob, cy);
    bob.live.changed(Y.encodeStateAsUpdateV2(new Y.Doc()));
    await room.until(() => expect(cy.updates).toHaveLength(1));
  });

  it('[SY21] whom one lets go whom it does not reach, others go on seeing', async () => {
    const room = open();
    const [ada, bob, cy] = [room.join('ada'), room.join('bob'), room.join('cy', 'reader')];
    connect(ada, bob);
    for (const one of [ada, bob, cy]) one.up();
    await room.meet(ada, bob, cy);
    ada.down();
    await room.pass(5_000);
    expect([ada.sees, bob.sees]).toEqual([
      ['ada', 'bob'],
      ['ada', 'bob', 'cy'],
    ]);
    bob.live.stop();
    expect(bob.sees).toEqual(['ada', 'bob']);
    expect(ada.sees).toEqual(['ada', 'bob']);
  });

  it('[SY21] a viewer does not speak for a writer whom the mesh brought', async () => {
    const room = open();
    const [ada, bob, eve] = [room.join('ada'), room.join('bob'), room.join('eve', 'reader')];
    connect(ada, bob);
    ada.up();
    eve.claim(bob.awareness.clientID, 99);
    eve.up();
    await room.until(() => expect(ada.dropped).toBe(1));
    expect(ada.sees).toEqual(['ada', 'bob']);
  });

  it('[SY21] a viewer does not go on speaking for whom the mesh then says is a writer', async () => {
    const room = open();
    const [ada, bob, eve] = [room.join('ada'), room.join('bob'), room.join('eve', 'reader')];
    ada.up();
    eve.claim(bob.awareness.clientID, 9);
    eve.up();
    await room.until(() => expect(ada.sees).toEqual(['ada', 'eve']));
    bob.claim(bob.awareness.clientID, 50);
    connect(ada, bob);
    expect(ada.sees).toEqual(['ada', 'bob']);
    eve.claim(bob.awareness.clientID, 98);
    await room.until(() => expect(ada.dropped).toBeGreaterThan(0));
    expect(ada.sees).toEqual(['ada', 'bob']);
  });

  it('[SY21] a viewer does not speak for a writer who is let go', async () => {
    const room = open();
    const [ada, bob, eve] = [room.join('ada'), room.join('bob'), room.join('eve', 'reader')];
    for (const one of [ada, bob]) one.up();
    await room.meet(ada, bob);
    bob.down();
    ada.down();
    await room.pass(5_000);
    expect(ada.sees).toEqual(['ada']);
    ada.up();
    eve.claim(bob.awareness.clientID, 99);
    eve.up();
    await room.until(() => expect(ada.dropped).toBe(1));
    expect(ada.sees).toEqual(['ada']);
  });

  it('[SY21] a viewer that the mesh says has a writer’s client id gives way to the writer', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    const eve = room.join('eve');
    eve.claim(bob.awareness.clientID, 99);
    eve.awareness.setLocalStateField('viewer', true);
    connect(ada, eve);
    expect(ada.sees).toEqual(['ada', 'eve']);
    for (const one of [ada, bob]) one.up();
    await room.meet(ada, bob);
  });
});

describe('a page that goes away', () => {
  it('[SY21] says goodbye in that very moment, and is back with the page', async () => {
    const room = open();
    const [ada, cy] = [room.join('ada'), room.join('cy', 'reader')];
    for (const one of [ada, cy]) one.up();
    await room.meet(ada, cy);
    const before = room.sent.length;
    cy.live.leave();
    expect(room.sent).toHaveLength(before + 1);
    cy.down();
    await vi.waitFor(() => expect(ada.sees).toEqual(['ada']));
    expect(ada.dropped).toBe(0);
    cy.up();
    await room.meet(ada, cy);
    cy.live.stop();
    await vi.waitFor(() => expect(ada.sees).toEqual(['ada']));
  });

  it('[SY21] has a goodbye that is younger than all that it said, and not older than a heartbeat', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    for (const one of [ada, bob]) one.up();
    await room.meet(ada, bob);
    for (let times = 0; times < 5; times++) {
      ada.awareness.setLocalStateField('cursor', times);
      await room.until(() =>
        expect([...bob.awareness.getStates().values()]).toContainEqual({ name: 'ada', cursor: times }),
      );
    }
    for (let times = 0; times < 8; times++) await room.pass(25_100);
    ada.live.leave();
    await vi.waitFor(() => expect(bob.sees).toEqual(['bob']));
    const counters = room.sent
      .filter(({ from }) => from === ada)
      .map(({ envelope }) => parseEnvelope(envelope).header)
      .map((header) => (header.kind === 'presence' ? header.counter : 0));
    expect(counters).toEqual([...counters].sort((a, b) => a - b));
    expect(new Set(counters).size).toBe(counters.length);
  });

  it('[SY21] says nothing where nobody is reached through the relay only', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    connect(ada, bob);
    for (const one of [ada, bob]) one.up();
    await room.pass(200);
    await room.until(() => expect(room.sent.length).toBeGreaterThanOrEqual(2));
    const before = room.sent.length;
    ada.live.leave();
    expect(room.sent).toHaveLength(before);
  });
});

describe('a channel that is down', () => {
  it('[SY21] for five seconds leaves only those who are reached directly, and brings the others back', async () => {
    const room = open();
    const [ada, bob, cy] = [room.join('ada'), room.join('bob'), room.join('cy', 'reader')];
    connect(ada, bob);
    for (const one of [ada, bob, cy]) one.up();
    await room.meet(ada, bob, cy);
    bob.down();
    await room.pass(4_900);
    expect(bob.sees).toEqual(['ada', 'bob', 'cy']);
    // Another attempt has failed.
    bob.down();
    await room.pass(200);
    expect(bob.sees).toEqual(['ada', 'bob']);
    bob.up();
    // Well before the next heartbeat.
    await room.pass(100);
    await vi.waitFor(() => {
      room.clock.pass(1);
      expect([ada.sees, bob.sees, cy.sees]).toEqual([0, 1, 2].map(() => ['ada', 'bob', 'cy']));
    });
  });

  it('[SY21] for a moment changes nothing, whoever has left before', async () => {
    const room = open();
    const [ada, bob, cy] = [room.join('ada'), room.join('bob'), room.join('cy', 'reader')];
    for (const one of [ada, bob, cy]) one.up();
    await room.meet(ada, bob, cy);
    leave(bob);
    await room.until(() => expect([ada.sees, cy.sees]).toEqual([0, 1].map(() => ['ada', 'cy'])));
    const heard: unknown[] = [];
    cy.awareness.on('change', (change: unknown) => heard.push(change));
    ada.down();
    ada.down();
    await room.pass(1_000);
    ada.up();
    await room.pass(10_000);
    expect(ada.sees).toEqual(['ada', 'cy']);
    expect(heard).toEqual([]);
  });

  it('[SY21] brings nobody back too late who is reached directly by then', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    for (const one of [ada, bob]) one.up();
    await room.meet(ada, bob);
    ada.down();
    await room.pass(5_000);
    expect(ada.sees).toEqual(['ada']);
    connect(ada, bob);
    expect(ada.sees).toEqual(['ada', 'bob']);
  });

  it('[SY21] lets go also who was reached directly until then', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    connect(ada, bob);
    for (const one of [ada, bob]) one.up();
    await room.pass(200);
    await room.until(() => expect(ada.sees).toEqual(['ada', 'bob']));
    ada.down();
    await room.pass(6_000);
    expect(ada.sees).toEqual(['ada', 'bob']);
    ada.mesh.clear();
    ada.live.reachChanged();
    expect(ada.sees).toEqual(['ada']);
  });
});

describe('several tabs of one device', () => {
  /** What a tab of the device of `person` says of itself there. */
  const say = (person: Person, client: number, state: Record<string, unknown> | null) => {
    const clock = (person.awareness.meta.get(client)?.clock ?? 0) + 1;
    const tab = new Awareness(new Y.Doc());
    tab.meta.set(client, { clock, lastUpdated: 0 });
    const states = new Map(state ? [[client, state] as const] : []);
    applyAwarenessUpdate(person.awareness, encodeAwarenessUpdate(tab, [client], states), 'tabs');
    tab.destroy();
  };
  const follow = (person: Person, client: number, name: string): OwnClient => {
    const follower = { client, sender: newSender() };
    person.followers.push(follower);
    say(person, client, { name });
    return follower;
  };
  const headersOf = (room: Room, from: Person) =>
    room.sent
      .filter((one) => one.from === from)
      .map(({ envelope }) => parseEnvelope(envelope).header)
      .filter((header) => header.kind === 'presence');

  it.each(['writer', 'reader'] as const)(
    '[SY21] are present each for itself, and gone each for itself (%s)',
    async (role) => {
      const room = open();
      const [ada, bob] = [room.join('ada', role), room.join('bob')];
      for (const one of [ada, bob]) one.up();
      await room.meet(ada, bob);
      const follower = follow(ada, 77, 'ada’s second');
      await room.until(() => expect(bob.sees).toEqual(['ada', 'ada’s second', 'bob']));
      const cy = room.join('cy');
      cy.up();
      await room.until(() => expect(cy.sees).toEqual(['ada', 'ada’s second', 'bob', 'cy']));
      const before = headersOf(room, ada).length;
      say(ada, 77, { name: 'ada’s second', cursor: 3 });
      await room.until(() => expect(bob.awareness.getStates().get(77)).toMatchObject({ cursor: 3 }));
      expect(
        headersOf(room, ada)
          .slice(before)
          .map(({ sender }) => sender),
      ).toEqual([follower.sender]);
      ada.followers.length = 0;
      say(ada, 77, null);
      await room.until(() => expect(bob.sees).toEqual(['ada', 'bob', 'cy']));
      expect([bob.dropped, cy.dropped]).toEqual([0, 0]);
    },
  );

  it('[SY21] another one goes on for both where the first has stopped, whose goodbye is not said', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    const follower = follow(ada, 77, 'ada’s second');
    for (const one of [ada, bob]) one.up();
    await room.until(() => expect(bob.sees).toEqual(['ada', 'ada’s second', 'bob']));
    const before = headersOf(room, ada).length;
    ada.live.stop(true);
    ada.down();
    await room.pass(100);
    expect(headersOf(room, ada)).toHaveLength(before);
    expect(ada.sees).toEqual(['ada', 'ada’s second', 'bob']);
    const second = room.join('ada’s second');
    second.claim(77, 100);
    second.own = follower;
    second.followers.push({ client: ada.awareness.clientID, sender: ada.own.sender });
    applyAwarenessUpdate(
      second.awareness,
      encodeAwarenessUpdate(ada.awareness, [ada.awareness.clientID]),
      'tabs',
    );
    second.up();
    await room.until(() => expect(second.sees).toEqual(['ada', 'ada’s second', 'bob']));
    say(second, ada.awareness.clientID, { name: 'ada', cursor: 5 });
    await room.until(() =>
      expect(bob.awareness.getStates().get(ada.awareness.clientID)).toEqual({ name: 'ada', cursor: 5 }),
    );
    expect([bob.dropped, second.dropped]).toEqual([0, 0]);
    second.live.leave();
    await vi.waitFor(() => expect(bob.sees).toEqual(['ada', 'bob']));
  });

  it('[SY21] what two of them say for each other at the same time is nobody’s fault', async () => {
    const room = open();
    const [ada, second] = [room.join('ada'), room.join('ada’s second')];
    ada.followers.push({ client: second.awareness.clientID, sender: second.own.sender });
    second.followers.push({ client: ada.awareness.clientID, sender: ada.own.sender });
    const bob = room.join('bob');
    for (const one of [ada, second, bob]) one.up();
    await room.until(() => expect(bob.sees).toEqual(['ada', 'ada’s second', 'bob']));
    await room.pass(1_000);
    expect([ada.dropped, second.dropped]).toEqual([0, 0]);
  });
});

describe('what goes along with presence', () => {
  it('[SY21] is for others: not for a tab that turns out to be of the same device', async () => {
    const room = open();
    const [ada, second] = [room.join('ada'), room.join('ada’s second')];
    for (const one of [ada, second]) one.up();
    await room.until(() => expect(room.sent).toHaveLength(4));
    second.live.stop(true);
    second.down();
    ada.followers.push(second.own);
    ada.live.clientsChanged();
    const before = room.sent.length;
    ada.extras = { probe: 'cHJvYmU' };
    ada.live.extrasChanged();
    await room.pass(1_000);
    expect(room.sent).toHaveLength(before);
  });

  it('[RC5] gets to those who read it, said by whose key signed it, and is no part of the state', async () => {
    const room = open();
    const [ada, cy] = [room.join('ada'), room.join('cy', 'reader')];
    for (const one of [ada, cy]) one.up();
    await room.meet(ada, cy);
    ada.extras = { probe: 'cHJvYmU' };
    cy.extras = { answers: ['YW5zd2Vy'] };
    for (const { live } of [ada, cy]) live.extrasChanged();
    const [adasClient, cysClient] = [ada, cy].map(({ awareness }) => awareness.clientID);
    await room.until(() => {
      expect(ada.came).toContainEqual({
        client: cysClient,
        extras: { answers: ['YW5zd2Vy'] },
        role: 'reader',
      });
      expect(cy.came).toContainEqual({ client: adasClient, extras: { probe: 'cHJvYmU' }, role: 'writer' });
    });
    // Who says nothing along with presence is heard all the same.
    expect(ada.came).toContainEqual({ client: cysClient, extras: {}, role: 'reader' });
    expect(cy.awareness.getStates().get(ada.awareness.clientID)).toEqual({ name: 'ada' });
    expect(ada.awareness.getStates().get(cy.awareness.clientID)).toEqual({ name: 'cy', viewer: true });
  });

  it('[SY21] is sent where somebody is reached through the relay only', async () => {
    const room = open();
    const [ada, bob] = [room.join('ada'), room.join('bob')];
    connect(ada, bob);
    for (const one of [ada, bob]) one.up();
    await room.pass(200);
    await room.until(() => expect(room.sent).toHaveLength(4));
    const before = room.sent.length;
    ada.extras = { probe: 'cHJvYmU' };
    ada.live.extrasChanged();
    await room.pass(1_000);
    expect(room.sent).toHaveLength(before);
  });
});
