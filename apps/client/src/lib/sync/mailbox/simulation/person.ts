import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { EditKeys } from '../../../session/keys.ts';
import { ArrivingUpdates } from '../../arriving.ts';
import { MailboxClient } from '../client.ts';
import { holdingsOfTransaction, NOTHING, unite, type Holdings } from '../holdings.ts';
import type { MailboxStatus } from '../ports.ts';
import type { VirtualClock } from './clock.ts';
import { SimulatedDevice } from './device.ts';
import { SimulatedLine, type SimulatedNetwork } from './network.ts';
import type { SeededRandom } from './random.ts';
import { callerOf, type SimulatedRelay } from './relay.ts';
import { DEADLY } from './writing.ts';

/** Snapshots are made early, so that a short log has some. */
const COMPACTION = { envelopes: 8, bytes: 2_500 };

/** A person with a device, whose app is open or not. */
export class SimulatedPerson {
  readonly name: string;
  readonly role: 'writer' | 'reader';
  readonly device: SimulatedDevice;
  readonly #world: PersonWorld;
  readonly #random: SeededRandom;
  app: App | null = null;
  /** Those with the same number are in one mesh. */
  mesh = 0;
  clockOffset = 0;
  /** The power goes while the next thing that the mailbox brings is applied: before it, or once it is in the document. */
  failsAmid: 'beforeTransaction' | 'afterTransaction' | null = null;
  /** How often that happened. */
  failedAmid = 0;
  /** How often each deadly change was met, on this device. */
  readonly deaths = new Map<string, number>();
  /** All that was ever done here, and that was said to be on the relay. */
  done: Holdings = NOTHING;
  acknowledged: Holdings = NOTHING;

  constructor(world: PersonWorld, name: string, role: 'writer' | 'reader', failingDevice: number) {
    this.#world = world;
    this.#random = world.random.fork();
    this.name = name;
    this.role = role;
    this.device = new SimulatedDevice(world.clock, this.#random.fork(), { failing: failingDevice });
    this.device.onParts = ({ log }) => {
      if (log) world.onKept(this, log.coverage);
    };
  }

  async open(): Promise<void> {
    if (this.app) return;
    const { keys, network, clock } = this.#world;
    const doc = this.device.openDocument(1 + this.#random.below(2 ** 31));
    const awareness = new Awareness(doc);
    // Its timers are those of the real clock.
    clearInterval(awareness._checkInterval);
    awareness.setLocalState({ name: this.name });
    const signing = this.role === 'writer' ? keys.writer : keys.view.reader;
    const line = new SimulatedLine(
      network,
      this.name,
      callerOf(keys.sessionId, this.role, signing.publicKey, keys.view.reader.publicKey),
      this.#world.relay(),
    );
    network.lines.add(line);
    const random = this.#random.fork();
    const app: App = {
      seen: new Map(),
      doc,
      awareness,
      line,
      done: NOTHING,
      hasLied: false,
      isBroken: false,
      status: null,
      client: null,
    };
    this.app = app;
    const arriving = new ArrivingUpdates((updates) => {
      for (const update of updates) this.#world.toMesh(this, (to) => to.receive(update));
    });
    app.client = new MailboxClient({
      sessionId: keys.sessionId,
      doc,
      awareness,
      keys: {
        contentKey: keys.view.contentKey,
        writer: this.role === 'writer' ? keys.writer : null,
        reader: keys.view.reader,
      },
      transport: line.transport,
      openChannel: line.openChannel,
      storage: this.device.openStorage(),
      surroundings: {
        now: () => Math.floor(clock.now) + this.clockOffset,
        random: () => random.next(),
        randomBytes: (length) => random.bytes(length),
        after: (milliseconds, action) =>
          clock.after(milliseconds, () => {
            if (!line.isDead) action();
          }),
      },
      committed: () => this.device.isCommitted(),
      isOfDevice: (origin) => origin === this.device,
      reachesDirectly: ({ name }) => this.#world.areMeshed(this, name),
      onStatus: (status) => {
        app.status = status;
        if (status.trouble === 'relay/forked' || status.trouble === 'relay/rolled-back') app.hasLied = true;
        this.#world.trace(`${this.name} is ${describe(status)}`);
        if (status.onRelay && this.app === app) this.#world.onClaim(this);
      },
      onBroken: () => {
        app.isBroken = true;
        arriving.discard();
        this.device.discard();
      },
      onPoisoned: () => {
        this.#world.trace(`${this.name} is poisoned`);
        clock.after(100, async () => {
          if (this.app !== app) return;
          await this.crash();
          await this.open();
        });
      },
      compaction: COMPACTION,
    });
    for (const moment of ['beforeTransaction', 'afterTransaction'] as const) {
      doc.on(moment, ({ origin }: Y.Transaction) => {
        if (this.app === app && origin === app.client) this.#failAmid(moment, doc);
      });
    }
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) return;
      const added = holdingsOfTransaction(transaction);
      app.done = unite(app.done, added);
    });
    doc.on('update', (update: Uint8Array, origin: unknown, _: Y.Doc, { local }: Y.Transaction) => {
      this.#world.onDocument(this, doc);
      // As y-webrtc does: whatever changes goes to everybody it reaches.
      if (this.role !== 'writer' || origin === this.device) return;
      if (local) this.#world.toMesh(this, (to) => to.receive(update));
      else arriving.hold(update);
    });
    awareness.on(
      'update',
      ({ added, updated, removed }: { added: number[]; updated: number[]; removed: number[] }) => {
        this.#world.onAwareness(this, awareness);
        if (this.role === 'reader') return;
        const update = encodeAwarenessUpdate(awareness, [...added, ...updated, ...removed]);
        this.#world.toMesh(this, (to) => to.receivePresence(update));
      },
    );
    await app.client.start();
    this.greet();
  }

  /** What is under way when the power goes never comes to its end. */
  #failAmid(moment: 'beforeTransaction' | 'afterTransaction', doc: Y.Doc): void {
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
      this.#world.onDeath(this, deadly, deaths);
    }
    this.#world.trace(`${this.name} fails amid ${deadly ?? 'a change'}`);
    // What comes live leaves no mark, so that only a failure that is seen is known the next time.
    if (deadly !== undefined && this.#world.isLiveOnly(deadly)) throw new Error('poison');
    void this.crash();
    this.#world.clock.after(1_000, () => this.open());
    throw new Error('the power went');
  }

  /** Tells the mesh everything, and asks it for everything. */
  greet(): void {
    if (!this.app || this.app.isBroken || this.role === 'reader') return;
    const { doc, awareness } = this.app;
    const state = Y.encodeStateAsUpdate(doc);
    const presence = encodeAwarenessUpdate(awareness, [...awareness.getStates().keys()]);
    this.#world.toMesh(this, (to, back) => {
      to.receive(state);
      to.receivePresence(presence);
      if (to.app && !to.app.isBroken) {
        const answer = Y.encodeStateAsUpdate(to.app.doc);
        back(() => this.receive(answer));
      }
    });
  }

  receive(update: Uint8Array): void {
    if (this.app && !this.app.isBroken) Y.applyUpdate(this.app.doc, update, 'mesh');
  }

  receivePresence(update: Uint8Array): void {
    if (this.app) applyAwarenessUpdate(this.app.awareness, update, 'mesh');
  }

  /** The power goes. */
  crash(): Promise<void> {
    const { app } = this;
    if (!app) return Promise.resolve();
    this.app = null;
    app.line.die();
    this.#world.network.lines.delete(app.line);
    this.device.crash();
    app.doc.destroy();
    return Promise.resolve();
  }

  /** The app is closed in good order. */
  async close(): Promise<void> {
    const { app } = this;
    if (!app) return;
    app.client?.flush();
    this.app = null;
    // Its end is waited for by nobody: the page may be gone before.
    void app.client?.stop();
    app.line.die();
    this.#world.network.lines.delete(app.line);
    this.device.crash();
    app.doc.destroy();
  }
}

export interface App {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly line: SimulatedLine;
  /** What was done here since it was opened. */
  done: Holdings;
  /** Who is present, as this person sees it: names by client id. */
  readonly seen: Map<number, unknown>;
  /** The relay was found out. */
  hasLied: boolean;
  /** Its document was half changed by a live change: it has left the mesh, and is opened anew soon. */
  isBroken: boolean;
  status: MailboxStatus | null;
  client: MailboxClient | null;
}

/** What a person needs of the world around. */
export interface PersonWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly keys: EditKeys;
  relay(): SimulatedRelay;
  areMeshed(person: SimulatedPerson, name: unknown): boolean;
  toMesh(
    person: SimulatedPerson,
    send: (to: SimulatedPerson, back: (answer: () => void) => void) => void,
  ): void;
  trace(line: string): void;
  onKept(person: SimulatedPerson, coverage: Uint8Array): void;
  onClaim(person: SimulatedPerson): void;
  onDocument(person: SimulatedPerson, doc: Y.Doc): void;
  onAwareness(person: SimulatedPerson, awareness: Awareness): void;
  /** @param times how often this has happened with this change on this device */
  onDeath(person: SimulatedPerson, deadly: string, times: number): void;
  isLiveOnly(deadly: string): boolean;
}

function describe({ state, onRelay, incomplete, trouble, quarantined, dropped }: MailboxStatus): string {
  const parts = [state, onRelay && 'on relay', incomplete && 'incomplete', trouble].filter(Boolean);
  return `${parts.join(', ')} (${quarantined}/${dropped})`;
}
