import type { Surroundings } from '../surroundings.ts';

/** In milliseconds. */
export const MENDING = {
  /** Until what is interrupted is restarted, and restarted once more: most interruptions end by themselves. */
  first: 3_000,
  again: 8_000,
  /** Until it is given up. */
  lost: 30_000,
  /** So long after waking nothing is waited for: it takes a browser a while to notice what is gone. */
  haste: 15_000,
} as const;

export interface MendingOptions {
  readonly after: Surroundings['after'];
  /** Looks for another way to the other one. */
  readonly onRestart: () => void;
  readonly onLost: () => void;
}

/** When a connection that was open, and is interrupted, is restarted and when it is given up. */
export class Mending {
  readonly #options: MendingOptions;
  #cancelHaste: (() => void) | null = null;
  #cancelRestart: (() => void) | null = null;
  #cancelLost: (() => void) | null = null;

  constructor(options: MendingOptions) {
    this.#options = options;
  }

  get isInterrupted(): boolean {
    return this.#cancelLost !== null;
  }

  /** @param hasFailed it does not come back by itself any more */
  interrupted(hasFailed: boolean): void {
    this.#cancelLost ??= this.#options.after(MENDING.lost, this.#options.onLost);
    if (hasFailed || this.#cancelHaste) this.#restart();
    else this.#restartAfter(MENDING.first);
  }

  restored(): void {
    this.#cancelRestart?.();
    this.#cancelLost?.();
    [this.#cancelRestart, this.#cancelLost] = [null, null];
  }

  /** Time has passed unnoticed, or the network is another one: there is no reason to wait. */
  wake(): void {
    this.#cancelHaste?.();
    this.#cancelHaste = this.#options.after(MENDING.haste, () => (this.#cancelHaste = null));
    if (this.isInterrupted) this.#restart();
  }

  stop(): void {
    this.#cancelHaste?.();
    this.restored();
  }

  #restart(): void {
    this.#restartAfter(MENDING.again);
    this.#options.onRestart();
  }

  #restartAfter(pause: number): void {
    this.#cancelRestart?.();
    this.#cancelRestart = this.#options.after(pause, () => this.#restart());
  }
}
