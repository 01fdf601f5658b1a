import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { SessionError, type ErrorCode } from '../session/errors.ts';
import { ArrivingUpdates } from './arriving.ts';
import { databaseName } from './database-name.ts';
import { TabChange } from './tabs/change.ts';

/** Where the last change is, as far as this device's storage goes. Only a committed transaction makes it `saved`. */
export type DeviceState =
  'saving' | 'saved' | Extract<ErrorCode, 'device/unavailable' | 'device/full' | 'device/failed'>;

/** From so many records on, they are folded into one when the document is opened. */
const FOLD_FROM = 300;

/** How long after a failed write it is tried again, in milliseconds. */
const RETRY_AFTER = 3_000;

/** The object store of y-indexeddb's format: one Yjs update a record. */
const UPDATES = 'updates';

/**
 * A session's document in IndexedDB, in y-indexeddb's format.
 *
 * y-indexeddb reads; writing is done here, because a receipt needs what it does not give: whether the transaction
 * committed, what to do when it did not (everything later would wait for the missing update, so the whole state is
 * written next), and folding records in one transaction, so that another tab's record is not lost with it ([DOC3]).
 */
export class DeviceStore {
  readonly #name: string;
  readonly #doc: Y.Doc;
  readonly #onState: (state: DeviceState) => void;
  readonly #onBroken: () => void;
  /** Changes made in this tab are kept; not those of who may only read ([LK11]). */
  readonly #keepsOwn: boolean;
  #db: IDBDatabase;
  #state: DeviceState = 'saved';
  /** Updates that wait for the transaction under way. */
  #queue: Uint8Array[] = [];
  /** Updates that came from elsewhere a moment ago. */
  readonly #arriving = new ArrivingUpdates((updates) => this.#enqueue(updates));
  /** The document is half changed by an update that failed: as a whole it is not to be kept. */
  #isBroken = false;
  /** Transactions that have begun and not ended: one, and one more when the page or the store is closed. */
  #writing = 0;
  /** A write failed: the records alone have a gap, so the next write carries everything. */
  #owesWholeState = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #unreadable = 0;
  /** The last record that was read; null before there was one. */
  #readUpTo: IDBValidKey | null = null;
  #waiting: (() => void)[] = [];

  /**
   * Loads a session's document into `doc` and from then on keeps every change of it. What `doc` holds already, because
   * an earlier attempt failed, is kept as well.
   *
   * @param onState told about each change of {@link state}
   * @param keepsOwn false for who may only read: then only what has arrived is kept
   * @param onBroken told when what {@link readAgain} found has failed halfway: the document is not to be kept
   * @throws {SessionError} `device/unavailable` or `device/full` when the browser gives no database
   */
  static async open(
    sessionId: string,
    doc: Y.Doc,
    onState: (state: DeviceState) => void,
    keepsOwn = true,
    onBroken: () => void = () => undefined,
  ): Promise<DeviceStore> {
    const name = databaseName(sessionId);
    const held = Y.encodeStateVector(doc).length > 1;
    const store = new DeviceStore(name, doc, await openDatabase(name), onState, keepsOwn, onBroken);
    try {
      await store.#read();
    } catch (cause) {
      store.close();
      throw new SessionError('device/unavailable', { cause });
    }
    doc.on('update', store.#keep);
    addEventListener('pagehide', store.#flush);
    if (store.#unreadable === 0) store.#fold();
    if (held) {
      store.#owesWholeState = true;
      store.#write();
    }
    return store;
  }

  private constructor(
    name: string,
    doc: Y.Doc,
    db: IDBDatabase,
    onState: (state: DeviceState) => void,
    keepsOwn: boolean,
    onBroken: () => void,
  ) {
    this.#keepsOwn = keepsOwn;
    this.#name = name;
    this.#doc = doc;
    this.#db = db;
    this.#onState = onState;
    this.#onBroken = onBroken;
    this.#listen();
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** How many records of the database could not be read. They stay where they are; the rest is in the document. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * Reads what other tabs have committed since it was last read, and applies what the document lacks: a tab that is killed may have
   * committed what it never told. Resolves, too, where the database cannot be read.
   */
  async readAgain(): Promise<void> {
    const records = await this.#readNew();
    if (this.#closed || this.#isBroken) return;
    try {
      const applyAll = () => {
        for (const record of records) Y.applyUpdate(this.#doc, record, this);
      };
      Y.transact(this.#doc, applyAll, this, false);
    } catch {
      this.discard();
      this.#onBroken();
    }
  }

  /** Resolves once nothing is on its way into the database any more; {@link state} then says how it ended. */
  settled(): Promise<void> {
    this.#arriving.admit();
    return this.#writing > 0 ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /**
   * What the document has just emitted comes of an update that failed halfway: it is not kept, nor is the document as a whole from
   * now on. To be called before anything else happens.
   */
  discard(): void {
    this.#isBroken = true;
    this.#arriving.discard();
  }

  /** Stops keeping the document. What is on its way still commits. */
  close(): void {
    clearTimeout(this.#retry);
    this.#doc.off('update', this.#keep);
    removeEventListener('pagehide', this.#flush);
    this.#flush();
    this.#closed = true;
    this.#db.close();
  }

  readonly #keep = (update: Uint8Array, origin: unknown, _doc: Y.Doc, { local }: Y.Transaction): void => {
    // What another tab has committed is in the database already.
    const isKept = origin === this || (origin instanceof TabChange && origin.committed);
    if (isKept || (local && !this.#keepsOwn)) return;
    if (local) this.#enqueue([update]);
    else this.#arriving.hold(update);
  };

  #enqueue(updates: readonly Uint8Array[]): void {
    this.#queue.push(...updates);
    // One transaction at a time, with all that has come up since: a change waits for no more than the one before it,
    // and somebody else's thousand changes are not a thousand transactions. After a failure the retry takes it along.
    if (this.#writing === 0 && this.#retry === undefined) this.#write();
  }

  /** The page may not come back: nothing waits for its turn. */
  readonly #flush = (): void => {
    this.#arriving.admit();
    if (this.#queue.length > 0) this.#write();
  };

  #write(): void {
    const isWhole = this.#owesWholeState;
    if (isWhole && this.#isBroken) return;
    const records = isWhole ? [Y.encodeStateAsUpdate(this.#doc)] : this.#queue;
    if (records.length === 0) return;
    this.#queue = [];
    let transaction: IDBTransaction;
    try {
      transaction = this.#db.transaction(UPDATES, 'readwrite');
      for (const record of records) transaction.objectStore(UPDATES).add(record);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#writing += 1;
    this.#tell('saving');
    transaction.oncomplete = () => {
      if (isWhole) this.#owesWholeState = false;
      this.#proceed();
    };
    transaction.onabort = () => {
      this.#fail(transaction.error);
      this.#proceed();
    };
  }

  /** A transaction has ended, well or not. */
  #proceed(): void {
    this.#writing -= 1;
    if (this.#queue.length > 0 && !this.#closed && this.#retry === undefined) this.#write();
    if (this.#writing > 0) return;
    if (!this.#owesWholeState) this.#tell('saved');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    this.#owesWholeState = true;
    this.#tell(isQuotaError(error) ? 'device/full' : 'device/failed');
    if (this.#closed) return;
    this.#retry ??= setTimeout(() => void this.#tryAgain(), RETRY_AFTER);
  }

  async #tryAgain(): Promise<void> {
    try {
      // The browser closes a connection for good when site data is cleared or its disk fails.
      const db = await openDatabase(this.#name);
      this.#db.close();
      this.#db = db;
      // A database that was deleted counts its records from the beginning.
      this.#readUpTo = null;
      this.#listen();
    } catch (error) {
      this.#retry = undefined;
      this.#fail(error);
      return;
    }
    this.#retry = undefined;
    if (this.#closed) this.#db.close();
    else if (this.#owesWholeState && this.#writing === 0) this.#write();
  }

  #listen(): void {
    // What was saved is gone with the database, though nothing was being written.
    this.#db.onclose = () => this.#fail(undefined);
    this.#db.onversionchange = ({ newVersion }) => {
      // Otherwise this connection would keep the database from being deleted.
      this.#db.close();
      if (newVersion === null && !this.#closed) this.#fail(undefined);
    };
  }

  #tell(state: DeviceState): void {
    // Trying again is no reason to stop saying that something is not saved.
    if (state === 'saving' && this.#owesWholeState && this.#state !== 'saved') return;
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
  }

  /** Lets y-indexeddb read the document; where it stops at a record, the records are read one by one. */
  async #read(): Promise<void> {
    // Before it is read: what another tab adds meanwhile is read again.
    const last = await this.#ask((records) => records.openKeyCursor(null, 'prev'));
    this.#readUpTo = last?.key ?? null;
    const persistence = new IndexeddbPersistence(this.#name, this.#doc);
    this.#doc.off('update', persistence._storeUpdate);
    // It says nothing when reading fails. Its transaction was begun before this one, which therefore waits for its end.
    const turn = persistence._db.then(() => this.#ask((records) => records.count()));
    try {
      await Promise.race([persistence.whenSynced, turn]);
      if (!persistence.synced) {
        const records: Uint8Array[] = await this.#ask((store) => store.getAll());
        for (const record of records) {
          try {
            Y.applyUpdate(this.#doc, record, this);
          } catch {
            // Left where it is: a later version may be able to read it.
            this.#unreadable += 1;
          }
        }
      }
    } finally {
      void persistence.destroy();
    }
  }

  /** The records since the last that was read; none where the database does not give them. */
  #readNew(): Promise<Uint8Array[]> {
    return new Promise((resolve) => {
      let transaction: IDBTransaction;
      try {
        // It waits for a write that another tab began before it ended.
        transaction = this.#db.transaction(UPDATES, 'readwrite');
      } catch {
        // The connection was closed: when it is opened again, everything is written anew.
        resolve([]);
        return;
      }
      const range = this.#readUpTo === null ? null : IDBKeyRange.lowerBound(this.#readUpTo, true);
      const keys = transaction.objectStore(UPDATES).getAllKeys(range);
      const records: IDBRequest<Uint8Array[]> = transaction.objectStore(UPDATES).getAll(range);
      transaction.oncomplete = () => {
        this.#readUpTo = keys.result.at(-1) ?? this.#readUpTo;
        resolve(records.result);
      };
      transaction.onabort = () => resolve([]);
    });
  }

  /** One request in a transaction of its own, in which it waits for those before it. */
  #ask<Result>(request: (records: IDBObjectStore) => IDBRequest<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(UPDATES, 'readwrite');
      const asked = request(transaction.objectStore(UPDATES));
      asked.onsuccess = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error ?? new Error('the database did not answer'));
    });
  }

  /** Replaces many records by one, if it can. One transaction, for which other tabs wait; it happens whole or not at all. */
  #fold(): void {
    const records = this.#db.transaction(UPDATES, 'readwrite').objectStore(UPDATES);
    const count = records.count();
    count.onsuccess = () => {
      if (count.result < FOLD_FROM) return;
      const all: IDBRequest<Uint8Array[]> = records.getAll();
      all.onsuccess = () => {
        const whole = new Y.Doc();
        whole.transact(() => {
          for (const record of all.result) Y.applyUpdate(whole, record);
        });
        records.clear();
        records.add(Y.encodeStateAsUpdate(whole));
        whole.destroy();
      };
    };
  }
}

/** Whether a transaction with this origin brought what was on this device already: when it was read, or from another tab. */
export function isOfDevice(origin: unknown): boolean {
  return (
    origin instanceof DeviceStore || origin instanceof IndexeddbPersistence || origin instanceof TabChange
  );
}

/** Whether a transaction with this origin brought what another tab had committed and did not live to tell. */
export function isReadAgain(origin: unknown): boolean {
  return origin instanceof DeviceStore;
}

function isQuotaError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) =>
      reject(new SessionError(isQuotaError(cause) ? 'device/full' : 'device/unavailable', { cause }));
    try {
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(UPDATES, { autoIncrement: true });
        // y-indexeddb's second store; it expects to find it.
        request.result.createObjectStore('custom');
      };
      request.onerror = () => refuse(request.error);
      request.onsuccess = () => resolve(request.result);
    } catch (error) {
      refuse(error);
    }
  });
}
