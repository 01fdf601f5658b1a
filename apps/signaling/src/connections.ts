function goUncounted(): void {}

/** How many connections each IP prefix has open ([HB40]). */
export class Connections {
  readonly #limit: number;
  readonly #open = new Map<string, number>();

  /** @param limit the most that one prefix may have */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Counts one more, if it may be; `prefix` is null for whom nothing is counted.
   *
   * @returns what counts it as gone, however often it is called; null where it is one too many
   */
  take(prefix: string | null): (() => void) | null {
    if (prefix === null) return goUncounted;
    const open = this.#open.get(prefix) ?? 0;
    if (open >= this.#limit) return null;
    this.#open.set(prefix, open + 1);
    let isGone = false;
    return () => {
      if (isGone) return;
      isGone = true;
      const left = (this.#open.get(prefix) ?? 0) - 1;
      if (left > 0) this.#open.set(prefix, left);
      else this.#open.delete(prefix);
    };
  }
}
