import { parseEnvelope } from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys, type EditKeys } from '../../../session/keys.ts';
import { covers, decodeHoldings, holdingsOf, isNothing, subtract, unite, waitingIn } from '../holdings.ts';
import { VirtualClock } from './clock.ts';
import { forge } from './forging.ts';
import { LIES, tamper } from './lies.ts';
import { NO_FAULTS, SimulatedNetwork, type SimulatedLine } from './network.ts';
import { SimulatedPerson, type PersonWorld } from './person.ts';
import { PROFILES, type Action, type Profile, type ProfileName } from './profiles.ts';
import { SeededRandom } from './random.ts';
import { callerOf, SimulatedRelay } from './relay.ts';
import { seal } from './sealing.ts';
import { Truth } from './truth.ts';
import { contentOf, DEADLY, editSomething, FORGED, writing } from './writing.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** A device survives so many of its failures while it applies something: three with the same change would put that aside. */
const FAILURES = 2;

/** After so long nobody may say any more that the relay is there: a pause of 8 seconds, and a request that hangs for 15. */
const OUTAGE = 30 * SECOND;

/** So many deadly changes there are at most: each costs everybody some time. */
const DEADLY_CHANGES = 3;

/** A promise that was broken, with what led there. */
class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

export interface Played {
  readonly profile: ProfileName;
  readonly steps: number;
  readonly requests: number;
  readonly envelopes: number;
  readonly snapshots: number;
  /** Requests that a quota or a budget refused. */
  readonly limited: number;
  /** Devices that failed while they applied something. */
  readonly failedAmid: number;
  readonly isDeleted: boolean;
  /** What the relay has in the end waits for nothing that it has not. */
  readonly isWhole: boolean;
  /** People who were lied to in a way that they have to notice, and were there to the end. */
  readonly deceived: number;
  /** Envelopes that were dropped or quarantined, by all. */
  readonly refused: number;
}

/** Plays one seed to its end. Rejects with a {@link BrokenPromise} that names the promise and ends with the trace. */
export async function simulate(seed: number, name?: ProfileName): Promise<Played> {
  const names = Object.keys(PROFILES) as ProfileName[];
  const profile = name ?? names[seed % names.length] ?? 'honest';
  const world = await World.create(seed, PROFILES[profile]);
  try {
    return { profile, ...(await world.play()) };
  } catch (error) {
    const trace = world.traced.slice(-120).join('\n');
    throw new BrokenPromise(`seed ${seed} (${profile}): ${String(error)}\n${trace}`, { cause: error });
  }
}

class World implements PersonWorld {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly keys: EditKeys;
  readonly traced: string[] = [];
  readonly #profile: Profile;
  readonly #people: SimulatedPerson[] = [];
  #relay: SimulatedRelay;
  #other: SimulatedRelay | null = null;
  /** Everything that was taken: an envelope's bytes. */
  readonly #taken: Uint8Array<ArrayBuffer>[] = [];
  readonly #truth: Truth;
  #claims = new Set<SimulatedPerson>();
  /** The first seq of an envelope that nobody understands, or can apply. */
  #barrier = Infinity;
  #isDeleted = false;
  #isWhole = true;
  #deadly = 0;
  /** The deadly changes that came live only. */
  readonly #live = new Set<string>();
  #broken: Error | null = null;
  #steps = 0;
  #snapshots = 0;
  /** Those who must find out that the relay lied, if they go on. */
  #deceived = new Map<SimulatedPerson, unknown>();

  static async create(seed: number, profile: Profile): Promise<World> {
    const random = new SeededRandom(seed);
    return new World(random, profile, await deriveEditKeys(random.bytes(32)));
  }

  private constructor(random: SeededRandom, profile: Profile, keys: EditKeys) {
    this.random = random;
    this.keys = keys;
    this.#profile = profile;
    this.#truth = new Truth(keys);
    this.network = new SimulatedNetwork(this.clock, random.fork(), (line) => this.trace(line));
    this.#relay = new SimulatedRelay(this.clock, random.fork());
    this.network.onQuestion = (line) => this.#onQuestion(line);
    this.#relay.onTaken = (bytes) => this.#take(bytes);
    this.network.onWriting = ({ name }) => {
      const { app } = this.#people.find((person) => person.name === name) ?? {};
      if (app?.status?.trouble === 'relay/deleted') this.#break(`[SY12] ${name} goes on writing`);
    };
  }

  trace(line: string): void {
    this.traced.push(`${((this.clock.now - Date.UTC(2030, 0, 1)) / 1_000).toFixed(2)} ${line}`);
  }

  relay(): SimulatedRelay {
    return this.#relay;
  }

  areMeshed(person: SimulatedPerson, name: unknown): boolean {
    const other = this.#people.find((candidate) => candidate.name === name);
    return other !== undefined && this.#reaches(person, other);
  }

  toMesh(
    from: SimulatedPerson,
    send: (to: SimulatedPerson, back: (answer: () => void) => void) => void,
  ): void {
    for (const to of this.#people) {
      if (to === from || !this.#reaches(from, to)) continue;
      const pass = (action: () => void) =>
        void this.clock.after(this.random.between(2, 80), () => {
          if (this.#reaches(from, to)) action();
        });
      pass(() => send(to, pass));
    }
  }

  onKept(person: SimulatedPerson, coverage: Uint8Array): void {
    if (!covers(holdingsOf(person.device.committed), decodeHoldings(coverage))) {
      this.#break(`[SY6] ${person.name} keeps a position that is ahead of the committed document`);
    }
  }

  /** [SY9] A head that is less than what was known when it was asked for has to be noticed at once. */
  #onQuestion(line: SimulatedLine): (answer: unknown) => void {
    const person = this.#people.find(({ app }) => app?.line === line);
    const known = person?.device.parts.log?.known;
    return (answer) => {
      if (!person || !known || !isLog(answer) || this.network.tampered.has(answer)) return;
      const { epoch, head } = answer.header;
      const { app } = person;
      if (known.epoch !== epoch || head >= known.seq) return;
      // What it does about the answer takes the device some time.
      this.clock.after(2 * SECOND, () => {
        if (person.app === app && !app?.hasLied)
          this.#break(`[SY9] ${person.name} did not notice a lesser head`);
      });
    };
  }

  onClaim(person: SimulatedPerson): void {
    this.#claims.add(person);
  }

  onDocument(person: SimulatedPerson, doc: Y.Doc): void {
    if (doc.getText('text').toJSON().includes(FORGED))
      this.#break(`[SY8] ${person.name} applied what was forged`);
  }

  /** [SY16] Once among others and three times alone; live, once. Another failure can draw the suspicion off it for a while. */
  onDeath(person: SimulatedPerson, deadly: string, times: number): void {
    if (times > (this.#live.has(deadly) ? 1 : 4 + person.failedAmid))
      this.#break(`[SY16] ${person.name} dies of ${deadly} again`);
  }

  isLiveOnly(deadly: string): boolean {
    return this.#live.has(deadly);
  }

  onAwareness(person: SimulatedPerson, awareness: Awareness): void {
    for (const [client, state] of awareness.getStates()) {
      const { name, viewer } = state;
      if (name === FORGED && viewer !== true)
        this.#break(`[SY21] ${person.name} takes a viewer for a writer`);
      const before = person.app?.seen.get(client);
      if (name === FORGED && before !== undefined && before !== FORGED) {
        this.#break(`[SY21] somebody speaks for ${String(before)} to ${person.name}`);
      }
    }
    person.app?.seen.clear();
    for (const [client, { name }] of awareness.getStates()) person.app?.seen.set(client, name);
  }

  async play(): Promise<Omit<Played, 'profile'>> {
    const { random } = this;
    const writers = 2 + random.below(this.#profile.writers - 1);
    for (let i = 0; i < writers; i++) await this.#join(`writer ${i}`, 'writer');
    for (let i = 0; i < this.#profile.viewers; i++) await this.#join(`viewer ${i}`, 'reader');
    await this.#run(2 * SECOND);
    for (let i = 0; i < this.#profile.actions; i++) {
      await this.#act(random.pick(this.#profile.script));
      await this.#run(random.chance(0.6) ? random.between(0, 400) : random.between(0, 5 * SECOND));
    }
    await this.#outage();
    await this.#heal();
    if (this.network.limited > 0) this.clock.sleep(DAY);
    await this.#quieten();
    await this.#check();
    const played = {
      steps: this.#steps,
      requests: this.network.requests,
      envelopes: this.#taken.length,
      snapshots: this.#snapshots,
      limited: this.network.limited,
      failedAmid: this.#people.reduce((sum, { failedAmid, deaths }) => sum + failedAmid + deaths.size, 0),
      isDeleted: this.#isDeleted,
      isWhole: this.#isWhole,
      deceived: [...this.#deceived].filter(([person, app]) => person.app === app).length,
      refused: this.#people.reduce(
        (sum, { app }) => sum + (app?.status?.dropped ?? 0) + (app?.status?.quarantined ?? 0),
        0,
      ),
    };
    for (const person of this.#people) await person.crash();
    return played;
  }

  async #join(name: string, role: 'writer' | 'reader'): Promise<SimulatedPerson> {
    const person = new SimulatedPerson(this, name, role, this.#profile.failingDevice);
    this.#people.push(person);
    person.mesh = this.random.below(2);
    await person.open();
    return person;
  }

  async #run(milliseconds: number): Promise<void> {
    const end = this.clock.now + milliseconds;
    while (await this.clock.step(end)) {
      this.#steps += 1;
      await this.#settle();
    }
    await this.#settle();
  }

  async #settle(): Promise<void> {
    if (this.#broken) throw this.#broken;
    for (const person of this.#claims) await this.#checkClaim(person);
    this.#claims.clear();
  }

  /** [SY19] Whoever is told that all is on the relay can leave, and it is there. */
  async #checkClaim(person: SimulatedPerson): Promise<void> {
    const { app } = person;
    // Of a deletion one has to hear before one can say so.
    if (!app?.status?.onRelay || !this.#profile.honest || this.#isDeleted) return;
    const truth = await this.#truth.of(this.#relay);
    // A viewer hands nothing on, and what a document holds that broke is thrown away.
    const held = person.role === 'writer' && !app.isBroken ? holdingsOf(app.doc) : app.done;
    if (!covers(truth, held)) throw new Error(`[SY19] ${person.name} is told that all is on the relay`);
    person.acknowledged = unite(person.acknowledged, app.done);
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#taken.push(bytes);
    if (this.#isDeleted) this.#break('[SY12] somebody has written to a session that was deleted');
    const { header } = parseEnvelope(bytes);
    if (header.kind !== 'snapshot') return;
    this.#snapshots += 1;
    if (header.covers >= this.#barrier && this.#profile.honest) {
      this.#break('[SY14] somebody made a snapshot past what it did not understand');
    }
  }

  #reaches(a: SimulatedPerson, b: SimulatedPerson): boolean {
    return (
      a.app !== null &&
      b.app !== null &&
      a.role === 'writer' &&
      b.role === 'writer' &&
      a.mesh === b.mesh &&
      a.mesh >= 0
    );
  }

  #break(promise: string): void {
    this.#broken ??= new Error(promise);
  }

  get #writers(): SimulatedPerson[] {
    return this.#people.filter(({ role, app }) => role === 'writer' && app !== null);
  }

  async #act(action: Action): Promise<void> {
    const { random } = this;
    const person = random.pick(this.#people);
    if (action !== 'edit') this.trace(`— ${action} (${person.name})`);
    switch (action) {
      case 'edit':
        if (this.#writers.length > 0) {
          const { app, name } = random.pick(this.#writers);
          if (app) editSomething(app.doc, name, random);
        }
        return;
      case 'cut':
        this.#cut(person, random.chance(0.5));
        return;
      case 'mesh':
        person.mesh = random.below(3) - 1;
        person.greet();
        for (const { app } of this.#people) app?.client?.reachChanged();
        return;
      case 'crash':
        await person.crash();
        return;
      case 'close':
        await person.close();
        return;
      case 'open':
        for (const closed of this.#people.filter(({ app }) => app === null)) await closed.open();
        return;
      case 'wipe':
        if (person.app) return;
        person.device.wipe();
        person.deaths.clear();
        return;
      case 'weather':
        this.network.faults = {
          lostRequest: random.chance(0.5) ? 0.15 : 0,
          lostAnswer: random.chance(0.5) ? 0.2 : 0,
          repeatedRequest: random.chance(0.5) ? 0.2 : 0,
          lostFrame: random.chance(0.5) ? 0.2 : 0,
          repeatedFrame: random.chance(0.5) ? 0.2 : 0,
          disorder: random.chance(0.5),
        };
        this.#relay.failing = random.chance(0.4) ? 0.1 : 0;
        return;
      case 'restart relay':
        for (const line of this.network.lines) {
          line.disconnect();
          line.connect();
        }
        return;
      case 'clock':
        person.clockOffset += random.pick([-3_600_000, -90_000, 40_000, 7_200_000]);
        return;
      case 'online':
        person.app?.client?.online();
        return;
      case 'remake':
        this.#relay.remake();
        return;
      case 'unknown kind':
        await this.#bar({ kind: 'unknown', code: 9 }, new TextEncoder().encode('news'));
        return;
      case 'poison':
        await this.#bar({ kind: 'update' }, random.bytes(30));
        return;
      case 'fail amid':
        if (person.failedAmid < FAILURES)
          person.failsAmid = random.pick(['beforeTransaction', 'afterTransaction'] as const);
        return;
      case 'deadly':
        if (this.#deadly < DEADLY_CHANGES) await this.#bar({ kind: 'update' }, this.#nextDeadly());
        return;
      case 'deadly live':
        if (this.#deadly < DEADLY_CHANGES) await this.#deadlyLive();
        return;
      case 'limit':
        this.#limit();
        return;
      case 'lift':
        this.#relay.lift();
        return;
      case 'delete':
        await this.#delete();
        return;
      case 'rollback':
        await this.#rollBack();
        return;
      case 'fork':
        await this.#fork();
        return;
      case 'lie':
        await this.#lie();
        return;
      case 'truth':
        this.network.lies = {};
        return;
      case 'forge':
        await this.#forge();
    }
  }

  #cut(person: SimulatedPerson, isCut: boolean): void {
    const line = person.app?.line;
    if (!line || line.isCut === isCut) return;
    line.isCut = isCut;
    if (isCut) {
      line.disconnect();
      return;
    }
    line.connect();
    person.app?.client?.online();
  }

  async #rollBack(): Promise<void> {
    const keep = this.random.below(this.#relay.writes + 1);
    const before = this.#relay;
    this.#relay = await before.fork(keep);
    for (const person of this.#people) {
      if (person.app) person.app.line.relay = this.#relay;
    }
    await this.#markDeceived(this.#relay);
  }

  /** Half of the people are told another story; or, the next time, all the same again. */
  async #fork(): Promise<void> {
    if (this.#other) {
      this.#other = null;
      for (const { app } of this.#people) if (app) app.line.relay = this.#relay;
      return;
    }
    this.#other = await this.#relay.fork(this.#relay.writes);
    for (const [index, { app }] of this.#people.entries())
      if (app && index % 2 === 0) app.line.relay = this.#other;
  }

  /** Whoever has read further than this relay goes has to notice. */
  async #markDeceived(relay: SimulatedRelay): Promise<void> {
    const { sessionId, writer, view } = this.keys;
    const caller = callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
    try {
      const { header } = await relay.withoutFailures(() => relay.pull(caller, 0, null));
      for (const person of this.#people) {
        const known = person.device.parts.log?.known;
        if (person.app && known?.epoch === header.epoch && known.seq > header.head) {
          this.#deceived.set(person, person.app);
        }
      }
    } catch (error) {
      this.trace(`the log is gone: ${String(error)}`);
    }
  }

  async #lie(): Promise<void> {
    const { random } = this;
    const lie = random.pick(LIES);
    this.trace(`  ${lie}`);
    if (lie === 'fake ack') {
      const known = this.#people.flatMap(({ device }) => device.parts.log?.known ?? [])[0];
      if (!known) return;
      this.network.lies = {
        append: (envelopes, line) => {
          const head = known.seq + envelopes.length;
          const person = this.#people.find(({ app }) => app?.line === line);
          if (person) this.#deceived.set(person, person.app);
          return { epoch: known.epoch, head, seqs: envelopes.map((_, index) => known.seq + 1 + index) };
        },
      };
      return;
    }
    const forged = await seal(this.keys, random, 'reader', { kind: 'update' }, writing(FORGED));
    const taken = this.#taken;
    const { overheard } = this.network;
    this.network.lies = { pull: (log) => tamper(log, lie, { random, taken, overheard, forged }) };
  }

  async #forge(): Promise<void> {
    const { random, keys, network, clock } = this;
    const victim = random.pick(this.#people).app?.doc.clientID ?? 7;
    const scene = { random, keys, victim, now: clock.now, taken: this.#taken, overheard: network.overheard };
    const forged = await forge(scene);
    if (forged) network.pass(null, forged);
  }

  /** Whatever else happens, somebody else's append gets there. */
  async #append(envelope: Uint8Array<ArrayBuffer>): Promise<number> {
    const { sessionId, writer, view } = this.keys;
    const caller = callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
    const relay = this.#relay;
    const { answer, frame } = await relay.withoutFailures(() => relay.append(caller, [envelope]));
    this.network.publish(relay, frame);
    return answer.head;
  }

  /** Writes what nobody understands, or can apply. */
  async #bar(kind: Parameters<typeof seal>[3], content: Uint8Array<ArrayBuffer>): Promise<void> {
    const seq = await this.#append(await seal(this.keys, this.random, 'writer', kind, content));
    this.#barrier = Math.min(this.#barrier, seq);
  }

  #nextDeadly(): Uint8Array<ArrayBuffer> {
    this.#deadly += 1;
    return writing(`${DEADLY} ${this.#deadly};`, 1 + this.random.below(2 ** 31));
  }

  async #deadlyLive(): Promise<void> {
    const sealed = await seal(this.keys, this.random, 'writer', { kind: 'update' }, this.#nextDeadly());
    this.#live.add(`${DEADLY} ${this.#deadly};`);
    for (let times = 0; times < 6; times++)
      this.clock.after(times * 2 * SECOND, () => this.network.pass(null, sealed));
  }

  #limit(): void {
    const { limits } = this.#relay;
    switch (this.random.below(3)) {
      case 0:
        limits.sessionBytes = 500 + this.random.below(4_000);
        return;
      case 1:
        limits.sessionEnvelopesPerMinute = 1 + this.random.below(3);
        return;
      default:
        limits.dailyRows = 1;
    }
  }

  async #delete(): Promise<void> {
    if (this.#isDeleted) return;
    const tombstone = await seal(this.keys, this.random, 'writer', { kind: 'tombstone' }, new Uint8Array());
    await this.#append(tombstone);
    this.#isDeleted = true;
  }

  /** [SY23] The relay is gone, and whoever is there is told so in time, also who does nothing. */
  async #outage(): Promise<void> {
    this.trace('— outage');
    this.network.isGone = true;
    for (const line of this.network.lines) line.disconnect();
    await this.#run(OUTAGE);
    for (const { name, app } of this.#people) {
      if (!app?.status || app.isBroken) continue;
      const { state, trouble, unreachableSince } = app.status;
      // Whom the relay has asked to wait waits, and what is known of the end or the key is known.
      const isExcused =
        trouble === 'relay/deleted' || trouble === 'relay/budget-spent' || state === 'unknown';
      if (unreachableSince === null && !isExcused)
        throw new Error(`[SY23] ${name} is told that the relay is there: ${JSON.stringify(app.status)}`);
    }
  }

  /** All is well again, but that there is no mesh: what arrives now has come through the mailbox. */
  async #heal(): Promise<void> {
    this.trace('— heal');
    this.network.faults = { ...NO_FAULTS };
    this.network.lies = {};
    this.network.isGone = false;
    this.#relay.failing = 0;
    this.#relay.lift();
    this.#other = null;
    for (const person of this.#people) {
      person.mesh = -1;
      person.failsAmid = null;
      Object.assign(person.device.faults, { failing: 0 });
      await person.open();
      const line = person.app?.line;
      if (!line) continue;
      line.relay = this.#relay;
      line.isCut = false;
      line.disconnect();
      line.connect();
      person.app?.client?.reachChanged();
      person.app?.client?.online();
    }
  }

  /** [SY7] It comes to an end. */
  async #quieten(): Promise<void> {
    for (let i = 0; i < 80; i++) {
      await this.#run(15 * SECOND);
      const { requests } = this.network;
      if (!this.#people.every((person) => this.#isDone(person))) continue;
      await this.#run(2 * MINUTE);
      if (this.network.requests === requests) return;
    }
    throw new Error(
      `[SY7] it does not end: ${this.#people.map(({ name, app }) => `${name} ${JSON.stringify(app?.status)}`).join('; ')}`,
    );
  }

  #isDone({ app, role }: SimulatedPerson): boolean {
    if (this.#isDeleted) return app?.status?.trouble === 'relay/deleted';
    const isCurrent =
      app?.status?.state === 'current' || (role === 'reader' && app?.status?.state === 'unknown');
    return isCurrent && (role === 'reader' || app?.status?.onRelay === true);
  }

  /** [SY12] Everybody has been told, and whoever comes now is, too. */
  async #checkDeleted(): Promise<void> {
    await this.#join('newcomer', 'writer');
    await this.#join('late viewer', 'reader');
    await this.#run(MINUTE);
    for (const person of this.#people) {
      if (!this.#isDone(person)) throw new Error(`[SY12] ${person.name} is not told of the end`);
      if (person.app?.status?.onRelay)
        throw new Error(`[SY19] ${person.name} is told that something is kept`);
    }
  }

  async #check(): Promise<void> {
    for (const [person, app] of this.#deceived) {
      if (person.app === app && !person.app?.hasLied)
        throw new Error(`[SY9] ${person.name} did not notice the lie`);
    }
    if (this.#isDeleted) {
      await this.#checkDeleted();
      return;
    }
    const truth = await this.#truth.of(this.#relay);
    for (const person of this.#people) {
      const lost = subtract(person.acknowledged, truth);
      if (!isNothing(lost)) throw new Error(`[SY5] what ${person.name} had acknowledged is lost`);
    }
    const newcomer = await this.#join('newcomer', 'writer');
    const viewer = await this.#join('late viewer', 'reader');
    newcomer.mesh = -1;
    await this.#run(MINUTE);
    // An author's device can have failed with something that others had already built on.
    this.#isWhole = isNothing(waitingIn(newcomer.app?.doc ?? new Y.Doc()));
    for (const { name, role, app } of this.#people) {
      // Nobody has written anything.
      if (app?.status?.state === 'unknown') continue;
      const doc = app?.doc ?? new Y.Doc();
      const held = holdingsOf(doc);
      if (app?.status?.incomplete === isNothing(waitingIn(doc)))
        throw new Error(`[SY19] ${name} is told otherwise of what waits in the document`);
      if (!covers(held, truth)) throw new Error(`[SY2] ${name} lacks what the relay has`);
      if (role === 'writer' && !covers(truth, held))
        throw new Error(`[SY4] the relay lacks what ${name} has`);
      // A viewer can have heard what its author lost before it was kept anywhere, and hands nothing on.
      if (!covers(truth, held)) continue;
      if (this.#isWhole && app?.status?.incomplete !== false)
        throw new Error(`[SY19] ${name} is told that it waits for something`);
      const [expected, seen] = [contentOf(newcomer.app?.doc), contentOf(app?.doc)];
      if (seen !== expected) throw new Error(`[SY4] ${name} sees ${seen} instead of ${expected}`);
    }
    if (viewer.app?.status?.onRelay !== true)
      throw new Error('[SY19] a viewer has nothing that is not on the relay');
  }
}

function isLog(answer: unknown): answer is Log {
  return typeof answer === 'object' && answer !== null && 'header' in answer;
}
