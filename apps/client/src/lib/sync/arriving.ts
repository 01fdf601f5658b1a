/**
 * Updates that have arrived, held for one microtask: Yjs emits them before what applies them has ended, also when it ends with an
 * error and has left the document half changed ([SY16]).
 */
export class ArrivingUpdates {
  readonly #onArrived: (updates: readonly Uint8Array[]) => void;
  #held: Uint8Array[] = [];

  /** @param onArrived told of updates that were not discarded, in their order */
  constructor(onArrived: (updates: readonly Uint8Array[]) => void) {
    this.#onArrived = onArrived;
  }

  hold(update: Uint8Array): void {
    this.#held.push(update);
    if (this.#held.length === 1) queueMicrotask(() => this.admit());
  }

  /** Hands on what is held: whatever applied it has ended. */
  admit(): void {
    const updates = this.#held.splice(0);
    if (updates.length > 0) this.#onArrived(updates);
  }

  /** What is held comes of an update that failed. */
  discard(): void {
    this.#held = [];
  }
}
