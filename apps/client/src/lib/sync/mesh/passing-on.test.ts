import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../simulation/random.ts';
import { PassingOn, RELAY, type CatchUp, type ReachNews } from './passing-on.ts';

type Message =
  | { kind: 'changes'; changes: readonly number[] }
  | { kind: 'news'; news: ReachNews }
  | { kind: 'ask'; has: ReadonlySet<number> };

/** One direction of a connection: what was sent arrives in its order, or not at all. */
interface Wire {
  readonly from: Peer;
  readonly to: Peer;
  readonly queue: Message[];
  isBroken: boolean;
}

class Peer {
  readonly name: string;
  readonly tells: boolean;
  readonly has = new Set<number>();
  readonly wires = new Map<string, Wire>();
  readonly passing = new PassingOn();
  readonly #world: World;

  constructor(name: string, tells: boolean, world: World) {
    this.name = name;
    this.tells = tells;
    this.#world = world;
  }

  connect(other: Peer, wire: Wire): void {
    this.wires.set(other.name, wire);
    this.passing.connect(other.name, other.tells && this.tells);
    this.send(other.name, { kind: 'ask', has: new Set(this.has) });
    this.#world.later(() => this.tell());
  }

  notice(lost: string, wire: Wire): void {
    if (this.wires.get(lost) !== wire) return;
    this.wires.delete(lost);
    this.catchUp(this.passing.disconnect(lost, 0));
    this.#world.later(() => this.tell());
  }

  catchUp(catchUps: CatchUp): void {
    if (!this.tells) return;
    for (const [name, updates] of catchUps) {
      if (updates === 'anew') throw new Error('nothing is that large here');
      this.send(name, { kind: 'changes', changes: updates.flatMap((update) => [...update]) });
    }
  }

  tell(): void {
    if (!this.tells) return;
    for (const [name, news] of this.passing.takeNews()) this.send(name, { kind: 'news', news });
  }

  change(id: number): void {
    this.has.add(id);
    this.passOn([id], null);
  }

  passOn(changes: readonly number[], source: string | null): void {
    // A stock client passes on everything to everybody.
    const to = this.tells ? this.passing.recipients(source) : [...this.wires.keys()];
    for (const name of to) this.send(name, { kind: 'changes', changes });
    if (source !== null) this.passing.keep(source, Uint8Array.from(changes), 0);
  }

  receive(from: string, message: Message): void {
    if (message.kind === 'news') this.catchUp(this.passing.learn(from, message.news, 0));
    else if (message.kind === 'ask') {
      const changes = [...this.has].filter((id) => !message.has.has(id));
      this.send(from, { kind: 'changes', changes });
    } else {
      const fresh = message.changes.filter((id) => !this.has.has(id));
      for (const id of fresh) this.has.add(id);
      if (fresh.length > 0) this.passOn(fresh, from);
    }
  }

  send(to: string, message: Message): void {
    this.#world.sent += 1;
    this.wires.get(to)?.queue.push(message);
  }
}

/** Peers, and everything that is under way between them, in whatever order chance has it. */
class World {
  readonly peers: Peer[];
  readonly #random: SeededRandom;
  #wires: Wire[] = [];
  #pending: (() => unknown)[] = [];
  #changes = 0;
  sent = 0;

  constructor(size: number, seed: number, stock = 0) {
    this.#random = new SeededRandom(seed);
    this.peers = Array.from({ length: size }, (_, at) => new Peer(`peer ${at}`, at >= stock, this));
  }

  later(action: () => unknown): void {
    this.#pending.push(action);
  }

  at(index: number): Peer {
    const peer = this.peers[index % this.peers.length];
    if (!peer) throw new Error('nobody is there');
    return peer;
  }

  connect(a: Peer, b: Peer): void {
    // A connection that is being lost is lost for both before there is another one.
    if (a === b || a.wires.has(b.name) || b.wires.has(a.name)) return;
    const wires = [
      { from: a, to: b, queue: [], isBroken: false },
      { from: b, to: a, queue: [], isBroken: false },
    ];
    this.#wires.push(...wires);
    for (const wire of wires) wire.from.connect(wire.to, wire);
  }

  /** What is under way is lost, and what is sent until an end notices. */
  disconnect(a: Peer, b: Peer): void {
    for (const wire of this.#wires) {
      if (!((wire.from === a && wire.to === b) || (wire.from === b && wire.to === a)) || wire.isBroken)
        continue;
      wire.isBroken = true;
      this.later(() => wire.from.notice(wire.to.name, wire));
    }
  }

  /** It is gone for good, whatever it was doing. */
  kill(peer: Peer): void {
    if (this.peers.length < 3) return;
    for (const { to } of peer.wires.values()) this.disconnect(peer, to);
    this.peers.splice(this.peers.indexOf(peer), 1);
  }

  change(peer: Peer): void {
    peer.change((this.#changes += 1));
  }

  /** One thing that is due happens; false if nothing is. */
  step(): boolean {
    this.#wires = this.#wires.filter(({ isBroken }) => !isBroken);
    const full = this.#wires.filter(({ queue }) => queue.length > 0);
    const count = full.length + this.#pending.length;
    if (count === 0) return false;
    const pick = this.#random.below(count);
    const wire = full[pick];
    if (wire) {
      const message = wire.queue.shift();
      if (message) wire.to.receive(wire.from.name, message);
    } else {
      const [action] = this.#pending.splice(pick - full.length, 1);
      action?.();
    }
    return true;
  }

  settle(): void {
    while (this.step());
  }

  /** Whom each can reach over any number of others. */
  get isConnected(): boolean {
    const found = new Set(this.peers.slice(0, 1));
    for (const peer of found) {
      for (const { to, isBroken } of peer.wires.values())
        if (!isBroken && this.peers.includes(to)) found.add(to);
    }
    return found.size === this.peers.length;
  }

  get missing(): string[] {
    const all = new Set(this.peers.flatMap(({ has }) => [...has]));
    return this.peers.filter(({ has }) => has.size < all.size).map(({ name }) => name);
  }
}

const actions = fc.array(
  fc.tuple(fc.constantFrom('connect', 'disconnect', 'change', 'wait', 'kill'), fc.nat(7), fc.nat(7)),
  { minLength: 5, maxLength: 60 },
);

describe('passing on', () => {
  it('[ME11] all who are connected over whomever get everything, whatever is lost and joined in between', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.nat(2),
        fc.nat(),
        fc.integer({ min: 20, max: 100 }),
        actions,
        (size, stock, seed, density, all) => {
          const world = new World(size, seed, stock);
          const random = new SeededRandom(seed + 1);
          for (let a = 0; a < size; a += 1) {
            for (let b = a + 1; b < size; b += 1) {
              if (random.below(100) < density) world.connect(world.at(a), world.at(b));
            }
          }
          for (const [action, a, b] of all) {
            if (action === 'wait') for (let steps = a * 8; steps > 0; steps -= 1) world.step();
            else if (action === 'change' || action === 'kill') world[action](world.at(a));
            else world[action](world.at(a), world.at(b));
          }
          for (let next = 1; !world.isConnected; next += 1) {
            world.settle();
            world.connect(world.at(next - 1), world.at(next));
          }
          world.settle();
          expect(world.missing).toEqual([]);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('[ME11] a change takes one message for each of the others where everybody reaches everybody', () => {
    const world = new World(30, 1);
    for (const a of world.peers) for (const b of world.peers) world.connect(a, b);
    world.settle();
    world.sent = 0;
    world.change(world.at(7));
    world.settle();
    expect([world.sent, world.missing]).toEqual([29, []]);
  });

  it('[ME11] of a row of three the one in the middle passes on, and nobody else gets anything twice', () => {
    const world = new World(3, 1);
    world.connect(world.at(0), world.at(1));
    world.connect(world.at(1), world.at(2));
    world.settle();
    world.sent = 0;
    world.change(world.at(0));
    world.settle();
    expect([world.sent, world.missing]).toEqual([2, []]);
  });

  it('[ME11] what only some had of one who is gone reaches all', () => {
    const world = new World(4, 1);
    for (const a of world.peers) for (const b of world.peers) world.connect(a, b);
    world.settle();
    const last = world.at(0);
    for (const at of [1, 2]) world.disconnect(last, world.at(at));
    world.change(last);
    // It gets to one of three, who relies on the others' having it as well.
    while (!world.at(3).has.has(1)) world.step();
    world.kill(last);
    world.settle();
    expect(world.peers.map(({ has }) => has.size)).toEqual([1, 1, 1]);
  });

  it('[ME11] what was not passed on is kept for a while, and not without bounds', () => {
    const passing = new PassingOn();
    const update = new Uint8Array(1_500_000);
    const meet = () => {
      for (const [name, other] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const) {
        passing.connect(name, true);
        passing.learn(name, { gained: [other], lost: [] }, 0);
      }
    };
    const part = (now: number) => passing.learn('a', { gained: [], lost: ['b'] }, now);
    meet();
    for (const now of [0, 1, 95_000]) passing.keep('a', update, now);
    const caughtUp = part(95_000).get('b');
    expect(caughtUp).toHaveLength(1);
    expect(caughtUp?.[0]).toBe(update);
    meet();
    for (const now of [0, 1, 2]) passing.keep('a', update, now);
    expect([...part(80_000)]).toEqual([['b', 'anew']]);
    meet();
    for (const now of [0, 1, 2]) passing.keep('a', update, now);
    expect([...part(91_000)]).toEqual([]);
  });

  it('[ME6] who says to reach themselves, or a world of people, is believed as far as it does no harm', () => {
    const passing = new PassingOn();
    for (const name of ['a', 'b']) passing.connect(name, true);
    const many = Array.from({ length: 1_000 }, (_, at) => `${at}`);
    passing.learn('a', { gained: ['a', ...many], lost: [] }, 0);
    passing.learn('a', { gained: ['b'], lost: [] }, 0);
    passing.learn('b', { gained: ['a'], lost: [] }, 0);
    passing.connect('c', true);
    passing.learn('b', { gained: ['b', 'c'], lost: [] }, 0);
    passing.learn('c', { gained: ['b'], lost: [] }, 0);
    // There was no room for b any more.
    expect([passing.recipients('b'), passing.recipients('a')]).toEqual([['a'], ['b', 'c']]);
    const update = Uint8Array.of(1);
    passing.keep('b', update, 0);
    expect(passing.disconnect('b', 1)).toEqual(new Map([['c', [update]]]));
  });

  it('[ME11] what was lost along with a connection comes from those who reach both ends', () => {
    const world = new World(3, 1);
    for (const a of world.peers) for (const b of world.peers) world.connect(a, b);
    world.settle();
    world.disconnect(world.at(0), world.at(1));
    // Nobody has noticed yet: the one who reaches both relies on the connection between them.
    world.change(world.at(0));
    world.settle();
    expect(world.missing).toEqual([]);
  });

  it('[ME11] a stock client is given everything, and what comes from it goes to everybody', () => {
    const passing = new PassingOn();
    passing.connect('stock', false);
    passing.connect('a', true);
    passing.learn('a', { gained: ['stock'], lost: [] }, 0);
    expect(passing.recipients('a')).toEqual(['stock']);
    expect(passing.recipients('stock')).toEqual(['a']);
    expect([...passing.takeNews()]).toEqual([['a', { gained: ['stock'], lost: [] }]]);
  });

  it('[ME11] what came through the relay goes to those who do not hear it, and to others once they do not any more', () => {
    const passing = new PassingOn();
    passing.connect(RELAY, false);
    for (const peer of ['ada', 'bob', 'stock']) passing.connect(peer, peer !== 'stock');
    const [gained, lost] = [
      { gained: [RELAY], lost: [] },
      { gained: [], lost: [RELAY] },
    ];
    expect(passing.takeNews().get('ada')?.gained).toContain(RELAY);
    passing.learn('ada', gained, 0);
    expect(passing.recipients(RELAY)).toEqual(['bob', 'stock']);
    const update = Uint8Array.of(1);
    passing.keep(RELAY, update, 0);
    expect(passing.learn('ada', lost, 1)).toEqual(new Map([['ada', [update]]]));
    expect(passing.recipients(RELAY)).toEqual(['ada', 'bob', 'stock']);
    // What is done here, or comes from a neighbour, goes to the relay by the mailbox.
    expect(passing.recipients(null)).toEqual(['ada', 'bob', 'stock']);
    passing.learn('ada', gained, 2);
    expect(passing.recipients('bob')).toEqual(['ada', 'stock']);
    // Without the relay, what came through it may be what only this one has.
    passing.keep(RELAY, update, 3);
    expect(passing.disconnect(RELAY, 4).get('ada')).toContain(update);
    expect(passing.takeNews().get('ada')).toEqual({ gained: [], lost: [RELAY] });
    expect(passing.recipients(RELAY)).toEqual(['ada', 'bob', 'stock']);
  });
});
