/**
 * As much of IndexedDB as the stores use, for tests: object stores with keys of one's own or counted ones, and transactions that end
 * when nothing more is asked of them, one after the other.
 */
export class SimulatedDatabases {
  readonly #stores = new Map<string, Map<string, Map<IDBValidKey, unknown>>>();
  #turn: Promise<void> = Promise.resolve();

  /** What stands for `indexedDB`. */
  readonly factory = {
    open: (name: string) => {
      const isNew = !this.#stores.has(name);
      const stores = this.#stores.get(name) ?? new Map<string, Map<IDBValidKey, unknown>>();
      this.#stores.set(name, stores);
      const request = new SimulatedRequest();
      const createObjectStore = (store: string) => stores.set(store, new Map());
      const transaction = (store: string) =>
        this.#begin(stores.get(store) ?? new Map<IDBValidKey, unknown>());
      request.result = { createObjectStore, transaction, close: () => undefined };
      queueMicrotask(() => {
        if (isNew) request.onupgradeneeded();
        request.onsuccess({ target: request });
      });
      return request;
    },
  };

  /** What a database holds, by its key. */
  contents(name: string, store: string): ReadonlyMap<IDBValidKey, unknown> {
    return this.#stores.get(name)?.get(store) ?? new Map<IDBValidKey, unknown>();
  }

  #begin(rows: Map<IDBValidKey, unknown>): SimulatedTransaction {
    const transaction = new SimulatedTransaction(rows);
    this.#turn = this.#turn.then(() => transaction.run());
    return transaction;
  }
}

/** What stands for `IDBKeyRange`. */
export const SimulatedKeyRange = {
  lowerBound:
    (bound: IDBValidKey, open = false) =>
    (key: IDBValidKey) =>
      open ? key > bound : key >= bound,
};

type Range = ((key: IDBValidKey) => boolean) | null | undefined;

class SimulatedRequest {
  result: unknown;
  error = null;
  onsuccess: (event: { target: SimulatedRequest }) => void = () => undefined;
  onupgradeneeded: () => void = () => undefined;
  onerror: () => void = () => undefined;
}

class SimulatedTransaction {
  error = null;
  oncomplete: () => void = () => undefined;
  onabort: () => void = () => undefined;
  readonly #rows: Map<IDBValidKey, unknown>;
  #asked: (() => void)[] = [];
  #isAborted = false;

  constructor(rows: Map<IDBValidKey, unknown>) {
    this.#rows = rows;
  }

  objectStore() {
    const rows = this.#rows;
    const keys = (range?: Range) => [...rows.keys()].filter((key) => range?.(key) ?? true);
    return {
      add: (value: unknown) =>
        this.#ask(() => rows.set(Math.max(0, ...[...rows.keys()].map(Number)) + 1, structuredClone(value))),
      put: (value: unknown, key: IDBValidKey) => this.#ask(() => rows.set(key, structuredClone(value))),
      get: (key: IDBValidKey) => this.#ask(() => rows.get(key)),
      getAll: (range: Range) => this.#ask(() => keys(range).map((key) => rows.get(key))),
      getAllKeys: (range: Range) => this.#ask(() => keys(range)),
      count: () => this.#ask(() => rows.size),
      clear: () => this.#ask(() => rows.clear()),
      openKeyCursor: () =>
        this.#ask(() => {
          const key = keys().at(-1);
          return key === undefined ? null : { key };
        }),
      openCursor: () => this.#walk(),
    };
  }

  abort(): void {
    this.#isAborted = true;
    this.#asked = [];
  }

  async run(): Promise<void> {
    const before = new Map(this.#rows);
    await Promise.resolve();
    for (let next = this.#asked.shift(); next; next = this.#asked.shift()) {
      next();
      await Promise.resolve();
    }
    if (!this.#isAborted) this.oncomplete();
    else {
      this.#rows.clear();
      for (const [key, value] of before) this.#rows.set(key, value);
      this.onabort();
    }
  }

  #ask(act: () => unknown): SimulatedRequest {
    const request = new SimulatedRequest();
    this.#asked.push(() => {
      request.result = act();
      request.onsuccess({ target: request });
    });
    return request;
  }

  #walk(): SimulatedRequest {
    const rows = [...this.#rows];
    const request: SimulatedRequest = this.#ask(() => step());
    const step = () => {
      const row = rows.shift();
      if (!row) return null;
      const [key, value] = row;
      const proceed = () => {
        request.result = step();
        request.onsuccess({ target: request });
      };
      return { key, value: structuredClone(value), continue: () => this.#asked.push(proceed) };
    };
    return request;
  }
}
