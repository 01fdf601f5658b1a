import { encodeBase64url } from '@parley/signaling/base64url';
import { deriveEditKeys, SECRET_LENGTH, type RandomBytes } from '../session/keys.ts';
import { databaseName, mailboxDatabaseName } from '../sync/database-name.ts';
import { openTabChannel } from './tab-channel.ts';
import { deleteForgotten, readSessions, writeSession, type SessionRecord } from './database.ts';

/** How long what was forgotten can be brought back by the tab in which it was, in milliseconds. */
const GRACE = 60_000;

/**
 * The sessions of this device, most recently opened first. Kept in IndexedDB and shared by all tabs; what the browser
 * refuses to keep lives as long as the tab.
 */
class SessionList {
  #kept = $state.raw<readonly SessionRecord[]>([]);
  /** Those that could not be written. */
  #unkept = $state.raw<readonly SessionRecord[]>([]);
  #loaded = $state(false);
  #available = $state(true);
  /** Tells the other tabs that the list has changed; null before it was read. */
  #tell: (() => void) | null = null;

  /** The sessions to show. */
  get recent(): readonly SessionRecord[] {
    return this.#all()
      .filter((record) => record.forgottenAt === null)
      .toSorted((a, b) => b.openedAt - a.openedAt);
  }

  /** The list has been read. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** False when this browser keeps nothing, as in some private windows. */
  get available(): boolean {
    return this.#available;
  }

  /** Reads the list, and deletes for good what was forgotten a while ago. */
  async load(now: number): Promise<void> {
    await this.#read();
    if (!this.#tell) {
      const post = openTabChannel('parley/sessions', () => void this.#read());
      this.#tell = () => post('changed');
    }
    this.#loaded = true;
    // What was forgotten a moment ago may be brought back by the tab that did it.
    const gone = this.#kept.filter(({ forgottenAt }) => forgottenAt !== null && forgottenAt < now - GRACE);
    await Promise.all(gone.map((record) => this.purge(record.id)));
  }

  /** A session as remembered here; undefined if unknown or forgotten. */
  find(id: string): SessionRecord | undefined {
    return this.#all().find((record) => record.id === id && record.forgottenAt === null);
  }

  /** Whether the device keeps the key to this session; otherwise its link is the only way back to it. */
  keeps(id: string): boolean {
    return this.#kept.some((record) => record.id === id);
  }

  /**
   * Makes a session with a new secret. Nothing leaves the device.
   *
   * @param known what is known of it already, where it is not an empty one
   */
  async create(
    now: number,
    random: RandomBytes,
    known: Partial<Pick<SessionRecord, 'title' | 'fresh' | 'movedFrom'>> = {},
  ): Promise<SessionRecord> {
    const secret = random(SECRET_LENGTH);
    const { sessionId } = await deriveEditKeys(secret);
    const record: SessionRecord = {
      id: sessionId,
      kind: 'edit',
      proven: true,
      secret: encodeBase64url(secret),
      title: '',
      openedAt: now,
      fresh: true,
      forgottenAt: null,
      ...known,
    };
    await this.put(record);
    return record;
  }

  /** Remembers a session, new or changed. Afterwards {@link keeps} says whether the device has it. */
  async put(record: SessionRecord): Promise<void> {
    const others = (records: readonly SessionRecord[]) => records.filter(({ id }) => id !== record.id);
    try {
      await writeSession(record);
      this.#kept = [...others(this.#kept), record];
      this.#unkept = others(this.#unkept);
      this.#tell?.();
    } catch {
      // Refused or full: whoever needs to know asks `keeps`. An older entry of the same session stays as it was.
      this.#unkept = [...others(this.#unkept), record];
    }
  }

  /** Changes what is remembered of a session, if it still is. */
  async change(id: string, change: Partial<Omit<SessionRecord, 'id'>>): Promise<void> {
    const record = this.#all().find((known) => known.id === id);
    if (record) await this.put({ ...record, ...change });
  }

  /** Takes a session off the list. Its data stays until {@link purge}. */
  async forget(record: SessionRecord, now: number): Promise<void> {
    await this.put({ ...record, forgottenAt: now });
  }

  /** Whether some tab of this browser has the session open. */
  async isOpen(id: string): Promise<boolean> {
    try {
      const { held } = await navigator.locks.query();
      return held?.some(({ name }) => name === openLock(id)) ?? false;
    } catch {
      // Where locks are refused, nothing is kept that could be deleted.
      return false;
    }
  }

  /** Deletes a forgotten session from this device for good, unless a tab has it open: then a later visit does. */
  async purge(id: string): Promise<void> {
    try {
      await navigator.locks.request(openLock(id), { ifAvailable: true }, async (lock) => {
        if (!lock) return;
        // Another tab may have brought it back, or opened it by its link.
        if (!(await deleteForgotten(id))) return;
        await Promise.all([databaseName(id), mailboxDatabaseName(id)].map(deleteDatabase));
        this.#kept = this.#kept.filter((known) => known.id !== id);
        this.#unkept = this.#unkept.filter((known) => known.id !== id);
        this.#tell?.();
      });
    } catch {
      // A later visit tries again; until then it is off the list.
    }
  }

  #all(): readonly SessionRecord[] {
    const kept = this.#kept.filter(({ id }) => !this.#unkept.some((record) => record.id === id));
    return [...kept, ...this.#unkept];
  }

  async #read(): Promise<void> {
    try {
      this.#kept = await readSessions();
      this.#available = true;
    } catch {
      // The home page and the session say so in words.
      this.#available = false;
    }
  }
}

/** The lock that a tab shares while it has a session open. */
export function openLock(id: string): string {
  return `parley/open/${id}`;
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    // What cannot be deleted is without its key from here on.
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

export const sessions = new SessionList();
