import { encodeBase64url } from '../session/base64url.ts';
import { deriveEditKeys, SECRET_LENGTH, type RandomBytes } from '../session/keys.ts';
import { databaseName } from '../sync/database-name.ts';
import { openDatabase, type SessionRecord } from './database.ts';

/**
 * The sessions of this device, most recently opened first. Kept in IndexedDB and shared by all tabs; where the
 * browser keeps nothing, it lives as long as the tab.
 */
class SessionList {
  #records = $state.raw<readonly SessionRecord[]>([]);
  #loaded = $state(false);
  #kept = $state(true);
  #tabs: BroadcastChannel | undefined;

  /** The sessions to show. */
  get recent(): readonly SessionRecord[] {
    return this.#records
      .filter((record) => record.forgottenAt === null)
      .toSorted((a, b) => b.openedAt - a.openedAt);
  }

  /** The list has been read. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** False when this browser keeps nothing: then a link is the only way back to a session. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Reads the list, and deletes for good what was forgotten in an earlier visit. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    await this.#read();
    this.#loaded = true;
    this.#tabs = new BroadcastChannel('parley/sessions');
    this.#tabs.onmessage = () => void this.#read();
    await Promise.all(
      this.#records.filter((record) => record.forgottenAt !== null).map((record) => this.purge(record.id)),
    );
  }

  /** A session as remembered here; undefined if unknown or forgotten. */
  find(id: string): SessionRecord | undefined {
    return this.#records.find((record) => record.id === id && record.forgottenAt === null);
  }

  /** Makes a session with a new secret. Nothing leaves the device. */
  async create(now: number, random: RandomBytes): Promise<SessionRecord> {
    const secret = random(SECRET_LENGTH);
    const { sessionId } = await deriveEditKeys(secret);
    const record: SessionRecord = {
      id: sessionId,
      secret: encodeBase64url(secret),
      title: '',
      openedAt: now,
      fresh: true,
      forgottenAt: null,
    };
    await this.put(record);
    return record;
  }

  /** Remembers a session, new or changed. Afterwards {@link kept} says whether the device has it. */
  async put(record: SessionRecord): Promise<void> {
    this.#records = [...this.#records.filter(({ id }) => id !== record.id), record];
    await this.#write(async (db) => {
      await db.put('sessions', record);
    });
  }

  /** Changes what is remembered of a session, if it still is. */
  async change(id: string, change: Partial<Omit<SessionRecord, 'id'>>): Promise<void> {
    const record = this.#records.find((known) => known.id === id);
    if (record) await this.put({ ...record, ...change });
  }

  /** Deletes a session from this device for good, unless a tab has it open: then a later visit does. */
  async purge(id: string): Promise<void> {
    if (this.find(id)) return;
    await navigator.locks.request(openLock(id), { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      this.#records = this.#records.filter((record) => record.id !== id);
      await this.#write(async (db) => {
        await db.delete('sessions', id);
        await new Promise<void>((resolve) => {
          const request = indexedDB.deleteDatabase(databaseName(id));
          // What cannot be deleted is without its key from here on.
          request.onsuccess = request.onerror = request.onblocked = () => resolve();
        });
      });
    });
  }

  async #read(): Promise<void> {
    await this.#write(async (db) => {
      this.#records = await db.getAll('sessions');
    }, false);
  }

  async #write(
    change: (db: Awaited<ReturnType<typeof openDatabase>>) => Promise<void>,
    tell = true,
  ): Promise<void> {
    try {
      await change(await openDatabase());
      this.#kept = true;
      if (tell) this.#tabs?.postMessage('changed');
    } catch {
      // Private mode, blocked site data, a full disk: the person is told by whoever reads `kept`.
      this.#kept = false;
    }
  }
}

/** The lock that a tab shares while it has a session open. */
export function openLock(id: string): string {
  return `parley/open/${id}`;
}

export const sessions = new SessionList();
