import { deriveEditKeys, type EditKeys } from '../../session/keys.ts';
import { act } from './acting.ts';
import { Adversary } from './adversary.ts';
import { VirtualClock } from './clock.ts';
import { Ending } from './ending.ts';
import { Judge } from './judge.ts';
import { SimulatedMesh } from './mesh.ts';
import { SimulatedNetwork } from './network.ts';
import { SimulatedPerson } from './person.ts';
import { PROFILES, type Profile, type ProfileName } from './profiles.ts';
import { SeededRandom } from './random.ts';
import { SimulatedRelay } from './relay.ts';
import type { SimulatedTab } from './tab.ts';

const SECOND = 1_000;

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
  /** How often a tab began to lead. */
  readonly leaders: number;
  /** How often something was shown while two running tabs of one device led. */
  readonly doubles: number;
  /** What was claimed, and found true: that all is on the relay, by a tab that follows, and that somebody has all. */
  readonly claims: { readonly relay: number; readonly followers: number; readonly having: number };
  /** Messages of the mesh that took more than one frame: arrived, or torn by the end of a connection. */
  readonly chunked: { readonly whole: number; readonly torn: number };
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

/** People with their devices, and all that is between them. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly mesh: SimulatedMesh;
  readonly keys: EditKeys;
  readonly profile: Profile;
  readonly judge: Judge;
  readonly adversary: Adversary;
  readonly people: SimulatedPerson[] = [];
  readonly traced: string[] = [];
  relay: SimulatedRelay;
  /** Of a relay that tells two stories, the other one. */
  otherRelay: SimulatedRelay | null = null;
  isDeleted = false;
  steps = 0;
  leaders = 0;
  /** Pairs of people between whom no connection comes about. */
  #parted = new Set<string>();

  static async create(seed: number, profile: Profile): Promise<World> {
    const random = new SeededRandom(seed);
    return new World(random, profile, await deriveEditKeys(random.bytes(32)));
  }

  private constructor(random: SeededRandom, profile: Profile, keys: EditKeys) {
    this.random = random;
    this.keys = keys;
    this.profile = profile;
    this.judge = new Judge(this);
    this.adversary = new Adversary(this);
    this.network = new SimulatedNetwork(this.clock, random.fork(), this.trace);
    this.mesh = new SimulatedMesh(this.clock, random.fork(), (one, other) =>
      this.#canConnect(one as SimulatedPerson, other as SimulatedPerson),
    );
    this.relay = new SimulatedRelay(this.clock, random.fork());
    this.relay.onTaken = (bytes) => this.judge.onTaken(bytes);
    this.network.onQuestion = (line) => this.judge.onQuestion(line);
    this.network.onWriting = (line) => this.judge.onWriting(line);
  }

  readonly trace = (line: string): void => {
    this.traced.push(`${((this.clock.now - Date.UTC(2030, 0, 1)) / SECOND).toFixed(2)} ${line}`);
  };

  breakPromise(promise: string): void {
    this.judge.break(promise);
  }

  onShown(tab: SimulatedTab): void {
    this.judge.onShown(tab);
    const { mailbox, having } = tab.facts;
    const { state, onRelay, incomplete, trouble, quarantined, dropped } = mailbox;
    const parts = [
      state,
      onRelay && 'on relay',
      incomplete && 'incomplete',
      trouble,
      having.length > 0 && having,
    ];
    this.trace(
      `${tab.name} is ${parts.filter(Boolean).join(', ')} (${quarantined}/${dropped})${tab.isFollowing ? ', as told' : ''}`,
    );
  }

  /** Which relay somebody is told by. */
  relayFor(person: SimulatedPerson): SimulatedRelay {
    return this.otherRelay && this.people.indexOf(person) % 2 === 0 ? this.otherRelay : this.relay;
  }

  /** All are told by this one from now on. */
  useRelay(relay: SimulatedRelay): void {
    this.relay = relay;
    this.otherRelay = null;
  }

  cut(person: SimulatedPerson, isCut: boolean): void {
    if (!person.isOpen || person.isCut === isCut) return;
    person.isCut = isCut;
    const wasOffline = person.isOffline;
    person.isOffline = isCut && this.random.chance(0.4);
    if (person.isOffline) for (const tab of person.tabs) tab.emit('offline');
    if (wasOffline) for (const tab of person.tabs) tab.emit('online');
    if (!isCut) return;
    // A connection can end without anybody being told.
    if (this.random.chance(0.7)) this.network.disconnect(({ holder }) => holder === person);
    else for (const socket of this.network.sockets) if (socket.page.holder === person) socket.silence();
  }

  /** Between some there is no connection from now on, and those that there were end; between others there may be again. */
  part(): void {
    const { random, people } = this;
    this.#parted = new Set();
    for (const one of people)
      for (const other of people)
        if (random.chance(0.25))
          this.#parted.add(`${one.name} ${other.name}`).add(`${other.name} ${one.name}`);
    this.mesh.change();
  }

  async play(): Promise<Omit<Played, 'profile'>> {
    const { random, profile } = this;
    const writers = 2 + random.below(profile.writers - 1);
    for (let i = 0; i < writers; i++) this.join(`writer ${i}`, 'writer');
    for (let i = 0; i < profile.viewers; i++) this.join(`viewer ${i}`, 'reader');
    await this.run(2 * SECOND);
    for (let i = 0; i < profile.actions; i++) {
      await act(this, random.pick(profile.script));
      await this.run(random.chance(0.6) ? random.between(0, 400) : random.between(0, profile.pause));
    }
    const isWhole = await new Ending(this).play();
    const played = this.#sum(isWhole);
    for (const person of this.people) person.crash();
    return played;
  }

  join(name: string, role: 'writer' | 'reader'): SimulatedPerson {
    const { failingDevice, lockDelay, tabs } = this.profile;
    const person = new SimulatedPerson(this, { name, role, failing: failingDevice, lockDelay });
    this.people.push(person);
    person.mesh = this.random.below(2);
    person.open();
    for (let opened = 1; opened < tabs && this.random.chance(0.5); opened++) person.openTab(true);
    return person;
  }

  async run(milliseconds: number): Promise<void> {
    const end = this.clock.now + milliseconds;
    while (await this.clock.step(end)) {
      this.steps += 1;
      await this.judge.settle();
    }
    await this.judge.settle();
  }

  #canConnect(one: SimulatedPerson, other: SimulatedPerson): boolean {
    if (one === other) return true;
    return one.mesh === other.mesh && one.mesh >= 0 && !this.#parted.has(`${one.name} ${other.name}`);
  }

  #sum(isWhole: boolean): Omit<Played, 'profile'> {
    const { people, judge } = this;
    return {
      ...{
        isWhole,
        steps: this.steps,
        isDeleted: this.isDeleted,
        leaders: this.leaders,
        doubles: judge.doubles,
      },
      requests: this.network.requests,
      envelopes: judge.taken.length,
      snapshots: judge.snapshots,
      limited: this.network.limited,
      failedAmid: people.reduce((sum, { failedAmid, deaths }) => sum + failedAmid + deaths.size, 0),
      deceived: [...judge.deceived].filter(([{ leader }, at]) => leader?.line === at).length,
      refused: people.reduce((sum, { leader }) => {
        const { dropped = 0, quarantined = 0 } = leader?.facts.mailbox ?? {};
        return sum + dropped + quarantined;
      }, 0),
      claims: { ...judge.claims },
      chunked: { ...this.mesh.counted },
    };
  }

  /** Told by everybody about everything. */
  onKept(...told: Parameters<Judge['onKept']>): void {
    this.judge.onKept(...told);
  }

  onDocument(tab: SimulatedTab): void {
    this.judge.onDocument(tab);
  }

  onAwareness(tab: SimulatedTab): void {
    this.judge.onAwareness(tab);
  }

  onDeath(...told: Parameters<Judge['onDeath']>): void {
    this.judge.onDeath(...told);
  }

  isLiveOnly(deadly: string): boolean {
    return this.adversary.live.has(deadly);
  }
}
