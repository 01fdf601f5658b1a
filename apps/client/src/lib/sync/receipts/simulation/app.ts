import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { holdingsOfTransaction, integratedBy, NOTHING, unite, type Holdings } from '../../holdings.ts';
import type { Extras } from '../../mailbox/presence.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import type { Role } from '../asking.ts';
import { Receipts } from '../receipts.ts';
import type { SimulatedPerson, World } from './world.ts';

/** What other tabs of the same device have done comes with this origin. */
const ANOTHER_TAB = Symbol('another tab');

/** A person's app while it is open. */
export class App {
  readonly person: SimulatedPerson;
  readonly doc = new Y.Doc();
  readonly awareness: Awareness;
  readonly receipts: Receipts;
  /** By which name the mesh knows it. */
  readonly peer: string;
  /** Until when those count as present whose presence came through the relay, by client. */
  readonly heard = new Map<number, number>();
  isOpen = true;
  /** All that its receipts have to be about: what it had at the start, and what was done here since. */
  target: Holdings;
  readonly #world: World;
  readonly #random: SeededRandom;
  #version = 0;
  #written = 0;
  #awaitsPresence = false;

  constructor(world: World, person: SimulatedPerson, peer: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.person = person;
    this.peer = peer;
    this.doc.clientID = 1 + this.#random.below(2 ** 31);
    this.awareness = new Awareness(this.doc);
    // Its timers are those of the real clock.
    clearInterval(this.awareness._checkInterval);
    const { bytes } = person.device;
    if (bytes) Y.applyUpdate(this.doc, bytes, 'device');
    this.target = integratedBy(this.doc);
    this.awareness.setLocalState({ user: { id: person.claims, name: person.name }, peer });
    this.doc.on('update', this.#updated);
    this.doc.on('afterTransaction', this.#done);
    const { clock } = world;
    this.receipts = new Receipts({
      doc: this.doc,
      awareness: this.awareness,
      role: person.role,
      surroundings: {
        now: () => Math.floor(clock.now),
        random: () => this.#random.next(),
        randomBytes: (length) => this.#random.bytes(length),
        after: (milliseconds, action) => clock.after(milliseconds, action),
      },
      committed: () => this.committed(),
      isOwn: (origin) => origin === ANOTHER_TAB,
      clients: () => [],
      sendDirect: (to, message) => world.sendDirect(this, to, message),
      live: { changed: () => this.#isNeeded() && this.sayPresenceSoon() },
      onReceipts: () => undefined,
    });
  }

  /** Whether somebody is present under this id, as far as is known here. */
  sees(id: string, role?: Role): boolean {
    return [...this.awareness.getStates().values()].some(
      ({ viewer, user }) =>
        (user as { id: string }).id === id &&
        (role === undefined || (role === 'reader') === (viewer === true)),
    );
  }

  /** Does something to the text, in this tab or in another one of the same device. */
  edit(isDeletion: boolean, isInAnotherTab: boolean): void {
    const change = (doc: Y.Doc) => {
      const text = doc.getText('text');
      const at = this.#random.below(text.length + 1);
      if (isDeletion) text.delete(at, Math.min(text.length - at, 1 + this.#random.below(4)));
      else text.insert(at, 'abcd'.slice(this.#random.below(4)));
    };
    if (!isInAnotherTab) {
      change(this.doc);
      return;
    }
    const tab = new Y.Doc();
    tab.clientID = 1 + this.#random.below(2 ** 31);
    Y.applyUpdate(tab, Y.encodeStateAsUpdate(this.doc));
    const before = Y.encodeStateVector(tab);
    change(tab);
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(tab, before), ANOTHER_TAB);
  }

  /** Writes what is new to the device, which may fail, until there is nothing. */
  async committed(): Promise<boolean> {
    const { device } = this.person;
    const { clock } = this.#world;
    while (this.isOpen && !device.isFull && this.#written < this.#version) {
      const [version, bytes, held] = [this.#version, Y.encodeStateAsUpdate(this.doc), integratedBy(this.doc)];
      await new Promise<void>((resolve) => clock.after(this.#random.between(1, 200), () => resolve()));
      if (!this.isOpen || device.isFull || this.#random.chance(device.failing)) return false;
      if (version < this.#written) continue;
      device.bytes = bytes;
      device.committed = unite(device.committed, held);
      this.#written = version;
    }
    return this.isOpen && this.#written === this.#version;
  }

  sayPresenceSoon(): void {
    if (this.#awaitsPresence || !this.isOpen) return;
    this.#awaitsPresence = true;
    this.#world.clock.after(100, () => {
      this.#awaitsPresence = false;
      if (this.isOpen) this.#world.publish(this, this.receipts.extras());
    });
  }

  /** As it does every now and then: lets go who is heard no more, and says that it is there. */
  beat(): void {
    for (const [client, expires] of this.heard) {
      if (expires > this.#world.clock.now) continue;
      this.heard.delete(client);
      this.forget(client);
    }
    if (this.#isNeeded()) this.sayPresenceSoon();
  }

  /** The presence of another one came through the relay; null: a goodbye. */
  hear(from: App, extras: Extras | null, isGone: boolean): void {
    const client = from.doc.clientID;
    if (isGone) {
      this.heard.delete(client);
      this.forget(client);
      return;
    }
    const isNew = !this.awareness.getStates().has(client);
    this.heard.set(client, this.#world.clock.now + 60_000);
    this.see(from);
    if (extras) this.receipts.receiveExtras(client, extras, from.person.role);
    if (isNew) this.sayPresenceSoon();
  }

  /** Takes over the state of another one. */
  see(from: App): void {
    const client = from.doc.clientID;
    const state = {
      ...from.awareness.getLocalState(),
      ...(from.person.role === 'reader' && { viewer: true }),
    };
    const update = encodeAwarenessUpdate(from.awareness, [client], new Map([[client, state]]));
    applyAwarenessUpdate(this.awareness, update, 'network');
  }

  forget(client: number): void {
    if (this.#world.areConnected(this, client)) return;
    if (!this.awareness.getStates().delete(client)) return;
    this.awareness.meta.delete(client);
    this.awareness.emit('change', [{ added: [], updated: [], removed: [client] }, 'network']);
  }

  close(): void {
    this.isOpen = false;
    this.receipts.stop();
    this.awareness.destroy();
    this.doc.destroy();
  }

  #isNeeded(): boolean {
    return [...this.heard.keys()].some((client) => !this.#world.areConnected(this, client));
  }

  readonly #updated = (update: Uint8Array, origin: unknown): void => {
    this.#version += 1;
    this.#world.clock.after(this.#random.between(1, 50), () => void this.committed());
    if (origin === null || origin === ANOTHER_TAB) this.#world.spread(this, update);
  };

  readonly #done = (transaction: Y.Transaction): void => {
    const isOwn = transaction.origin === null || transaction.origin === ANOTHER_TAB;
    if (isOwn) this.target = unite(this.target, holdingsOfTransaction(transaction));
  };
}

/** What of a person stays while the app is closed. */
export interface SimulatedDevice {
  bytes: Uint8Array | null;
  committed: Holdings;
  isFull: boolean;
  /** How probable it is that a write fails. */
  failing: number;
}

export const newDevice = (failing: number): SimulatedDevice => ({
  bytes: null,
  committed: NOTHING,
  isFull: false,
  failing,
});
