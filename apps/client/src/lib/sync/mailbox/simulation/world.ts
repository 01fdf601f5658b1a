import { encodeBase64url } from '@parley/signaling/base64url';
import { openEnvelope, parseEnvelope, sealEnvelope } from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import type { Awareness } from 'y-protocols/awareness';
import { Awareness as AwarenessState, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys, type EditKeys } from '../../../session/keys.ts';
import {
  covers,
  decodeHoldings,
  holdingsOf,
  holdingsOfUpdate,
  isNothing,
  NOTHING,
  subtract,
  unite,
  type Holdings,
} from '../holdings.ts';
import { VirtualClock } from './clock.ts';
import { NO_FAULTS, SimulatedNetwork, type SimulatedLine } from './network.ts';
import { SimulatedPerson, type PersonWorld } from './person.ts';
import { PROFILES, type Action, type Profile, type ProfileName } from './profiles.ts';
import { SeededRandom } from './random.ts';
import { callerOf, SimulatedRelay } from './relay.ts';

/** What no document may ever hold: nobody with the edit link wrote it. */
const FORGED = 'FORGED';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

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
  readonly #takenHoldings = new Map<string, Holdings>();
  #claims = new Set<SimulatedPerson>();
  /** Seqs of envelopes of unknown kinds in the log. */
  #unknown = new Set<string>();
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
    this.network = new SimulatedNetwork(this.clock, random.fork(), (line) => this.trace(line));
    this.#relay = new SimulatedRelay(this.clock, random.fork());
    this.network.onQuestion = (line) => this.#onQuestion(line);
    this.#relay.onTaken = (bytes) => this.#take(bytes);
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
    await this.#heal();
    await this.#quieten();
    await this.#check();
    const played = {
      steps: this.#steps,
      requests: this.network.requests,
      envelopes: this.#taken.length,
      snapshots: this.#snapshots,
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
    if (!app?.status?.onRelay) return;
    if (!this.#profile.honest) return;
    const truth = await this.#truth();
    if (!covers(truth, app.done)) throw new Error(`[SY19] ${person.name} is told that all is on the relay`);
    person.acknowledged = unite(person.acknowledged, app.done);
  }

  /** What the relay really holds: what a newcomer would get. */
  async #truth(): Promise<Holdings> {
    const { failing } = this.#relay;
    this.#relay.failing = 0;
    const { sessionId, writer, view } = this.keys;
    const caller = callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
    let held = NOTHING;
    try {
      let after = 0;
      let epoch: string | null = null;
      for (;;) {
        const log: Log = await this.#relay.pull(caller, after, epoch);
        for (const bytes of [
          log.snapshot,
          ...log.entries.map((entry) => ('bytes' in entry ? entry.bytes : null)),
        ]) {
          if (bytes) held = unite(held, await this.#holdingsOfEnvelope(bytes));
        }
        epoch = log.header.epoch;
        after = log.header.first + log.entries.length - 1;
        if (after >= log.header.head) break;
      }
    } catch (error) {
      this.trace(`nothing on the relay: ${String(error)}`);
    } finally {
      this.#relay.failing = failing;
    }
    return held;
  }

  async #holdingsOfEnvelope(bytes: Uint8Array<ArrayBuffer>): Promise<Holdings> {
    const key = encodeBase64url(bytes.subarray(-64));
    const known = this.#takenHoldings.get(key);
    if (known) return known;
    const envelope = parseEnvelope(bytes);
    let holdings = NOTHING;
    if (envelope.header.kind === 'update' || envelope.header.kind === 'snapshot') {
      try {
        holdings = holdingsOfUpdate(await openEnvelope(envelope, this.keys.view.contentKey));
      } catch {
        // Made to be poisonous.
        holdings = NOTHING;
      }
    }
    this.#takenHoldings.set(key, holdings);
    return holdings;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#taken.push(bytes);
    const { header } = parseEnvelope(bytes);
    if (header.kind !== 'snapshot') return;
    this.#snapshots += 1;
    if (this.#unknown.size > 0 && this.#profile.honest) {
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
        if (this.#writers.length > 0) this.#edit(random.pick(this.#writers));
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
        await this.#append(await this.#seal({ kind: 'unknown', code: 9 }, new TextEncoder().encode('news')));
        return;
      case 'poison':
        await this.#append(await this.#seal({ kind: 'update' }, random.bytes(30)));
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

  #edit(person: SimulatedPerson): void {
    const { app } = person;
    if (!app) return;
    const { random } = this;
    const text = app.doc.getText('text');
    const list = app.doc.getArray<number>('list');
    const map = app.doc.getMap<unknown>('map');
    const key = `key ${random.below(4)}`;
    const what = random.below(3);
    const times = random.chance(0.05) ? 40 : 1 + random.below(3);
    app.doc.transact(() => {
      for (let i = 0; i < times; i++) {
        const deletes = random.chance(0.5);
        if (what === 0) {
          const at = random.below(text.length + 1);
          if (!deletes) text.insert(at, `${person.name.at(-1)}${random.below(1_000)} `);
          else if (at < text.length) text.delete(at, Math.min(1 + random.below(5), text.length - at));
        } else if (what === 1) {
          const at = random.below(list.length + 1);
          if (!deletes) list.insert(at, [random.below(1_000)]);
          else if (at < list.length) list.delete(at);
        } else {
          const nested = map.get(key);
          if (!deletes && nested instanceof Y.Text) nested.insert(0, 'in ');
          else if (!deletes) map.set(key, random.chance(0.5) ? new Y.Text('nested') : random.below(100));
          else map.delete(key);
        }
      }
    });
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
    const { failing } = relay;
    relay.failing = 0;
    try {
      const { header } = await relay.pull(caller, 0, null);
      for (const person of this.#people) {
        const known = person.device.parts.log?.known;
        if (person.app && known?.epoch === header.epoch && known.seq > header.head) {
          this.#deceived.set(person, person.app);
        }
      }
    } catch (error) {
      this.trace(`the log is gone: ${String(error)}`);
    } finally {
      relay.failing = failing;
    }
  }

  async #lie(): Promise<void> {
    const { random } = this;
    const lie = random.pick([
      'withhold',
      'garbage',
      'swap',
      'gap',
      'tombstone',
      'replay',
      'fake ack',
      'relabel',
      'key',
    ] as const);
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
    const forged = await this.#sealAsReader(forgedUpdate());
    this.network.lies = { pull: (log) => this.#tamper(log, lie, forged) };
  }

  #tamper(
    log: Log,
    lie: 'withhold' | 'garbage' | 'swap' | 'gap' | 'tombstone' | 'replay' | 'relabel' | 'key',
    forged: Uint8Array<ArrayBuffer>,
  ): Log {
    const { random } = this;
    const { header, entries } = log;
    const last = entries.at(-1);
    const put = (changed: readonly Log['entries'][number][]): Log => ({
      ...log,
      entries: changed,
      header: {
        ...header,
        entries: changed.map((entry) => ('bytes' in entry ? entry.bytes.length : entry.hash)),
      },
    });
    const stuff = (bytes: Uint8Array<ArrayBuffer>): Log => {
      if (!last) return log;
      return put(entries.map((entry) => (entry === last ? { seq: last.seq, bytes } : entry)));
    };
    switch (lie) {
      case 'withhold': {
        const head = Math.floor(header.head / 2);
        const shown = put(entries.filter(({ seq }) => seq <= head));
        return { ...shown, header: { ...shown.header, head } };
      }
      case 'garbage':
        return stuff(random.bytes(200));
      case 'replay':
        return this.#taken.length > 0 ? stuff(random.pick(this.#taken)) : log;
      case 'relabel':
        return stuff(random.chance(0.5) ? forged : random.pick([forged, ...this.network.overheard]));
      case 'swap': {
        const [first] = entries;
        if (!first || !last || !('bytes' in first) || !('bytes' in last)) return log;
        return put(
          entries.map((entry) =>
            entry === first
              ? { seq: first.seq, bytes: last.bytes }
              : entry === last
                ? { seq: last.seq, bytes: first.bytes }
                : entry,
          ),
        );
      }
      case 'gap':
        return {
          ...log,
          header: { ...header, first: header.first + 1 },
          entries: entries.map((entry) => ({ ...entry, seq: entry.seq + 1 })),
        };
      case 'tombstone':
        return { ...log, tombstone: this.#taken.at(-1) ?? random.bytes(200) };
      case 'key':
        return { ...log, header: { ...header, writer: encodeBase64url(random.bytes(32)) } };
    }
  }

  /** What somebody with the view link and bad intent can send. */
  async #forge(): Promise<void> {
    const { random, keys } = this;
    const update = forgedUpdate();
    const reader = { contentKey: keys.view.contentKey, signingKey: keys.view.reader.privateKey };
    const header = {
      version: 1,
      sessionId: keys.sessionId,
      id: encodeBase64url(random.bytes(16)),
      seen: null,
    };
    const nonce = random.bytes(12);
    const victim = random.pick(this.#people).app?.doc.clientID ?? 7;
    const send = (envelope: Uint8Array<ArrayBuffer>) => this.network.pass(null, envelope);
    switch (random.below(5)) {
      case 0:
        send(await sealEnvelope({ ...header, kind: 'update' }, update, reader, nonce));
        return;
      case 1: {
        // As if the writer's key had signed it.
        const sealed = await sealEnvelope({ ...header, kind: 'update' }, update, reader, nonce);
        const signature = this.#taken.at(-1)?.subarray(-64);
        if (signature) sealed.set(signature, sealed.length - 64);
        send(sealed);
        return;
      }
      case 2:
        if (this.#taken.length > 0) send(random.pick(this.#taken));
        return;
      case 3:
        if (this.network.overheard.length > 0) send(random.pick(this.network.overheard));
        return;
      default: {
        const own = new Y.Doc();
        own.clientID = random.chance(0.5) ? victim : 1 + random.below(5);
        const awareness = new AwarenessState(own);
        clearInterval(awareness._checkInterval);
        awareness.setLocalState({ name: FORGED });
        // Newer than whatever its victim has said.
        awareness.meta.set(own.clientID, { clock: 1_000_000, lastUpdated: 0 });
        const presence = {
          ...header,
          kind: 'presence' as const,
          role: random.pick(['writer', 'reader'] as const),
          sender: encodeBase64url(random.bytes(16)),
          counter: random.below(1_000),
          expires: Math.floor(this.clock.now) + 60 * SECOND,
        };
        send(
          await sealEnvelope(
            presence,
            Uint8Array.from(encodeAwarenessUpdate(awareness, [own.clientID])),
            reader,
            nonce,
          ),
        );
      }
    }
  }

  async #seal(
    kind: { kind: 'update' } | { kind: 'unknown'; code: number },
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { sessionId, writer, view } = this.keys;
    const header = { version: 1, sessionId, id: encodeBase64url(this.random.bytes(16)), seen: null, ...kind };
    const keys = { contentKey: view.contentKey, signingKey: writer.privateKey };
    return sealEnvelope(header, content, keys, this.random.bytes(12));
  }

  #sealAsReader(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const { sessionId, view } = this.keys;
    const id = encodeBase64url(this.random.bytes(16));
    const keys = { contentKey: view.contentKey, signingKey: view.reader.privateKey };
    const header = { version: 1, kind: 'update' as const, sessionId, id, seen: null };
    return sealEnvelope(header, content, keys, this.random.bytes(12));
  }

  async #append(envelope: Uint8Array<ArrayBuffer>): Promise<void> {
    const { sessionId, writer, view } = this.keys;
    const caller = callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
    const { failing } = this.#relay;
    this.#relay.failing = 0;
    const { frame } = await this.#relay.append(caller, [envelope]);
    this.#relay.failing = failing;
    this.#unknown.add(encodeBase64url(envelope.subarray(-64)));
    this.network.publish(this.#relay, frame);
  }

  /** All is well again, but that there is no mesh: what arrives now has come through the mailbox. */
  async #heal(): Promise<void> {
    this.trace('— heal');
    this.network.faults = { ...NO_FAULTS };
    this.network.lies = {};
    this.#relay.failing = 0;
    this.#other = null;
    for (const person of this.#people) {
      person.mesh = -1;
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
    const isCurrent =
      app?.status?.state === 'current' || (role === 'reader' && app?.status?.state === 'unknown');
    return isCurrent && (role === 'reader' || app?.status?.onRelay === true);
  }

  async #check(): Promise<void> {
    for (const [person, app] of this.#deceived) {
      if (person.app === app && !person.app?.hasLied)
        throw new Error(`[SY9] ${person.name} did not notice the lie`);
    }
    const truth = await this.#truth();
    for (const person of this.#people) {
      const lost = subtract(person.acknowledged, truth);
      if (!isNothing(lost)) throw new Error(`[SY5] what ${person.name} had acknowledged is lost`);
    }
    const newcomer = await this.#join('newcomer', 'writer');
    const viewer = await this.#join('late viewer', 'reader');
    newcomer.mesh = -1;
    await this.#run(MINUTE);
    for (const { name, role, app } of this.#people) {
      // Nobody has written anything.
      if (app?.status?.state === 'unknown') continue;
      const held = holdingsOf(app?.doc ?? new Y.Doc());
      if (!covers(held, truth)) throw new Error(`[SY2] ${name} lacks what the relay has`);
      if (role === 'writer' && !covers(truth, held))
        throw new Error(`[SY4] the relay lacks what ${name} has`);
      // A viewer can have heard what its author lost before it was kept anywhere, and hands nothing on.
      if (!covers(truth, held)) continue;
      const [expected, seen] = [contentOf(newcomer.app?.doc), contentOf(app?.doc)];
      if (seen !== expected) throw new Error(`[SY4] ${name} sees ${seen} instead of ${expected}`);
    }
    if (viewer.app?.status?.onRelay !== true)
      throw new Error('[SY19] a viewer has nothing that is not on the relay');
  }
}

function forgedUpdate(): Uint8Array<ArrayBuffer> {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, FORGED);
  return Uint8Array.from(Y.encodeStateAsUpdateV2(doc));
}

function isLog(answer: unknown): answer is Log {
  return typeof answer === 'object' && answer !== null && 'header' in answer;
}

function contentOf(doc: Y.Doc | undefined): string {
  if (!doc) return '';
  const map = Object.entries(doc.getMap('map').toJSON()).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([doc.getText('text').toJSON(), doc.getArray('list').toJSON(), map]);
}
