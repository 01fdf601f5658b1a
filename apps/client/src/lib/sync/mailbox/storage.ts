import { mailboxDatabaseName } from '../database-name.ts';
import type { MailboxStorage } from './ports.ts';

/** The object store: a part's value by its name. */
const PARTS = 'parts';

/** A storage that has to be closed before its database can be deleted. */
export interface ClosableStorage<Parts extends object> extends MailboxStorage<Parts> {
  close(): void;
}

/**
 * What a device keeps of a session's mailbox: in IndexedDB for the first tab that opens the session, and for as long as the tab lives
 * where another tab has it or the browser keeps nothing. Two tabs that wrote the same parts would undo each other's work; a tab
 * without kept parts only asks for more than it needs.
 */
export async function openMailboxStorage<Parts extends object>(
  sessionId: string,
): Promise<ClosableStorage<Parts>> {
  const name = mailboxDatabaseName(sessionId);
  const release = await claim(name);
  if (!release) return new MemoryStorage(sessionId);
  try {
    return new DatabaseStorage(await openDatabase(name), release);
  } catch {
    // The session says in words that this browser keeps nothing.
    release();
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
  readonly #release: () => void;

  constructor(db: IDBDatabase, release: () => void) {
    this.#db = db;
    this.#release = release;
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
        parts[String(cursor.key)] = cursor.value;
        cursor.continue();
      };
      transaction.oncomplete = () => resolve(parts as Partial<Parts>);
      transaction.onabort = () => reject(transaction.error ?? new Error('the database did not answer'));
    });
  }

  write(parts: Partial<Parts>): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(PARTS, 'readwrite');
      for (const [name, value] of Object.entries(parts)) transaction.objectStore(PARTS).put(value, name);
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('the database did not take it'));
    });
  }

  close(): void {
    this.#db.close();
    this.#release();
  }
}

/** Takes the lock on a session's mailbox storage if no other tab has it; null if one has, else how to give it back. */
function claim(name: string): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const held = (lock: Lock | null) => {
      if (!lock) {
        resolve(null);
        return undefined;
      }
      return new Promise<void>((release) => resolve(release));
    };
    // Where site data is blocked there are no locks, and nothing to keep.
    navigator.locks.request(name, { ifAvailable: true }, held).catch(() => resolve(null));
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
