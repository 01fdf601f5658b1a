import * as Y from 'yjs';
import type { MailboxStorage } from '../ports.ts';
import type { StoredMailbox } from '../stored.ts';
import type { VirtualClock } from './clock.ts';
import type { SeededRandom } from './random.ts';

/** What a device's disk does. */
export interface DeviceFaults {
  /** How often a write of the document fails. */
  readonly failing: number;
}

/** A device's storage: two databases whose writes take time, commit in their order, and are lost in a crash before they do. */
export class SimulatedDevice {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly faults: DeviceFaults;
  /** The committed records of the document. */
  #records: Uint8Array[] = [];
  /** The committed document. */
  committed = new Y.Doc();
  parts: Partial<StoredMailbox> = {};
  /** Told about every committed part. */
  onParts: (parts: Partial<StoredMailbox>) => void = () => undefined;
  #life = 0;
  #documentWrites = 0;
  #owesWhole = false;
  #waiting: (() => void)[] = [];
  #documentFree = 0;
  #partsFree = 0;

  constructor(clock: VirtualClock, random: SeededRandom, faults: DeviceFaults) {
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
  }

  /** Everything that is not committed is lost, and nobody hears of what was. */
  crash(): void {
    this.#life += 1;
    this.#documentWrites = 0;
    this.#owesWhole = false;
    this.#waiting = [];
    this.#documentFree = 0;
    this.#partsFree = 0;
  }

  /** The device is thrown away. */
  wipe(): void {
    this.crash();
    this.#records = [];
    this.committed = new Y.Doc();
    this.parts = {};
  }

  /** The document as it was committed, under a new client id. From now on its changes are written. */
  openDocument(clientID: number): Y.Doc {
    const doc = new Y.Doc();
    doc.clientID = clientID;
    for (const record of this.#records) Y.applyUpdate(doc, record, this);
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#write(doc, update);
    });
    return doc;
  }

  /** Whether all of the document is committed, once nothing is on its way. */
  isCommitted(): Promise<boolean> {
    if (this.#documentWrites === 0) return Promise.resolve(!this.#owesWhole);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(!this.#owesWhole));
    });
  }

  readonly storage: MailboxStorage<StoredMailbox> = {
    read: () => Promise.resolve(structuredClone(this.parts)),
    write: (parts) => {
      const copy = structuredClone(parts);
      const life = this.#life;
      return new Promise((resolve) => {
        this.#partsFree = Math.max(this.#partsFree, this.#clock.now) + this.#random.between(0.5, 8);
        this.#clock.after(this.#partsFree - this.#clock.now, () => {
          if (life !== this.#life) return;
          this.parts = { ...this.parts, ...copy };
          this.onParts(copy);
          resolve();
        });
      });
    },
  };

  #write(doc: Y.Doc, update: Uint8Array): void {
    const life = this.#life;
    const record = this.#owesWhole ? Y.encodeStateAsUpdate(doc) : update;
    const isWhole = this.#owesWhole;
    this.#documentWrites += 1;
    this.#documentFree = Math.max(this.#documentFree, this.#clock.now) + this.#random.between(1, 40);
    this.#clock.after(this.#documentFree - this.#clock.now, () => {
      if (life !== this.#life) return;
      this.#documentWrites -= 1;
      if (this.#random.chance(this.faults.failing)) {
        this.#owesWhole = true;
        this.#clock.after(3_000, () => {
          if (life === this.#life && this.#owesWhole) this.#write(doc, update);
        });
      } else {
        this.#records.push(record);
        Y.applyUpdate(this.committed, record);
        if (isWhole) this.#owesWhole = false;
      }
      if (this.#documentWrites === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }
}
