import { mailboxDatabaseName } from '../database-name.ts';
import type { MailboxStorage } from './ports.ts';

/** The object store: a part's value by its name. */
const PARTS = 'parts';

/** A storage that has to be closed before its database can be deleted. */
export interface ClosableStorage<Parts extends object> extends MailboxStorage<Parts> {
  close(): void;
}

/** Whose position in the log it is: one with a view link has another than one with the edit link. */
export type StorageKind = 'edit' | 'view';

/** The name of the part that counts who has taken over the storage. */
const GENERATION = 'generation';

/** A storage that another tab has taken over since: nothing more is written. */
export class StorageTakenOver extends Error {
  override readonly name = 'StorageTakenOver';
  readonly code = 'storage/taken-over';
}

/**
 * Takes over what a device keeps of a session's mailbox: in IndexedDB, or for as long as the tab lives where the browser keeps nothing.
 *
 * Whoever had it before writes nothing more ([TB10]), so that two tabs that both believe to lead do not undo each other's work. What another tab
 * had committed of the document before is to be read again after this and before the parts are read, because the position in them
 * may be ahead of this tab's document ([SY6]).
 */
export async function openMailboxStorage<Parts extends object>(
  sessionId: string,
  kind: StorageKind = 'edit',
): Promise<ClosableStorage<Parts>> {
  try {
    const db = await openDatabase(mailboxDatabaseName(sessionId));
    // An editor's parts have had their bare names from the beginning.
    const prefix = kind === 'edit' ? '' : `${kind}/`;
    return new DatabaseStorage(db, prefix, await takeOver(db, prefix));
  } catch {
    // The session says in words that this browser keeps nothing.
    return new MemoryStorage(sessionId);
  }
}

/** What this tab keeps of each session: a session that is opened anew finds what it left, the poison that it met above all. */
const keptHere = new Map<string, object>();

/** Parts that last as long as the tab. What is written is copied, as a database would. */
export class MemoryStorage<Parts extends object> implements ClosableStorage<Parts> {
  readonly #sessionId: string;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  read(): Promise<Partial<Parts>> {
    return Promise.resolve(structuredClone(keptHere.get(this.#sessionId) ?? {}));
  }

  write(parts: Partial<Parts>): Promise<void> {
    keptHere.set(this.#sessionId, { ...keptHere.get(this.#sessionId), ...structuredClone(parts) });
    return Promise.resolve();
  }

  close(): void {
    // Another one for the same session goes on with what this one wrote.
  }
}

class DatabaseStorage<Parts extends object> implements ClosableStorage<Parts> {
  readonly #db: IDBDatabase;
  readonly #prefix: string;
  readonly #generation: number;

  constructor(db: IDBDatabase, prefix: string, generation: number) {
    this.#db = db;
    this.#prefix = prefix;
    this.#generation = generation;
    // Otherwise this connection would keep the database from being deleted.
    db.onversionchange = () => db.close();
  }

  read(): Promise<Partial<Parts>> {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(PARTS);
      const parts: Record<string, unknown> = {};
      transaction.objectStore(PARTS).openCursor().onsuccess = ({ target }) => {
        const { result: cursor } = target as IDBRequest<IDBCursorWithValue | null>;
        if (!cursor) return;
        const name = this.#nameOf(String(cursor.key));
        if (name !== null && name !== GENERATION) parts[name] = cursor.value;
        cursor.continue();
      };
      transaction.oncomplete = () => resolve(parts as Partial<Parts>);
      transaction.onabort = () => reject(transaction.error ?? new Error('the database did not answer'));
    });
  }

  write(parts: Partial<Parts>): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(PARTS, 'readwrite');
      const store = transaction.objectStore(PARTS);
      let isTakenOver = false;
      const generation = store.get(this.#prefix + GENERATION);
      generation.onsuccess = () => {
        isTakenOver = generation.result !== this.#generation;
        if (isTakenOver) transaction.abort();
        else for (const [name, value] of Object.entries(parts)) store.put(value, this.#prefix + name);
      };
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(
          isTakenOver
            ? new StorageTakenOver('another tab has taken over')
            : (transaction.error ?? new Error('the database did not take it')),
        );
    });
  }

  close(): void {
    this.#db.close();
  }

  /** A part's name by its key; null for one of the other kind's. */
  #nameOf(key: string): string | null {
    if (this.#prefix === '') return key.includes('/') ? null : key;
    return key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : null;
  }
}

/** Counts one more who has taken over, and answers with the number. */
function takeOver(db: IDBDatabase, prefix: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(PARTS, 'readwrite');
    const store = transaction.objectStore(PARTS);
    const before = store.get(prefix + GENERATION);
    let generation = 1;
    before.onsuccess = () => {
      if (typeof before.result === 'number') generation = before.result + 1;
      store.put(generation, prefix + GENERATION);
    };
    transaction.oncomplete = () => resolve(generation);
    transaction.onabort = () => {
      db.close();
      reject(transaction.error ?? new Error('the database did not take it'));
    };
  });
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.result.createObjectStore(PARTS);
    request.onerror = () => reject(request.error ?? new Error('the browser gives no database'));
    request.onsuccess = () => resolve(request.result);
  });
}
