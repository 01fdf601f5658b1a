/** For tests: a clock that moves when the test says so. Setting `now` is sleep: what was due meanwhile comes late. */
export class ManualClock {
  now = 0;
  #pending: { at: number; action: () => void }[] = [];

  after = (milliseconds: number, action: () => void) => {
    const entry = { at: this.now + milliseconds, action };
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  };

  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const [next] = this.#pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#pending = this.#pending.filter((other) => other !== next);
      this.now = Math.max(this.now, next.at);
      next.action();
    }
    this.now = Math.max(this.now, end);
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }
}
