import * as Y from 'yjs';
import { VirtualClock } from '../../simulation/clock.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { covers, holdingsOf } from '../../holdings.ts';
import type { TabChannel } from '../ports.ts';
import type { DeviceRecords } from './device.ts';
import { SimulatedLocks } from './locks.ts';
import { SimulatedTab } from './tab.ts';

/** How long two tabs that run may both hold connections, in milliseconds: a message's way and no more. */
const OVERLAP = 50;

/**
 * How long a tab that can be seen may go without a leader that runs, in milliseconds: twice what [TB3] says, since one that was frozen and
 * robbed can answer once before it hears of that.
 */
const LEADERLESS = 16_000;

/** What happened in a simulation. */
export interface Played {
  readonly opened: number;
  readonly killed: number;
  readonly takeovers: number;
  readonly changes: number;
  /** How often a tab began to take what the leader told for true. */
  readonly believed: number;
  /** The longest time that two running tabs both led, in milliseconds. */
  readonly overlap: number;
  readonly messages: number;
}

interface Member {
  readonly tab: SimulatedTab;
  readonly receive: (message: unknown) => void;
  /** When the last message from each sender arrives: messages of one sender do not overtake each other. */
  readonly last: Map<SimulatedTab, number>;
}

/** One browser profile with tabs of one session, and somebody elsewhere whom the leaders hear. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly locks = new SimulatedLocks();
  readonly #records: DeviceRecords = { updates: [], isFull: false };
  readonly #elsewhere = new Y.Doc();
  readonly #ended = new Set<number>();
  #tabs: SimulatedTab[] = [];
  #members: Member[] = [];
  #clients = 100;
  #overlapSince = new Map<string, number>();
  #leaderlessSince = new Map<SimulatedTab, number>();
  readonly #count = { opened: 0, killed: 0, takeovers: 0, changes: 0, believed: 0, overlap: 0, messages: 0 };
  #leaders = new Map<string, SimulatedTab>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.#elsewhere.clientID = 7;
  }

  nextClient(): number {
    return (this.#clients += 1);
  }

  joinChannel(tab: SimulatedTab, receive: (message: unknown) => void): TabChannel {
    this.#members.push({ tab, receive, last: new Map() });
    return { post: (message) => this.#post(tab, message), close: () => this.leaveChannel(tab) };
  }

  leaveChannel(tab: SimulatedTab): void {
    this.#members = this.#members.filter((member) => member.tab !== tab);
  }

  /** Plays a while of anything, then lets everything come to rest, and looks. */
  async play(): Promise<Played> {
    this.#open();
    for (let deeds = 0; deeds < 60; deeds++) {
      this.#doSomething();
      // A page is never stopped in the middle of what it does.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#run(this.random.pick([1, 5, 30, 400, 4_000, 30_000]) * this.random.next());
    }
    this.#records.isFull = false;
    for (const tab of this.#tabs) if (tab.state === 'frozen') tab.thaw();
    if (this.#tabs.length === 0) this.#open();
    await this.#run(120_000);
    this.#checkQuiet();
    for (const tab of this.#tabs) tab.awareness.destroy();
    return this.#count;
  }

  #doSomething(): void {
    const { random } = this;
    const running = this.#tabs.filter((tab) => tab.isRunning);
    const frozen = this.#tabs.filter((tab) => tab.state === 'frozen');
    const dice = random.next();
    if (this.#tabs.length === 0 || (dice < 0.12 && this.#tabs.length < 8)) this.#open();
    else if (dice < 0.15) this.#records.isFull = !this.#records.isFull;
    else if (frozen.length > 0 && dice < 0.25) random.pick(frozen).thaw();
    else if (running.length === 0) return;
    else if (dice < 0.55) this.#edit(random.pick(running));
    else if (dice < 0.65) this.#hear(random.pick(running));
    else if (dice < 0.75) random.pick(running).freeze();
    else if (dice < 0.87) random.pick(running).show(random.chance(0.6));
    else this.#end(random.pick(this.#tabs));
  }

  #open(): void {
    const { random } = this;
    this.#count.opened += 1;
    const kind = random.chance(0.75) ? 'edit' : 'view';
    this.#tabs.push(new SimulatedTab(this, kind, random.chance(0.4), this.#records));
  }

  #edit(tab: SimulatedTab): void {
    if (tab.kind === 'view') return;
    this.#count.changes += 1;
    const map = tab.doc.getMap('map');
    const [key] = map.keys();
    if (key !== undefined && this.random.chance(0.3)) map.delete(key);
    else map.set(`${tab.doc.clientID} ${this.#count.changes}`, 'x'.repeat(this.random.below(30)));
    // The tab ends with the change just made, or while it is being written.
    if (this.random.chance(0.2)) this.clock.after(this.random.below(40), () => this.#end(tab));
  }

  /** The leader's connections bring something. */
  #hear(tab: SimulatedTab): void {
    if (!tab.isLeading) return;
    this.#count.changes += 1;
    this.#elsewhere.getMap('map').set(`elsewhere ${this.#count.changes}`, 1);
    Y.applyUpdate(tab.doc, Y.encodeStateAsUpdate(this.#elsewhere), 'mesh');
  }

  #end(tab: SimulatedTab): void {
    if (tab.state === 'ended') return;
    this.#ended.add(tab.awareness.clientID);
    if (tab.isRunning && this.random.chance(0.4)) tab.close();
    else {
      this.#count.killed += 1;
      tab.end();
    }
    this.#tabs = this.#tabs.filter((other) => other !== tab);
  }

  #post(from: SimulatedTab, message: unknown): void {
    if (from.state === 'frozen') throw new Error('a frozen tab has said something');
    if (from.state === 'ended') return;
    this.#count.messages += 1;
    for (const member of this.#members) {
      if (member.tab === from) continue;
      const data: unknown = structuredClone(message);
      const at = Math.max(this.clock.now + this.random.below(6), member.last.get(from) ?? 0);
      member.last.set(from, at);
      this.clock.after(at - this.clock.now, () => {
        if (!this.#members.includes(member)) return;
        if (member.tab.state === 'frozen' && member.tab.losesMessages) return;
        member.tab.enter(() => member.receive(data));
      });
    }
  }

  async #run(milliseconds: number): Promise<void> {
    const end = this.clock.now + Math.floor(milliseconds);
    const believing = new Set(this.#tabs.filter((tab) => tab.believed));
    while (await this.clock.step(end)) this.#check(believing);
    this.#check(believing);
  }

  #check(believing: Set<SimulatedTab>): void {
    for (const tab of this.#tabs) {
      if (!tab.isRight) throw new Error(`tab ${tab.doc.clientID} takes for true what is not true of it`);
      if (tab.isBroken) throw new Error('an update failed');
      if (tab.believed && !believing.has(tab)) this.#count.believed += 1;
      if (tab.believed) believing.add(tab);
      else believing.delete(tab);
    }
    for (const kind of ['edit', 'view']) {
      const leading = this.#tabs.filter((tab) => tab.kind === kind && tab.isRunning && tab.isLeading);
      const [leader] = leading;
      if (leader && leading.length === 1 && this.#leaders.get(kind) !== leader) {
        this.#count.takeovers += 1;
        this.#leaders.set(kind, leader);
      }
      for (const tab of this.#tabs.filter((other) => other.kind === kind)) {
        if (leader || !tab.isRunning || tab.isHidden) this.#leaderlessSince.delete(tab);
        else if (!this.#leaderlessSince.has(tab)) this.#leaderlessSince.set(tab, this.clock.now);
        const without = this.clock.now - (this.#leaderlessSince.get(tab) ?? this.clock.now);
        if (without > LEADERLESS)
          throw new Error(`tab ${tab.doc.clientID} has had no leader for ${without} ms`);
      }
      const since = leading.length > 1 ? (this.#overlapSince.get(kind) ?? this.clock.now) : undefined;
      if (since === undefined) this.#overlapSince.delete(kind);
      else {
        this.#overlapSince.set(kind, since);
        this.#count.overlap = Math.max(this.#count.overlap, this.clock.now - since);
      }
      if (this.#count.overlap > OVERLAP) throw new Error(`two tabs led for ${this.#count.overlap} ms`);
    }
  }

  #checkQuiet(): void {
    const stored = new Y.Doc();
    for (const update of this.#records.updates) Y.applyUpdate(stored, update);
    const [first] = this.#tabs;
    for (const kind of ['edit', 'view']) {
      const tabs = this.#tabs.filter((tab) => tab.kind === kind);
      const leaders = tabs.filter((tab) => tab.tabs.isLeading);
      if (leaders.length !== Math.min(1, tabs.length))
        throw new Error(`${leaders.length} tabs lead (${kind})`);
      for (const tab of tabs) {
        const { clientID } = tab.doc;
        if (tab.isLeading !== tab.tabs.isLeading)
          throw new Error(`tab ${clientID} was not told that it leads`);
        if (!tab.isLeading && !tab.believed) throw new Error(`tab ${clientID} knows nothing of its leader`);
        if (!covers(holdingsOf(tab.doc), holdingsOf(stored)))
          throw new Error(`tab ${clientID} lacks what is on the device`);
        if (first && !covers(holdingsOf(tab.doc), holdingsOf(first.doc)))
          throw new Error(`tab ${clientID} lacks what tab ${first.doc.clientID} has`);
        if (first && !covers(holdingsOf(first.doc), holdingsOf(tab.doc)))
          throw new Error(`tab ${first.doc.clientID} lacks what tab ${clientID} has`);
        if (!covers(holdingsOf(stored), holdingsOf(tab.doc)))
          throw new Error(`the device lacks what tab ${clientID} has`);
        const present = [...tab.awareness.getStates().keys()].sort((a, b) => a - b).join();
        const alive = tabs
          .map((other) => other.doc.clientID)
          .sort((a, b) => a - b)
          .join();
        if (present !== alive) throw new Error(`tab ${clientID} sees ${present} instead of ${alive}`);
        const clients = tab.tabs.clients
          .map(({ client }) => client)
          .sort((a, b) => a - b)
          .join();
        if (tab.isLeading && clients !== alive)
          throw new Error(`leader ${clientID} speaks for ${clients} instead of ${alive}`);
      }
    }
  }
}

/** Plays one seed. @throws {Error} that says which promise was broken */
export async function simulate(seed: number): Promise<Played> {
  return new World(seed).play();
}
