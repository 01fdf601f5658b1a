import type * as Y from 'yjs';
import { ArrivingUpdates } from '../arriving.ts';
import { holdingsOfTransaction, isNothing, unite, waitingIn } from '../holdings.ts';
import type { MailboxEvent } from './engine.ts';

export interface NoticingOptions {
  readonly doc: Y.Doc;
  /** Whether a transaction with this origin brought what was on this device already. */
  isOfDevice(origin: unknown): boolean;
  /** Whether it brought what another tab of this device did. */
  isOwn(origin: unknown): boolean;
  happen(event: Extract<MailboxEvent, { type: 'changed' | 'waits' }>): void;
  /** Told of what was done on this device, in whichever tab; null where nobody wants to know. */
  readonly onOwn: ((update: Uint8Array) => void) | null;
}

/** Notices what becomes of the document: what it has more than before, whose doing that is, and what waits in it for something missing. */
export class Noticing {
  readonly #options: NoticingOptions;
  /** What other tabs have done, and came here a moment ago. */
  readonly #arriving = new ArrivingUpdates((updates) => {
    if (!this.#isStopped) for (const update of updates) this.#options.onOwn?.(update);
  });
  #waiting: { structs: unknown; deletes: unknown } = { structs: null, deletes: null };
  #isStopped = false;

  constructor(options: NoticingOptions) {
    this.#options = options;
  }

  start(): void {
    const { doc } = this.#options;
    doc.on('afterTransaction', this.#changed);
    doc.on('updateV2', this.#updated);
    this.#noteWaiting();
  }

  stop(): void {
    const { doc } = this.#options;
    this.#isStopped = true;
    doc.off('afterTransaction', this.#changed);
    doc.off('updateV2', this.#updated);
  }

  readonly #changed = (transaction: Y.Transaction): void => {
    const { doc, isOwn, isOfDevice, happen } = this.#options;
    let added = holdingsOfTransaction(transaction);
    if (this.#noteWaiting()) added = unite(added, waitingIn(doc));
    const { origin } = transaction;
    const own = transaction.local || isOwn(origin);
    if (!isNothing(added)) happen({ type: 'changed', own, onDevice: isOfDevice(origin), added });
  };

  readonly #updated = (
    update: Uint8Array,
    _origin: unknown,
    _doc: Y.Doc,
    transaction: Y.Transaction,
  ): void => {
    if (transaction.local) this.#options.onOwn?.(update);
    else if (this.#options.isOwn(transaction.origin)) this.#arriving.hold(update);
  };

  /** Whether something else waits in the document now than before. */
  #noteWaiting(): boolean {
    const { doc, happen } = this.#options;
    const { pendingStructs, pendingDs } = doc.store;
    const { structs, deletes } = this.#waiting;
    this.#waiting = { structs: pendingStructs?.update, deletes: pendingDs };
    const isOther = structs !== pendingStructs?.update || deletes !== pendingDs;
    if (isOther) happen({ type: 'waits', incomplete: pendingStructs !== null || pendingDs !== null });
    return isOther;
  }
}
