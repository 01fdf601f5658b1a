import * as Y from 'yjs';
import { TabChange } from '../change.ts';
import type { SimulatedTab } from './tab.ts';
import type { World } from './world.ts';

/** What the browser keeps of the session: one update a record. */
export interface DeviceRecords {
  readonly updates: Uint8Array[];
  /** The disk takes nothing more. */
  isFull: boolean;
}

/** A tab's way to the device, which behaves as `device.ts` does. */
export class SimulatedDevice {
  readonly #world: World;
  readonly #tab: SimulatedTab;
  readonly #records: DeviceRecords;
  #readUpTo = 0;
  #queue: Uint8Array[] = [];
  #writing: Uint8Array[] | null = null;
  #hasFailed = false;
  #waiting: (() => void)[] = [];

  constructor(world: World, tab: SimulatedTab, records: DeviceRecords) {
    this.#world = world;
    this.#tab = tab;
    this.#records = records;
    this.#read();
    tab.doc.on('update', (update: Uint8Array, origin: unknown, _doc: Y.Doc, { local }: Y.Transaction) => {
      const isKept = origin === this || (origin instanceof TabChange && origin.committed);
      if (isKept || (local && tab.kind === 'view')) return;
      this.#queue.push(update);
      this.#write();
    });
  }

  async committed(): Promise<boolean> {
    while (this.#writing) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return !this.#hasFailed;
  }

  readAgain(): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.after(this.#world.random.below(20), () =>
        this.#tab.enter(() => {
          this.#read();
          resolve();
        }),
      );
    });
  }

  /** The tab has ended: what was under way may have got through, or not. */
  end(): void {
    if (this.#writing && !this.#records.isFull && this.#world.random.chance(0.7))
      this.#records.updates.push(...this.#writing);
    this.#writing = null;
    this.#queue = [];
  }

  #read(): void {
    const { updates } = this.#records;
    for (const update of updates.slice(this.#readUpTo)) Y.applyUpdate(this.#tab.doc, update, this);
    this.#readUpTo = updates.length;
  }

  #write(): void {
    if (this.#writing || this.#queue.length === 0) return;
    const records = this.#hasFailed ? [Y.encodeStateAsUpdate(this.#tab.doc)] : this.#queue;
    this.#queue = [];
    this.#writing = records;
    const { clock, random } = this.#world;
    // The browser commits whatever the tab does meanwhile.
    clock.after(random.below(30), () => {
      if (this.#writing !== records) return;
      const isTaken = !this.#records.isFull;
      if (isTaken) this.#records.updates.push(...records);
      this.#writing = [];
      clock.after(random.below(10), () => this.#tab.enter(() => this.#ended(isTaken)));
    });
  }

  #ended(isTaken: boolean): void {
    this.#writing = null;
    this.#hasFailed = !isTaken;
    if (isTaken) this.#write();
    else
      this.#world.clock.after(3_000, () =>
        this.#tab.enter(() => {
          this.#queue.push(Uint8Array.of(0, 0));
          this.#write();
        }),
      );
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
