import type * as Y from 'yjs';
import { integratedBy, intersect, NOTHING, unite, type Holdings } from '../holdings.ts';
import { SimulatedBrowser } from './browser.ts';
import { SimulatedDevice } from './device.ts';
import type { SeededRandom } from './random.ts';
import type { SimulatedRelay } from './relay.ts';
import { SimulatedTab } from './tab.ts';
import type { World } from './world.ts';
import { DEADLY } from './writing.ts';

export type Moment = 'beforeTransaction' | 'afterTransaction';

interface PersonOptions {
  readonly name: string;
  readonly role: 'writer' | 'reader';
  /** How often the device fails to write. */
  readonly failing: number;
  /** How long it can take until a tab hears what has become of its locks, in milliseconds. */
  readonly lockDelay: number;
}

/** A person with a device, on which the app is open in some tabs or not. */
export class SimulatedPerson {
  readonly world: World;
  readonly name: string;
  readonly id: string;
  readonly role: 'writer' | 'reader';
  readonly device: SimulatedDevice;
  readonly browser: SimulatedBrowser;
  readonly #random: SeededRandom;
  /** Those that are open. */
  tabs: SimulatedTab[] = [];
  #opened = 0;
  /** The device's way to the relay. */
  isCut = false;
  /** The browser knows of it. */
  isOffline = false;
  /** This person's address is not to be shown to others: there are no TURN servers, so that means no mesh. */
  relayOnly = false;
  /** Those with the same number are in one mesh; below zero, in none. */
  mesh = 0;
  clockOffset = 0;
  /** The power goes while the next thing that the mailbox brings is applied: before it, or once it is in the document. */
  failsAmid: Moment | null = null;
  /** How often that happened. */
  failedAmid = 0;
  /** How often each deadly change was met, on this device. */
  readonly deaths = new Map<string, number>();
  /** All that was done here and is still somewhere on this device. */
  done: Holdings = NOTHING;
  /** All of it that was said to be on the relay. */
  acknowledged: Holdings = NOTHING;

  constructor(world: World, { name, role, failing, lockDelay }: PersonOptions) {
    this.world = world;
    this.#random = world.random.fork();
    this.name = name;
    this.id = name.replaceAll(' ', '-');
    this.role = role;
    this.device = new SimulatedDevice(world.clock, this.#random.fork(), { failing, isFull: false });
    this.device.onParts = ({ log }) => {
      if (log) world.onKept(this, log.coverage);
    };
    this.browser = new SimulatedBrowser(world.clock, this.#random.fork(), lockDelay);
  }

  get isOpen(): boolean {
    return this.tabs.length > 0;
  }

  /** The tab that leads; null while none does. */
  get leader(): SimulatedTab | null {
    return this.tabs.find(({ line, isFrozen }) => line && !isFrozen) ?? null;
  }

  /** The relay that this person is told by. */
  get relay(): SimulatedRelay {
    return this.world.relayFor(this);
  }

  open(): void {
    if (!this.isOpen) this.openTab();
  }

  openTab(isHidden = false): SimulatedTab {
    this.#opened += 1;
    const tab = new SimulatedTab(this, this.#opened, this.#random.fork(), isHidden);
    this.tabs.push(tab);
    return tab;
  }

  reachThroughRelayOnly(relayOnly: boolean): void {
    this.relayOnly = relayOnly;
    for (const tab of this.tabs) tab.enter(() => tab.connections.reachThroughRelayOnly(relayOnly));
  }

  /** A tab has ended: what only it had is lost. */
  forget(tab: SimulatedTab): void {
    this.tabs = this.tabs.filter((other) => other !== tab);
    this.browser.end(tab);
    const left = this.tabs.reduce((held, { doc }) => unite(held, integratedBy(doc)), this.device.ever);
    this.done = intersect(this.done, left);
  }

  /** The power goes. */
  crash(): void {
    this.device.crash();
    for (const tab of [...this.tabs]) tab.end();
  }

  /** The app is closed in good order. */
  close(): void {
    for (const tab of [...this.tabs]) tab.close();
  }

  wipe(): void {
    this.device.wipe();
    this.deaths.clear();
    this.done = NOTHING;
  }

  /** What is under way when the power goes never comes to its end. */
  failAmid(moment: Moment, { doc }: { doc: Y.Doc }): void {
    const [deadly] = new RegExp(`${DEADLY} \\d+;`).exec(doc.getText('text').toJSON()) ?? [];
    const isDue = moment === this.failsAmid;
    if (deadly === undefined && !isDue) return;
    if (isDue) {
      this.failsAmid = null;
      this.failedAmid += 1;
    }
    if (deadly !== undefined) {
      const deaths = (this.deaths.get(deadly) ?? 0) + 1;
      this.deaths.set(deadly, deaths);
      this.world.onDeath(this, deadly, deaths);
    }
    this.world.trace(`${this.name} fails amid ${deadly ?? 'a change'}`);
    // What comes live leaves no mark, so that only a failure that is seen is known the next time.
    if (deadly !== undefined && this.world.isLiveOnly(deadly)) throw new Error('poison');
    this.crash();
    this.world.clock.after(1_000, () => this.open());
    throw new Error('the power went');
  }
}
