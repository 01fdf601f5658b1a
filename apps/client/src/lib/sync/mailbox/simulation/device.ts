import * as Y from 'yjs';
import { ArrivingUpdates } from '../../arriving.ts';
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
  #arriving = new ArrivingUpdates(() => undefined);

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
    const life = this.#life;
    const write = (updates: readonly Uint8Array[]) => {
      if (life === this.#life) for (const update of updates) this.#write(doc, update);
    };
    this.#arriving = new ArrivingUpdates(write);
    doc.on('update', (update: Uint8Array, origin: unknown, _: Y.Doc, { local }: Y.Transaction) => {
      if (origin === this) return;
      if (local) write([update]);
      else this.#arriving.hold(update);
    });
    return doc;
  }

  /** What the document has just emitted comes of an update that failed. */
  discard(): void {
    this.#arriving.discard();
  }

  /** Whether all of the document is committed, once nothing is on its way. */
  isCommitted(): Promise<boolean> {
    if (this.#documentWrites === 0) return Promise.resolve(!this.#owesWhole);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(!this.#owesWhole));
    });
  }

  /** What is kept beside the document; for as long as the device is on. */
  openStorage(): MailboxStorage<StoredMailbox> {
    const life = this.#life;
    return {
      read: () => Promise.resolve(structuredClone(this.parts)),
      write: (parts) => {
        const copy = structuredClone(parts);
        return new Promise((resolve) => {
          if (life !== this.#life) return;
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
  }

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
