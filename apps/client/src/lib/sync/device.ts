import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';
import { SessionError, type ErrorCode } from '../session/errors.ts';
import { databaseName } from './database-name.ts';

/** Where the last change is, as far as this device's storage goes. Only a committed transaction makes it `saved`. */
export type DeviceState = 'saving' | 'saved' | Extract<ErrorCode, `device/${string}`>;

/** From so many records on, they are folded into one when the document is opened. */
const FOLD_FROM = 300;

/** How long after a failed write it is tried again without a new change, in milliseconds. */
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
  readonly #tabs: BroadcastChannel;
  readonly #onState: (state: DeviceState) => void;
  #db: IDBDatabase;
  #state: DeviceState = 'saved';
  /** Updates that wait for the transaction under way. */
  #queue: Uint8Array[] = [];
  /** Transactions that have begun and not ended: one, and one more when the store is closed. */
  #writing = 0;
  /** A write failed: the records alone have a gap, so the next write carries everything. */
  #owesWholeState = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #waiting: (() => void)[] = [];

  /**
   * Loads a session's document into `doc` and from then on keeps every change of it.
   *
   * @param onState told about each change of {@link state}
   * @throws {SessionError} `device/unavailable` when the browser gives no database
   */
  static async open(
    sessionId: string,
    doc: Y.Doc,
    onState: (state: DeviceState) => void,
  ): Promise<DeviceStore> {
    const name = databaseName(sessionId);
    const db = await openDatabase(name);
    // Listening comes before reading: what another tab commits is then in what is read, or is told, or both.
    const store = new DeviceStore(name, doc, db, onState);
    const persistence = new IndexeddbPersistence(name, doc);
    doc.off('update', persistence._storeUpdate);
    await persistence.whenSynced;
    void persistence.destroy();
    doc.on('update', store.#keep);
    store.#fold();
    return store;
  }

  private constructor(name: string, doc: Y.Doc, db: IDBDatabase, onState: (state: DeviceState) => void) {
    this.#name = name;
    this.#doc = doc;
    this.#db = db;
    this.#onState = onState;
    this.#tabs = new BroadcastChannel(name);
    this.#tabs.onmessage = ({ data }) => {
      // Committed by another tab of this profile: it is in the database already.
      if (data instanceof Uint8Array) Y.applyUpdate(doc, data, this);
    };
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** Resolves once nothing is on its way into the database any more; {@link state} then says how it ended. */
  settled(): Promise<void> {
    return this.#writing > 0 ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /** Stops keeping the document. What is on its way still commits. */
  close(): void {
    clearTimeout(this.#retry);
    this.#doc.off('update', this.#keep);
    this.#write();
    this.#closed = true;
    this.#db.close();
    void this.settled().then(() => this.#tabs.close());
  }

  readonly #keep = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    this.#queue.push(update);
    // One transaction at a time, with all that has come up since: a change waits for no more than the one before it,
    // and somebody else's thousand changes are not a thousand transactions.
    if (this.#writing === 0) this.#write();
  };

  #write(): void {
    const isWhole = this.#owesWholeState;
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
      for (const record of records) this.#tabs.postMessage(record);
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
    if (this.#queue.length > 0 && !this.#closed) this.#write();
    if (this.#writing > 0) return;
    if (!this.#owesWholeState) this.#tell('saved');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    this.#owesWholeState = true;
    const full = error instanceof DOMException && error.name === 'QuotaExceededError';
    this.#tell(full ? 'device/full' : 'device/failed');
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#tryAgain(), RETRY_AFTER);
  }

  async #tryAgain(): Promise<void> {
    try {
      // The browser closes a connection for good when site data is cleared or its disk fails.
      const db = await openDatabase(this.#name);
      this.#db.close();
      this.#db = db;
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#closed) this.#db.close();
    else if (this.#owesWholeState && this.#writing === 0) this.#write();
  }

  #tell(state: DeviceState): void {
    // Trying again is no reason to stop saying that something is not saved.
    if (state === 'saving' && this.#owesWholeState) return;
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state);
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

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) => reject(new SessionError('device/unavailable', { cause }));
    try {
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(UPDATES, { autoIncrement: true });
        // y-indexeddb's second store; it expects to find it.
        request.result.createObjectStore('custom');
      };
      request.onerror = () => refuse(request.error);
      request.onsuccess = () => {
        const db = request.result;
        // Otherwise a connection would keep the database from being deleted.
        db.onversionchange = () => db.close();
        resolve(db);
      };
    } catch (error) {
      refuse(error);
    }
  });
}
