import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { Browser } from '../browser.ts';
import { NOT_CONNECTED, type ConnectionFacts } from '../connection-facts.ts';
import { Connections } from '../connections.ts';
import { holdingsOfTransaction, NOTHING, unite, type Holdings } from '../holdings.ts';
import { MailboxClient } from '../mailbox/client.ts';
import type { Surroundings } from '../surroundings.ts';
import { TabChange } from '../tabs/change.ts';
import type { TabPorts } from '../tabs/ports.ts';
import { SimulatedStore } from './device.ts';
import { SimulatedLine } from './line.ts';
import { MeshNode, type MeshPage } from './mesh-node.ts';
import type { SimulatedPerson } from './person.ts';
import { keepPresence } from './presence.ts';
import type { SeededRandom } from './random.ts';
import { callerOf } from './relay.ts';
import { SimulatedSocket } from './socket.ts';

/** Snapshots are made early, so that a short log has some. */
const COMPACTION = { envelopes: 8, bytes: 2_500 };

/** A page that is open: a browser to its {@link Connections}, and what `LiveSession` is to them. */
export class SimulatedTab implements MeshPage {
  readonly person: SimulatedPerson;
  readonly name: string;
  readonly doc = new Y.Doc();
  readonly awareness: Awareness;
  readonly store: SimulatedStore;
  readonly connections: Connections;
  readonly surroundings: Surroundings;
  readonly events = new EventTarget();
  /** Its requests to the relay, if it leads. */
  line: SimulatedLine | null = null;
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
  #held: (() => void)[] = [];
  #node: MeshNode | null = null;
  /** What the device keeps of the mailbox is in this tab's hands. */
  #isKeeping = false;
  readonly #shut: Browser['shut'] = new Map();

  constructor(person: SimulatedPerson, number: number, random: SeededRandom, isHidden: boolean) {
    const { world, device, role } = person;
    this.person = person;
    this.name = number === 1 ? person.name : `${person.name}/${number}`;
    this.isHidden = isHidden;
    this.#random = random;
    this.doc.clientID = 1 + random.below(2 ** 31);
    this.awareness = new Awareness(this.doc);
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
    const { sessionId, view } = world.keys;
    this.connections = new Connections(
      {
        ...{ sessionId, view, doc: this.doc, awareness: this.awareness },
        keys: role === 'writer' ? world.keys : null,
        ...{
          relay: 'https://relay.invalid',
          hub: 'wss://relay.invalid/signaling',
          relayOnly: person.relayOnly,
          accessKey: null,
        },
        committed: () => this.store.committed(),
        readAgain: () => this.readAgain(),
        onFacts: (facts, isFollowing) => this.#show(facts, isFollowing),
        onBroken: () => this.#discard(),
        onPoisoned: () => this.#openAnew(),
      },
      this.#browser(),
    );
    keepPresence(this.awareness, clock, this.surroundings.after);
  }

  /** It runs, and somebody may look at it. */
  get isAwake(): boolean {
    return !this.isOver && !this.isFrozen && !this.isClosing;
  }

  get losesMessages(): boolean {
    return this.isFrozen && this.#losesMessages;
  }

  get holder(): SimulatedPerson {
    return this.person;
  }

  /** By which name the mesh knows it; null while it is in none. */
  get meshName(): string | null {
    return this.#node?.isOver === false ? this.#node.name : null;
  }

  readonly enter = (action: () => void): void => {
    if (this.isOver) return;
    if (this.isFrozen) this.#held.push(action);
    else action();
  };

  show(isShown: boolean): void {
    this.isHidden = !isShown;
    this.emit('visibilitychange');
  }

  freeze(): void {
    this.isFrozen = true;
    this.#losesMessages = this.#random.chance(0.5);
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const isLate = this.#random.chance(0.5);
    if (!isLate) this.emit('resume');
    for (const action of this.#held.splice(0)) this.enter(action);
    if (isLate) this.emit('resume');
    this.person.world.mesh.lookSoon();
  }

  /** Something happens to the page. */
  emit(event: string): void {
    this.enter(() => this.events.dispatchEvent(new Event(event)));
  }

  /** Its person closes it: the page hears of it, and has no time for more. */
  close(): void {
    if (!this.isFrozen && !this.isOver) {
      this.store.flush();
      this.emit('pagehide');
      this.show(false);
    }
    this.end();
  }

  /** Its person leaves the session, and stays in the app: what is under way comes to its end. */
  quit(): void {
    if (this.isFrozen || this.isClosing || this.isBroken) return;
    this.isClosing = true;
    this.store.flush();
    void this.connections.close().then(() => this.end());
  }

  /** The page is gone, without a word. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#held = [];
    this.line = null;
    this.#node?.destroy();
    for (const socket of this.person.world.network.sockets) if (socket.page === this) socket.close();
    this.person.forget(this);
    this.doc.destroy();
  }

  readAgain(): Promise<void> {
    return new Promise((resolve) => {
      this.surroundings.after(this.#random.between(0, 20), () => {
        this.store.read();
        resolve();
      });
    });
  }

  /** A change has left the document half changed. */
  #discard(): void {
    this.isBroken = true;
    this.store.discard();
    for (const ways of this.#shut.values())
      this.person.world.breakPromise(`${this.name} was given by ${[...ways].join()} what cannot be applied`);
  }

  /** Its connections let go of everything, so that another tab may go on, and a moment later its person has it anew. */
  #openAnew(): void {
    const { world } = this.person;
    world.trace(`${this.name} is poisoned`);
    this.isClosing = true;
    this.line = null;
    world.clock.after(100, () => {
      if (this.isOver) return;
      this.end();
      this.person.openTab();
    });
  }

  #show(facts: ConnectionFacts, isFollowing: boolean): void {
    if (this.isOver) return;
    this.facts = facts;
    this.isFollowing = isFollowing;
    if (isFollowing) this.line = null;
    const { trouble } = facts.mailbox;
    if (this.line && (trouble === 'relay/forked' || trouble === 'relay/rolled-back'))
      this.line.hasLied = true;
    this.person.world.onShown(this);
  }

  #observe(): void {
    const { doc, person } = this;
    const { world } = person;
    for (const moment of ['beforeTransaction', 'afterTransaction'] as const) {
      doc.on(moment, ({ origin }: Y.Transaction) => {
        if (!this.isOver && origin instanceof MailboxClient) person.failAmid(moment, this);
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

  #browser(): Browser {
    const { person, surroundings } = this;
    const { world, device, role } = person;
    const { sessionId, writer, view } = world.keys;
    const signing = role === 'writer' ? writer : view.reader;
    const isReadAgain = (origin: unknown) => origin instanceof SimulatedStore;
    return {
      ...{ surroundings, events: this.events, compaction: COMPACTION, shut: this.#shut },
      isOnline: () => !person.isOffline,
      isHidden: () => this.isHidden,
      tabPorts: () => this.#ports(),
      connect: () => new SimulatedSocket(world.network, this),
      fetch: () => Promise.reject(new TypeError('there are no TURN servers')),
      openTransport: () => {
        world.leaders += 1;
        world.trace(`${this.name} leads`);
        const caller = callerOf(sessionId, role, signing.publicKey, view.reader.publicKey);
        this.line = new SimulatedLine(world.network, this, caller);
        return this.line;
      },
      openStorage: () =>
        new Promise((resolve) => {
          if (person.tabs.some((other) => other.isClosing && other.#isKeeping && !other.isFrozen))
            world.breakPromise(`[TB4] ${this.name} begins before the one that closes has ended`);
          this.#isKeeping = true;
          surroundings.after(device.random.between(1, 20), () => {
            const storage = device.takeOver(this);
            resolve({ ...storage, close: () => (this.#isKeeping = false) });
          });
        }),
      loadMesh: () =>
        new Promise((resolve) => {
          surroundings.after(device.random.between(0, 50), () =>
            resolve((options) => (this.#node = new MeshNode(world.mesh, this, options))),
          );
        }),
      isOfDevice: (origin) => isReadAgain(origin) || origin instanceof TabChange,
      isReadAgain,
    };
  }

  #ports(): TabPorts {
    const { browser } = this.person;
    return {
      locks: browser.locksFor(this),
      openChannel: (_name, receive) => browser.join(this, receive),
      isHidden: () => this.isHidden,
      listen: (event, action) => {
        this.events.addEventListener(event, action);
        return () => this.events.removeEventListener(event, action);
      },
    };
  }
}
