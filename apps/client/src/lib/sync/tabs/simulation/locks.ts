import type { Locks } from '../lock.ts';

/** Runs what the browser wants of a tab: now, when the tab is thawed, or never, if it has ended. */
export type Enter = (action: () => void) => void;

interface Asked {
  readonly tab: object;
  readonly grant: () => void;
  readonly refuse: (error: DOMException) => void;
}

/** The locks of one browser, as the Web Locks specification has them; exclusive ones only. */
export class SimulatedLocks {
  readonly #held = new Map<string, Asked>();
  readonly #queues = new Map<string, Asked[]>();

  /** What one tab sees of them. @param enter the way into the tab */
  for(tab: object, enter: Enter): Locks {
    const request = (
      name: string,
      { steal = false, signal }: LockOptions,
      held: (lock: Lock) => unknown,
    ): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers();
      const asked: Asked = {
        tab,
        grant: () =>
          enter(() => {
            const done = (value: unknown) => {
              this.#release(name, asked);
              resolve(value);
            };
            Promise.resolve(held({ name, mode: 'exclusive' })).then(done, done);
          }),
        refuse: (error) => enter(() => reject(error)),
      };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (steal) {
        this.#held.get(name)?.refuse(new DOMException('stolen', 'AbortError'));
        this.#held.delete(name);
        queue.unshift(asked);
      } else queue.push(asked);
      signal?.addEventListener('abort', () => {
        if (!queue.includes(asked)) return;
        queue.splice(queue.indexOf(asked), 1);
        asked.refuse(new DOMException('aborted', 'AbortError'));
      });
      this.#next(name);
      return promise;
    };
    return { request } as Locks;
  }

  /** The tab has ended, and with it all that it held or waited for. */
  end(tab: object): void {
    for (const [name, queue] of this.#queues) {
      queue.splice(0, queue.length, ...queue.filter((asked) => asked.tab !== tab));
      const held = this.#held.get(name);
      if (held?.tab === tab) this.#release(name, held);
    }
  }

  #release(name: string, asked: Asked): void {
    if (this.#held.get(name) !== asked) return;
    this.#held.delete(name);
    this.#next(name);
  }

  #next(name: string): void {
    const next = this.#held.has(name) ? undefined : this.#queues.get(name)?.shift();
    if (!next) return;
    this.#held.set(name, next);
    next.grant();
  }
}
