import * as Y from 'yjs';
import { ArrivingUpdates } from '../arriving.ts';
import { TabChange } from './change.ts';
import { coversClock, joinClocks, type TabClock } from './clock.ts';
import type { TabBody, TabKind } from './messages.ts';

export interface TabDocumentOptions {
  readonly tab: string;
  readonly kind: TabKind;
  readonly doc: Y.Doc;
  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  committed(): Promise<boolean>;
  tell(change: Extract<TabBody, { type: 'change' }>): void;
  answer(answer: DocumentAnswer): void;
  /** An update of another tab failed halfway: the document is not to be kept. */
  onBroken(): void;
  /** {@link TabDocument.known} has grown. */
  onKnown(): void;
}

interface Waiting {
  readonly number: number;
  readonly update: Uint8Array;
  readonly own: boolean;
}

/** An answer, but for what only the tab around the document knows. */
type DocumentAnswer = Omit<Told<'sync'>, 'tabs'>;

type Told<Type extends TabBody['type']> = Extract<TabBody, { type: Type }>;

/**
 * A tab's document and those of the other tabs: what is done or arrives in one is told to all once it is on the device, and what one missed
 * it is given when it asks ([TB6]). Changes are counted a tab, so that anybody can tell whether another has all that one has oneself.
 */
export class TabDocument {
  readonly #options: TabDocumentOptions;
  readonly #arriving = new ArrivingUpdates((updates) => {
    for (const update of updates) this.#wait(update, false);
  });
  /** What others have told, and what this tab has told of its own. */
  #clock: TabClock = {};
  /** Changes of this tab, also those that it has not told. What it began with is the first. */
  #made = 0;
  #told = 0;
  #queue: Waiting[] = [];
  #isTelling = false;
  #isStopped = false;
  /** Who may only read has changed the document all the same: as a whole it is not to be handed on ([LK11]). */
  #isOwnOnly = false;

  constructor(options: TabDocumentOptions) {
    this.#options = options;
    if (Y.encodeStateVector(options.doc).length > 1) this.#made = this.#told = 1;
    options.doc.on('update', this.#updated);
  }

  /** What of it was told. */
  get clock(): TabClock {
    return { ...this.#clock, [this.#options.tab]: this.#told };
  }

  /** What it holds. */
  get known(): TabClock {
    return { ...this.#clock, [this.#options.tab]: this.#made };
  }

  /** For a question about what this document lacks. */
  get vector(): Uint8Array {
    return Y.encodeStateVector(this.#options.doc);
  }

  /** Answers a question, and asks the same in return. */
  answer(to: string, base: TabClock, vector: Uint8Array): void {
    this.#give(to, base, vector, this.vector);
  }

  receiveSync(from: string, clock: TabClock, { to, base, update, vector }: Told<'sync'>): void {
    // Of an answer to somebody else only who has as much as they had can be sure to lack nothing before it.
    if (!coversClock(this.known, base) || !this.#apply([update], new TabChange(false, false))) return;
    this.#learn(clock);
    if (to === this.#options.tab && vector) this.#give(from, clock, vector, null);
  }

  receiveChange(from: string, { after, upTo, updates, own, committed }: Told<'change'>): void {
    const known = this.#clock[from] ?? 0;
    if (known >= upTo || !this.#apply(updates, new TabChange(own, committed))) return;
    if (known >= after) this.#learn({ [from]: upTo });
    else this.#holdLoose();
  }

  /** Tells what waits at once, committed or not: the page may be going away. */
  flush(): void {
    this.#arriving.admit();
    this.#tell(this.#made, false);
  }

  /** What the document has just emitted comes of an update that failed halfway: nothing of it is told from now on. */
  discard(): void {
    this.#arriving.discard();
    this.#queue = [];
    this.stop();
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.doc.off('update', this.#updated);
  }

  readonly #updated = (update: Uint8Array, origin: unknown, _doc: Y.Doc, { local }: Y.Transaction): void => {
    if (origin instanceof TabChange) return;
    if (!local) this.#arriving.hold(update);
    else if (this.#options.kind === 'edit') this.#wait(update, true);
    else this.#isOwnOnly = true;
  };

  #wait(update: Uint8Array, own: boolean): void {
    if (this.#isStopped) return;
    this.#made += 1;
    this.#queue.push({ number: this.#made, update, own });
    this.#options.onKnown();
    if (this.#isTelling) return;
    this.#isTelling = true;
    void this.#tellCommitted().finally(() => {
      this.#isTelling = false;
    });
  }

  async #tellCommitted(): Promise<void> {
    // The device may hear of the change only after this.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const upTo = this.#made;
      this.#tell(upTo, await this.#options.committed());
    }
  }

  #tell(upTo: number, committed: boolean): void {
    if (this.#isStopped) return;
    const due = this.#queue.filter(({ number }) => number <= upTo);
    this.#queue = this.#queue.slice(due.length);
    for (let first = due[0]; first; first = due[0]) {
      const { own, number } = first;
      // What was done here and what merely arrived are told apart, in their order.
      const end = due.findIndex((other, index) => other.own !== own || other.number !== number + index);
      const updates = due.splice(0, end === -1 ? due.length : end).map(({ update }) => update);
      this.#told = number - 1 + updates.length;
      this.#options.tell({ type: 'change', after: number - 1, upTo: this.#told, updates, own, committed });
    }
    if (this.#queue.length === 0) this.#told = this.#made;
  }

  /**
   * The document holds something of another tab's, while it lacks what was before: the other's number cannot say so. One of this tab's own
   * can, which others get with the whole document only.
   */
  #holdLoose(): void {
    this.#made += 1;
    if (this.#queue.length === 0) this.#told = this.#made;
    this.#options.onKnown();
  }

  #give(to: string, base: TabClock, wanted: Uint8Array, vector: Uint8Array | null): void {
    if (this.#isOwnOnly || this.#isStopped) return;
    // What waits would be in it, and could not be told apart there any more from what has merely arrived.
    this.flush();
    try {
      const update = Y.encodeStateAsUpdate(this.#options.doc, wanted);
      this.#options.answer({ type: 'sync', to, base, update, vector });
    } catch {
      // What was asked with is no state vector: it gets no answer.
    }
  }

  /** Applies updates in one transaction; false if that failed. */
  #apply(updates: readonly Uint8Array[], origin: TabChange): boolean {
    const { doc, onBroken } = this.#options;
    try {
      const applyAll = () => {
        for (const update of updates) Y.applyUpdate(doc, update, origin);
      };
      Y.transact(doc, applyAll, origin, false);
      return true;
    } catch {
      onBroken();
      return false;
    }
  }

  #learn(clock: TabClock): void {
    const { [this.#options.tab]: _own, ...others } = clock;
    this.#clock = joinClocks(this.#clock, others);
    this.#options.onKnown();
  }
}
