import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { covers, decodeHoldings, encodeHoldings, holdingsOf } from '../../holdings.ts';
import { keepPresence } from '../../simulation/presence.ts';
import type { Surroundings } from '../../surroundings.ts';
import type { TabKind } from '../messages.ts';
import type { PageEvent, TabPorts } from '../ports.ts';
import { Tabs } from '../tabs.ts';
import { SimulatedDevice, type DeviceRecords } from './device.ts';
import type { World } from './world.ts';

/** A tab of the simulation: the code that is tested, and what a browser does with the page around it. */
export class SimulatedTab {
  readonly kind: TabKind;
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly device: SimulatedDevice;
  readonly tabs: Tabs;
  state: 'running' | 'frozen' | 'ended' = 'running';
  isHidden: boolean;
  /** It has been told to hold the connections, and not to let go. */
  isLeading = false;
  /** What it takes for true of the leader's connections: what the leader's document held. */
  believed: Uint8Array | null = null;
  isBroken = false;
  /** Whether what is sent to it while it is frozen is lost; otherwise it comes once it is thawed. */
  losesMessages = false;
  #held: (() => void)[] = [];
  readonly #listeners = new Map<PageEvent, Set<(event: Event) => void>>();
  readonly #world: World;

  constructor(world: World, kind: TabKind, isHidden: boolean, records: DeviceRecords) {
    this.#world = world;
    this.kind = kind;
    this.isHidden = isHidden;
    // Two that have the same would be one another's end.
    this.doc.clientID = world.nextClient();
    this.awareness.destroy();
    this.awareness = new Awareness(this.doc);
    this.device = new SimulatedDevice(world, this, records);
    const surroundings: Surroundings = {
      now: () => world.clock.now,
      random: () => world.random.next(),
      randomBytes: (length) => world.random.bytes(length),
      after: (milliseconds, action) => {
        let isCancelled = false;
        const act = () => {
          if (!isCancelled) action();
        };
        const cancel = world.clock.after(milliseconds, () => this.enter(act));
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
    keepPresence(this.awareness, world.clock, surroundings.after);
    this.tabs = new Tabs({
      sessionId: 'session',
      tells: 'simulated',
      ...{ kind, doc: this.doc, awareness: this.awareness },
      surroundings,
      ports: this.#ports(),
      committed: () => this.device.committed(),
      readAgain: () => this.device.readAgain(),
      lead: () => {
        this.isLeading = true;
        this.believed = null;
        this.tell();
      },
      follow: () => {
        this.isLeading = false;
        return this.#soon(world.random.chance(0.7) ? 20 : 3_000);
      },
      onTold: (told) => (this.believed = told as Uint8Array | null),
      onTabs: () => undefined,
      onBroken: () => (this.isBroken = true),
    });
    // The connections hear of a change at once.
    this.doc.on('update', () => this.tell());
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** The way for all that comes from outside. */
  readonly enter = (action: () => void): void => {
    if (this.state === 'running') action();
    if (this.state === 'frozen') this.#held.push(action);
  };

  tell(): void {
    if (this.isLeading && this.isRunning) this.tabs.tell(encodeHoldings(holdingsOf(this.doc)));
  }

  /** Whether what this tab takes for true is true of its document. */
  get isRight(): boolean {
    return this.believed === null || covers(decodeHoldings(this.believed), holdingsOf(this.doc));
  }

  show(isShown: boolean): void {
    this.isHidden = !isShown;
    this.#emit('visibilitychange');
  }

  freeze(): void {
    this.state = 'frozen';
    this.losesMessages = this.#world.random.chance(0.5);
  }

  thaw(): void {
    this.state = 'running';
    const isLate = this.#world.random.chance(0.5);
    if (!isLate) this.#emit('resume');
    for (const action of this.#held.splice(0)) action();
    if (isLate) this.#emit('resume');
  }

  /** The person closes the tab. */
  close(): void {
    this.#emit('pagehide');
    if (this.#world.random.chance(0.5)) this.tabs.close();
    this.end();
  }

  /** The tab is gone, without a word. */
  end(): void {
    this.state = 'ended';
    this.#held = [];
    this.believed = null;
    this.isLeading = false;
    this.device.end();
    this.#world.locks.end(this);
    this.#world.leaveChannel(this);
    this.awareness.destroy();
  }

  #soon(within: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock, random } = this.#world;
      clock.after(Math.floor(random.between(0, within)), () => this.enter(resolve));
    });
  }

  #emit(event: PageEvent): void {
    for (const action of this.#listeners.get(event) ?? []) action(new Event(event));
  }

  #ports(): TabPorts {
    const { locks } = this.#world;
    return {
      locks: locks.for(this, (action) => {
        this.#world.clock.after(this.#world.random.below(4), () => this.enter(action));
      }),
      openChannel: (_name, receive) => this.#world.joinChannel(this, receive),
      isHidden: () => this.isHidden,
      listen: (event, action) => {
        const listeners = this.#listeners.get(event) ?? new Set();
        this.#listeners.set(event, listeners.add(action));
        return () => listeners.delete(action);
      },
    };
  }
}
