import { encodeBase64url } from '@parley/signaling/base64url';
import * as Y from 'yjs';
import { covers, integratedBy, type Holdings } from '../../holdings.ts';
import type { Extras } from '../../mailbox/presence.ts';
import { VirtualClock } from '../../simulation/clock.ts';
import { SeededRandom } from '../../simulation/random.ts';
import type { Role } from '../asking.ts';
import { decodeMessage, encodeMessage } from '../probe.ts';
import { App, newDevice, type SimulatedDevice } from './app.ts';

export interface SimulatedPerson {
  readonly name: string;
  /** Whom the app says that it is of. */
  readonly claims: string;
  readonly role: Role;
  /** Says of probes of its own accord that it has what they ask for, and repeats what others said. */
  readonly lies: boolean;
  readonly device: SimulatedDevice;
  app: App | null;
}

/** A connection of the mesh. One end may notice its end later than the other: what is sent meanwhile is lost. */
interface Edge {
  readonly ends: readonly [App, App];
  readonly noticed: Set<App>;
  isDead: boolean;
  /** When the last message arrives: they arrive in their order. */
  last: number;
}

/** What became of a simulation. */
export interface Played {
  /** How often somebody was said to have the last change. */
  readonly given: number;
  readonly probes: number;
  readonly lies: number;
}

/** What some devices have from the start: it takes more than one probe to ask for. */
const LONG: { bytes: Uint8Array; committed: Holdings } = (() => {
  const doc = new Y.Doc();
  for (let number = 0; number < 1_200; number++) {
    doc.clientID = 2 ** 30 + number;
    const devices = doc.getMap('devices');
    devices.set(String(number), 'here');
    if (number % 3 === 0) devices.delete(String(number));
  }
  return { bytes: Y.encodeStateAsUpdate(doc), committed: integratedBy(doc) };
})();

/** Several people, a mesh and a relay that loses what it passes on. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly people: SimulatedPerson[];
  readonly #edges = new Set<Edge>();
  #opened = 0;
  #loss = 0.3;
  #given = 0;
  #lies = 0;
  #probes = 0;
  /** What was said directly or along with presence: liars say it again. */
  readonly #overheard: Uint8Array<ArrayBuffer>[] = [];
  /** What was found true of one person's app and another one's device, and is not looked at again until one of the three is another. */
  readonly #checked = new Map<string, readonly unknown[]>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const failing = this.random.pick([0, 0, 0.3]);
    const person = (name: string, role: Role, lies = false, claims = name): SimulatedPerson => ({
      ...{ name, claims, role, lies, app: null },
      device: newDevice(failing),
    });
    this.people = [person('ada', 'writer'), person('bob', 'writer'), person('cy', 'writer')];
    if (this.random.chance(0.7)) this.people.push(person('vic', 'reader'));
    if (this.random.chance(0.5)) this.people.push(person('mel', 'writer', true));
    if (this.random.chance(0.5)) this.people.push(person('eve', 'reader', true, 'bob'));
    if (seed % 25 === 3) for (const { device } of this.people.slice(0, 3)) Object.assign(device, LONG);
  }

  get apps(): App[] {
    return this.people.flatMap(({ app }) => (app ? [app] : []));
  }

  async play(): Promise<Played> {
    for (let steps = 0; steps < 250; steps++) {
      this.#act();
      const end = this.clock.now + this.random.pick([0, 10, 100, 500, 3_000, 20_000]);
      while (await this.clock.step(end)) this.#check();
      if (this.random.chance(0.2)) this.#beat();
    }
    await this.#comeToRest();
    for (const { app } of this.people) app?.close();
    return { given: this.#given, lies: this.#lies, probes: this.#probes };
  }

  sendDirect(from: App, to: string, message: Uint8Array<ArrayBuffer>): boolean {
    const edge = [...this.#edges].find(
      ({ ends, noticed }) =>
        ends.includes(from) && !noticed.has(from) && ends.some((end) => end !== from && end.peer === to),
    );
    const other = edge?.ends.find((end) => end !== from);
    if (!edge || !other) return false;
    this.#overhear(message);
    edge.last = Math.max(edge.last, this.clock.now + this.random.between(5, 400));
    this.clock.after(edge.last - this.clock.now, () => {
      if (other.isOpen && !edge.isDead && !edge.noticed.has(other))
        other.receipts.receive(from.peer, message);
    });
    return true;
  }

  areConnected(app: App, client: number): boolean {
    return [...this.#edges].some(
      ({ ends, noticed }) =>
        ends.includes(app) &&
        !noticed.has(app) &&
        ends.some((end) => end !== app && end.doc.clientID === client),
    );
  }

  /** The relay passes a presence on, or does not; as JSON, in which it travels. */
  publish(from: App, extras: Extras | null, isGone = false): void {
    if (extras?.probe) this.#probes += 1;
    const text = JSON.stringify(extras);
    for (const to of this.apps) {
      if (to === from || this.random.chance(this.#loss)) continue;
      this.clock.after(this.random.between(20, 300), () => {
        if (to.isOpen && (isGone || from.isOpen)) to.hear(from, JSON.parse(text) as Extras | null, isGone);
      });
    }
  }

  /** A change gets to the others, each at its time, or it does not. */
  spread(from: App, update: Uint8Array): void {
    if (from.person.role === 'reader') return;
    for (const to of this.apps) {
      if (to === from || this.random.chance(0.1)) continue;
      this.clock.after(this.random.between(5, this.random.pick([100, 5_000])), () => {
        if (to.isOpen) Y.applyUpdate(to.doc, update, 'network');
      });
    }
  }

  #act(): void {
    const person = this.random.pick(this.people);
    const { app, role } = person;
    if (!app) {
      if (this.random.chance(0.5)) this.#open(person);
      else if (!this.apps.some((other) => other.sees(person.claims)) && this.random.chance(0.3)) {
        // Everybody has noticed that they are gone, and the person forgets the session.
        person.device.bytes = null;
        person.device.committed = newDevice(0).committed;
      }
      return;
    }
    const chance = this.random.next();
    if (chance < 0.5 && role === 'writer') app.edit(this.random.chance(0.5), this.random.chance(0.2));
    else if (chance < 0.6) this.#synchronise(app, this.random.pick(this.apps));
    else if (chance < 0.75) this.#meet(app, this.random.pick(this.apps));
    else if (chance < 0.82) for (const edge of this.#edges) this.#cut(edge, app);
    else if (chance < 0.87) this.#close(person);
    else if (chance < 0.9) person.device.isFull = !person.device.isFull;
    else if (person.lies) this.#lie(app);
  }

  #open(person: SimulatedPerson): void {
    this.#opened += 1;
    const app = new App(this, person, `${person.name} ${this.#opened}`);
    person.app = app;
    app.sayPresenceSoon();
    for (const other of this.apps) if (this.random.chance(0.5)) this.#meet(app, other);
  }

  #close(person: SimulatedPerson): void {
    const { app } = person;
    if (!app) return;
    if (this.random.chance(0.5)) this.publish(app, null, true);
    for (const edge of this.#edges) if (edge.ends.includes(app)) this.#cut(edge, app);
    app.close();
    person.app = null;
  }

  #meet(one: App, other: App): void {
    const ends = [one, other] as const;
    const isPossible = one !== other && ends.every(({ person }) => person.role === 'writer');
    if (!isPossible || [...this.#edges].some((edge) => ends.every((end) => edge.ends.includes(end)))) return;
    this.#edges.add({ ends, noticed: new Set(), isDead: false, last: 0 });
    for (const [index, app] of ends.entries()) {
      // Who it is that one is connected to is known a moment later.
      this.clock.after(this.random.between(1, 300), () => {
        const from = ends[1 - index];
        if (app.isOpen && from?.isOpen && this.areConnected(app, from.doc.clientID)) app.see(from);
      });
      app.receipts.reachChanged();
    }
    this.#synchronise(one, other);
  }

  #cut(edge: Edge, by: App): void {
    if (!edge.ends.includes(by) || edge.isDead) return;
    edge.isDead = true;
    for (const end of edge.ends) {
      this.clock.after(end === by ? 0 : this.random.between(0, 8_000), () => {
        edge.noticed.add(end);
        if (edge.noticed.size === 2) this.#edges.delete(edge);
        if (!end.isOpen) return;
        end.receipts.reachChanged();
        const other = edge.ends.find((one) => one !== end);
        if (other && !end.heard.has(other.doc.clientID)) end.forget(other.doc.clientID);
      });
    }
  }

  #synchronise(one: App, other: App): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      if (from.person.role === 'reader') continue;
      const update = Y.encodeStateAsUpdate(from.doc);
      this.clock.after(this.random.between(5, 2_000), () => {
        if (to.isOpen) Y.applyUpdate(to.doc, update, 'network');
      });
    }
  }

  #lie(app: App): void {
    if (this.#overheard.length === 0) return;
    this.#lies += 1;
    const bytes = this.random.pick(this.#overheard);
    const message = decodeMessage(bytes) ?? { asker: encodeBase64url(this.random.bytes(16)), number: 1 };
    const answer = encodeMessage({
      type: 'answer',
      asker: message.asker,
      number: message.number + this.random.below(3),
    });
    const said = this.random.pick([bytes, answer, this.random.bytes(30)]);
    for (const { peer } of this.apps) this.sendDirect(app, peer, said);
    this.publish(app, { answers: [encodeBase64url(said)] });
  }

  #overhear(message: Uint8Array<ArrayBuffer>): void {
    if (decodeMessage(message)?.type === 'probe') this.#probes += 1;
    this.#overheard.push(message);
    if (this.#overheard.length > 50) this.#overheard.shift();
  }

  #beat(): void {
    for (const app of this.apps) app.beat();
  }

  /** Nobody is said to have what is not committed on their device at this moment. */
  #check(): void {
    for (const app of this.apps) {
      const { facts } = app.receipts;
      this.#given += facts.having;
      for (const id of facts.ids) {
        const honest = this.people.find(({ name, lies }) => name === id && !lies);
        // Whoever is alone under a name speaks for it.
        if (!honest || !app.sees(id, honest.role)) continue;
        const { committed } = honest.device;
        const checked = [app.target, facts, committed];
        const pair = `${app.person.name} ${id}`;
        if (checked.every((one, index) => this.#checked.get(pair)?.[index] === one)) continue;
        this.#checked.set(pair, checked);
        if (!covers(committed, app.target))
          throw new Error(`${app.person.name} says wrongly that ${id} has all`);
      }
    }
  }

  /** Nothing happens any more, but for what the relay still loses: everybody who is there gets and gives every receipt. */
  async #comeToRest(): Promise<void> {
    for (const person of this.people) {
      person.device.isFull = false;
      person.device.failing = 0;
    }
    this.#loss = 0;
    // Those who have never heard of each other hear of each other now.
    for (const app of this.apps) app.sayPresenceSoon();
    await this.#pass(1_000);
    this.#loss = 0.3;
    // Twice: what one gets of others gets to a third.
    for (let times = 0; times < 2; times++) {
      for (const one of this.apps) for (const other of this.apps) this.#synchronise(one, other);
      await this.#pass(10_000);
    }
    for (let minutes = 0; minutes < 60 && !this.#isComplete(); minutes++) await this.#pass(60_000);
    if (!this.#isComplete()) throw new Error(`somebody gets no receipt: ${this.#describe()}`);
    // Whom the relay has kept from being heard is back within a minute.
    this.#loss = 0;
    await this.#pass(60_000);
    const asked = this.#probes;
    await this.#pass(120_000);
    if (!this.#isComplete() || this.#probes > asked) throw new Error(`there is no end: ${this.#describe()}`);
  }

  /** Time passes, and nobody does anything. */
  async #pass(milliseconds: number): Promise<void> {
    for (const end = this.clock.now + milliseconds; this.clock.now < end; this.#beat()) {
      const beat = Math.min(end, this.clock.now + 25_000);
      while (await this.clock.step(beat)) this.#check();
    }
  }

  #isComplete(): boolean {
    return this.apps.every(({ person, receipts }) => {
      const { people, having } = receipts.facts;
      const others = new Set(this.apps.map((app) => app.person.claims));
      others.delete(person.claims);
      return people === others.size && having === (person.role === 'writer' ? others.size : 0);
    });
  }

  #describe(): string {
    return this.apps
      .map(({ person, receipts }) => `${person.name} ${JSON.stringify(receipts.facts)}`)
      .join(' · ');
  }
}
