import * as Y from 'yjs';
import { ArrivingUpdates } from '../arriving.ts';
import { integratedBy, NOTHING, unite, type Holdings } from '../holdings.ts';
import type { MailboxStorage } from '../mailbox/ports.ts';
import { StorageTakenOver } from '../mailbox/storage.ts';
import type { StoredMailbox } from '../mailbox/stored.ts';
import type { Surroundings } from '../surroundings.ts';
import { TabChange } from '../tabs/change.ts';
import type { VirtualClock } from './clock.ts';
import type { SeededRandom } from './random.ts';

/** What a device's disk does. */
export interface DeviceFaults {
  /** How often a write of the document fails. */
  failing: number;
  /** It takes nothing more. */
  isFull: boolean;
}

/** What the device knows of a page. */
export interface Page {
  /** It has ended. */
  readonly isOver: boolean;
  /** The way for all that comes from outside: now, once it is thawed, or never. */
  enter(action: () => void): void;
}

/** How long after a failed write it is tried again, in milliseconds. */
const RETRY_AFTER = 3_000;

/** A device's storage, for all its tabs: two databases whose writes take time, commit in their order, and are lost before they do when the power goes. */
export class SimulatedDevice {
  readonly #clock: VirtualClock;
  /** What chance decides on this device. */
  readonly random: SeededRandom;
  readonly faults: DeviceFaults;
  /** The committed records of the document. */
  readonly records: Uint8Array[] = [];
  /** The committed document. */
  committed = new Y.Doc();
  parts: Partial<StoredMailbox> = {};
  /** Told about every committed part. */
  onParts: (parts: Partial<StoredMailbox>) => void = () => undefined;
  #life = 0;
  #generation = 0;
  #documentFree = 0;
  #partsFree = 0;
  #before = NOTHING;
  #known: { readonly records: number; readonly held: Holdings } | null = null;

  constructor(clock: VirtualClock, random: SeededRandom, faults: DeviceFaults) {
    this.#clock = clock;
    this.random = random;
    this.faults = faults;
  }

  /** All that was ever committed here. */
  get ever(): Holdings {
    if (this.#known?.records !== this.records.length)
      this.#known = {
        records: this.records.length,
        held: unite(this.#before, integratedBy(this.committed)),
      };
    return this.#known.held;
  }

  /** Everything that is not committed is lost, and nobody hears of what was. */
  crash(): void {
    this.#life += 1;
    this.#documentFree = 0;
    this.#partsFree = 0;
  }

  /** The device is thrown away. */
  wipe(): void {
    this.#before = this.ever;
    this.crash();
    this.records.splice(0);
    this.#known = null;
    this.committed = new Y.Doc();
    this.parts = {};
  }

  /** One transaction of a page. @param done told whether it was committed, unless the page has ended */
  commit(page: Page, records: readonly Uint8Array[], done: (isCommitted: boolean) => void): void {
    const life = this.#life;
    this.#documentFree = Math.max(this.#documentFree, this.#clock.now) + this.random.between(1, 40);
    this.#clock.after(this.#documentFree - this.#clock.now, () => {
      if (life !== this.#life) return;
      // Of a page that has ended, it may have got through or not.
      const isAborted = page.isOver && this.random.chance(0.3);
      const isCommitted = !isAborted && !this.faults.isFull && !this.random.chance(this.faults.failing);
      if (isCommitted) {
        this.records.push(...records);
        for (const record of records) Y.applyUpdate(this.committed, record);
      }
      this.#clock.after(this.random.between(0, 4), () => page.enter(() => done(isCommitted)));
    });
  }

  /** Takes over what is kept beside the document: whoever had it before writes nothing more ([TB10]). */
  takeOver(page: Page): MailboxStorage<StoredMailbox> {
    const life = this.#life;
    this.#generation += 1;
    const generation = this.#generation;
    return {
      read: () => Promise.resolve(structuredClone(this.parts)),
      write: (parts) => {
        const copy = structuredClone(parts);
        return new Promise((resolve, reject) => {
          if (life !== this.#life) return;
          this.#partsFree = Math.max(this.#partsFree, this.#clock.now) + this.random.between(0.5, 8);
          this.#clock.after(this.#partsFree - this.#clock.now, () => {
            if (life !== this.#life) return;
            const isTaken = generation === this.#generation;
            if (isTaken) {
              this.parts = { ...this.parts, ...copy };
              this.onParts(copy);
            }
            page.enter(() => {
              if (isTaken) resolve();
              else reject(new StorageTakenOver('another tab has taken over'));
            });
          });
        });
      },
    };
  }
}

/** A page's way to the document on the device, which behaves as `DeviceStore` does. */
export class SimulatedStore {
  readonly #device: SimulatedDevice;
  readonly #doc: Y.Doc;
  readonly #page: Page;
  readonly #after: Surroundings['after'];
  readonly #arriving = new ArrivingUpdates((updates) => this.#enqueue(updates));
  #queue: Uint8Array[] = [];
  #writing = 0;
  #owesWhole = false;
  #isRetrying = false;
  #isBroken = false;
  #readUpTo = 0;
  #waiting: (() => void)[] = [];

  /** Loads the document, and from then on keeps what changes of it. */
  constructor(
    device: SimulatedDevice,
    doc: Y.Doc,
    page: Page,
    after: Surroundings['after'],
    keepsOwn: boolean,
  ) {
    this.#device = device;
    this.#doc = doc;
    this.#page = page;
    this.#after = after;
    this.read();
    doc.on('update', (update: Uint8Array, origin: unknown, _: Y.Doc, { local }: Y.Transaction) => {
      const isKept = origin === this || (origin instanceof TabChange && origin.committed);
      if (isKept || (local && !keepsOwn) || page.isOver) return;
      if (local) this.#enqueue([update]);
      else this.#arriving.hold(update);
    });
  }

  /** Whether all of the document is committed, once nothing is on its way. */
  async committed(): Promise<boolean> {
    this.#arriving.admit();
    while (this.#writing > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return !this.#owesWhole;
  }

  /** Reads what others have committed since. */
  read(): void {
    const { records } = this.#device;
    const fresh = records.slice(this.#readUpTo);
    this.#readUpTo = records.length;
    const applyAll = () => {
      for (const record of fresh) Y.applyUpdate(this.#doc, record, this);
    };
    Y.transact(this.#doc, applyAll, this, false);
  }

  /** What the document has just emitted comes of an update that failed. */
  discard(): void {
    this.#isBroken = true;
    this.#arriving.discard();
  }

  /** The page may not come back: nothing waits for its turn. */
  flush(): void {
    this.#arriving.admit();
    if (this.#queue.length > 0) this.#write();
  }

  #enqueue(updates: readonly Uint8Array[]): void {
    this.#queue.push(...updates);
    if (this.#writing === 0 && !this.#isRetrying) this.#write();
  }

  #write(): void {
    const isWhole = this.#owesWhole;
    if (isWhole && this.#isBroken) return;
    const records = isWhole ? [Y.encodeStateAsUpdate(this.#doc)] : this.#queue;
    if (records.length === 0) return;
    this.#queue = [];
    this.#writing += 1;
    this.#device.commit(this.#page, records, (isCommitted) => {
      this.#writing -= 1;
      if (isCommitted && isWhole) this.#owesWhole = false;
      if (!isCommitted) this.#fail();
      if (this.#queue.length > 0 && !this.#isRetrying) this.#write();
      if (this.#writing === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  #fail(): void {
    this.#owesWhole = true;
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#after(RETRY_AFTER, () => {
      this.#isRetrying = false;
      if (this.#owesWhole && this.#writing === 0) this.#write();
    });
  }
}
