import { Awareness, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { NOT_CONNECTED, type ConnectionFacts } from '../connection-facts.ts';
import { holdingsOfTransaction, NOTHING, unite, type Holdings } from '../holdings.ts';
import type { Surroundings } from '../surroundings.ts';
import type { PageEvent, TabPorts } from '../tabs/ports.ts';
import { Tabs } from '../tabs/tabs.ts';
import { SimulatedStore, type Page } from './device.ts';
import { SimulatedLeading } from './leading.ts';
import type { SimulatedPerson } from './person.ts';
import type { SeededRandom } from './random.ts';

/** As y-protocols has it, by the clock of the simulation: how often it looks, when it says again that it is there, and lets go who does not. */
const PRESENCE = { look: 5_000, renew: 15_000, outdated: 30_000 } as const;

/** A page that is open: document and presence, its place among the tabs, and what it shows, wired as `Connections` does it in a browser. */
export class SimulatedTab implements Page {
  readonly person: SimulatedPerson;
  readonly name: string;
  readonly doc = new Y.Doc();
  readonly awareness: Awareness;
  readonly store: SimulatedStore;
  readonly tabs: Tabs;
  readonly surroundings: Surroundings;
  leading: SimulatedLeading | null = null;
  /** What its person is shown. */
  facts: ConnectionFacts = NOT_CONNECTED;
  isFollowing = false;
  isFrozen = false;
  isOver = false;
  isHidden: boolean;
  /** Its document was half changed: it has left the mesh and the other tabs, and is opened anew soon. */
  isBroken = false;
  /** Nobody looks at it any more. */
  isClosing = false;
  /** What is said to it while it is frozen is lost. */
  #losesMessages = false;
  /** What was done here. */
  done: Holdings = NOTHING;
  /** Who is present, as this tab sees it: names by client id. */
  readonly seen = new Map<number, unknown>();
  readonly #random: SeededRandom;
  readonly #heardAt = new Map<number, number>();
  readonly #listeners = new Map<PageEvent, Set<(event: Event) => void>>();
  #held: (() => void)[] = [];

  constructor(person: SimulatedPerson, number: number, random: SeededRandom, isHidden: boolean) {
    const { world, device, role } = person;
    this.person = person;
    this.name = number === 1 ? person.name : `${person.name}/${number}`;
    this.isHidden = isHidden;
    this.#random = random;
    this.doc.clientID = 1 + random.below(2 ** 31);
    this.awareness = new Awareness(this.doc);
    // Its timers are those of the real clock.
    clearInterval(this.awareness._checkInterval);
    const { clock } = world;
    this.surroundings = {
      now: () => Math.floor(clock.now) + person.clockOffset,
      random: () => random.next(),
      randomBytes: (length) => random.bytes(length),
      after: (milliseconds, action) => {
        let isCancelled = false;
        const act = () => {
          if (!isCancelled) action();
        };
        const cancel = clock.after(milliseconds, () => this.enter(act));
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
    this.store = new SimulatedStore(device, this.doc, this, this.surroundings.after, role === 'writer');
    this.#observe();
    this.awareness.setLocalState({
      name: person.name,
      user: { id: person.id, name: person.name, hue: 0 },
      ...(role === 'reader' && { viewing: true }),
    });
    this.tabs = new Tabs({
      tells: 'simulated',
      sessionId: world.keys.sessionId,
      ...{ doc: this.doc, awareness: this.awareness, surroundings: this.surroundings, ports: this.#ports() },
      kind: role === 'writer' ? 'edit' : 'view',
      committed: () => this.store.committed(),
      readAgain: () => this.readAgain(),
      lead: () => this.#lead(),
      follow: () => this.#letGo(),
      onTold: (told) => this.#hear(told as ConnectionFacts | null),
      onTabs: () => this.leading?.tabsChanged(),
      onBroken: () => world.breakPromise(`${this.name} was given what cannot be applied by another tab`),
    });
    this.#watchPresence();
  }

  /** It runs, and somebody may look at it. */
  get isAwake(): boolean {
    return !this.isOver && !this.isFrozen && !this.isClosing;
  }

  get losesMessages(): boolean {
    return this.isFrozen && this.#losesMessages;
  }

  readonly enter = (action: () => void): void => {
    if (this.isOver) return;
    if (this.isFrozen) this.#held.push(action);
    else action();
  };

  show(isShown: boolean): void {
    this.isHidden = !isShown;
    this.#emit('visibilitychange');
  }

  freeze(): void {
    this.isFrozen = true;
    this.#losesMessages = this.#random.chance(0.5);
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const isLate = this.#random.chance(0.5);
    if (!isLate) this.#emit('resume');
    for (const action of this.#held.splice(0)) this.enter(action);
    if (isLate) this.#emit('resume');
    this.person.world.mesh.lookSoon();
  }

  /** Its person closes it: the page hears of it, and has no time for more. */
  close(): void {
    if (this.isFrozen || this.isOver) {
      this.end();
      return;
    }
    this.store.flush();
    this.#emit('pagehide');
    this.leading?.leave();
    this.end();
  }

  /** Its person leaves the session, and stays in the app: what is under way comes to its end. */
  quit(): void {
    if (this.isFrozen || this.isClosing || this.isBroken) return;
    this.isClosing = true;
    const { leading } = this;
    this.leading = null;
    this.store.flush();
    void Promise.resolve(leading?.close(false)).then(() => {
      if (!this.isOver) this.tabs.close();
      this.end();
    });
  }

  /** The page is gone, without a word. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#held = [];
    this.leading?.end();
    this.person.forget(this);
    this.doc.destroy();
  }

  /** A failure of the mailbox's has left the document half changed. */
  breakByMailbox(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.tabs.discard();
    this.leading?.leaveMesh();
    this.store.discard();
  }

  /** It lets go of everything, so that another tab may go on, and a moment later its person has it anew. */
  openAnew(): void {
    const { world } = this.person;
    world.trace(`${this.name} is poisoned`);
    const { leading } = this;
    this.leading = null;
    this.isClosing = true;
    void Promise.resolve(leading?.close(true)).then(() => {
      if (!this.isOver) this.tabs.close();
    });
    world.clock.after(100, () => {
      if (this.isOver) return;
      this.end();
      this.person.openTab();
    });
  }

  readAgain(): Promise<void> {
    return new Promise((resolve) => {
      this.surroundings.after(this.#random.between(0, 20), () => {
        this.store.read();
        resolve();
      });
    });
  }

  /** What the leading tab's connections say. */
  tell(facts: ConnectionFacts): void {
    this.facts = facts;
    this.tabs.tell(facts);
    this.#show(false);
  }

  #lead(): void {
    if (this.isBroken || this.isClosing || this.leading) return;
    this.leading = new SimulatedLeading(this);
  }

  async #letGo(): Promise<void> {
    const { leading } = this;
    this.leading = null;
    await leading?.close(true);
  }

  #hear(told: ConnectionFacts | null): void {
    const { mailbox } = this.facts;
    const state =
      this.person.role === 'reader' && mailbox.state === 'current' ? ('starting' as const) : mailbox.state;
    this.facts = told ?? { ...this.facts, having: [], mailbox: { ...mailbox, state, onRelay: false } };
    this.#show(true);
  }

  #show(isFollowing: boolean): void {
    this.isFollowing = isFollowing;
    const { peer } = this.facts;
    const state = this.awareness.getLocalState();
    if (isFollowing && state && (state['peer'] ?? null) !== peer)
      this.awareness.setLocalStateField('peer', peer);
    this.person.world.onShown(this);
  }

  #observe(): void {
    const { doc, person } = this;
    const { world } = person;
    for (const moment of ['beforeTransaction', 'afterTransaction'] as const) {
      doc.on(moment, ({ origin }: Y.Transaction) => {
        if (!this.isOver && this.leading && origin === this.leading.client) person.failAmid(moment, this);
      });
    }
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) return;
      const added = holdingsOfTransaction(transaction);
      this.done = unite(this.done, added);
      person.done = unite(person.done, added);
    });
    doc.on('update', () => world.onDocument(this));
    this.awareness.on('update', () => world.onAwareness(this));
  }

  #watchPresence(): void {
    const { awareness, surroundings } = this;
    const { clock } = this.person.world;
    let renewed = clock.now;
    awareness.on('update', ({ added, updated }: { added: number[]; updated: number[] }) => {
      for (const client of [...added, ...updated]) this.#heardAt.set(client, clock.now);
    });
    const look = () => {
      const outdated = [...awareness.getStates().keys()].filter(
        (client) =>
          client !== awareness.clientID &&
          clock.now - (this.#heardAt.get(client) ?? clock.now) >= PRESENCE.outdated,
      );
      if (outdated.length > 0) removeAwarenessStates(awareness, outdated, 'timeout');
      if (clock.now - renewed >= PRESENCE.renew) {
        renewed = clock.now;
        const state = awareness.getLocalState();
        if (state) awareness.setLocalState(state);
      }
      surroundings.after(PRESENCE.look, look);
    };
    surroundings.after(PRESENCE.look, look);
  }

  #emit(event: PageEvent): void {
    for (const action of this.#listeners.get(event) ?? []) action(new Event(event));
  }

  #ports(): TabPorts {
    const { browser } = this.person;
    return {
      locks: browser.locksFor(this),
      openChannel: (_name, receive) => browser.join(this, receive),
      isHidden: () => this.isHidden,
      listen: (event, action) => {
        const listeners = this.#listeners.get(event) ?? new Set();
        this.#listeners.set(event, listeners.add(action));
        return () => listeners.delete(action);
      },
    };
  }
}
