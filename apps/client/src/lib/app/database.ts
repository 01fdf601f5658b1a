import { createStore, get, promisifyRequest, set, values } from 'idb-keyval';
import type { Access } from '../session/opening.ts';
import type { Person } from '../session/person.ts';

/** A session as this device remembers it. */
export interface SessionRecord {
  readonly id: string;
  /** What the key lets its holder do. */
  readonly kind: Access;
  /** The edit or the view secret, base64url. It never leaves the device but in a link that a person hands on. */
  readonly secret: string;
  /** Something that the key opens has arrived; an edit key proves itself. */
  readonly proven: boolean;
  /** The title as it was last seen here. */
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** Made on this device, and its document not laid out yet. */
  readonly fresh: boolean;
  /** When it was taken off the list; soon after, it is deleted. Milliseconds since 1970. */
  readonly forgottenAt: number | null;
  /** The session in which it goes on under new links that were made on this device ([NL1]). */
  readonly movedTo?: string;
  /** The session that it was copied from, and when, in milliseconds since 1970. */
  readonly movedFrom?: { readonly id: string; readonly at: number };
}

/** What this device remembers besides sessions, by key. */
export interface Settings {
  person: Person;
  /** The offer to install the app was answered with "not now". */
  installDismissed: boolean;
  /** The side panel of a session is folded away. */
  railHidden: boolean;
  /** Others are reached through the relay only. */
  relayOnly: boolean;
  /** The access key of the relay, which is private; null once it was forgotten. It leaves the device to the relay, and in a link where a person wants that. */
  accessKey: string | null;
}

// A database each: none of them will ever have to be upgraded while another tab holds it open.
const sessions = createStore('parley', 'sessions');
const settings = createStore('parley-settings', 'settings');

// All of these reject when the browser refuses to keep anything, or has no more room.

export async function readSessions(): Promise<SessionRecord[]> {
  const records = await values<Omit<SessionRecord, 'kind' | 'proven'> & Partial<SessionRecord>>(sessions);
  // The first version knew edit links only, and did not write that down.
  return records.map((record) => ({ kind: 'edit', proven: true, ...record }));
}

export async function writeSession(record: SessionRecord): Promise<void> {
  await set(record.id, record, sessions);
}

/**
 * Deletes a session's record if it is still forgotten, in one transaction: another tab may have brought it back.
 *
 * @returns whether it is gone
 */
export async function deleteForgotten(id: string): Promise<boolean> {
  return sessions('readwrite', async (store) => {
    const record = await promisifyRequest<SessionRecord | undefined>(store.get(id));
    if (record && record.forgottenAt === null) return false;
    store.delete(id);
    await promisifyRequest(store.transaction);
    return true;
  });
}

export async function readSetting<Key extends keyof Settings>(key: Key): Promise<Settings[Key] | undefined> {
  return get<Settings[Key]>(key, settings);
}

export async function writeSetting<Key extends keyof Settings>(
  key: Key,
  value: Settings[Key],
): Promise<void> {
  await set(key, value, settings);
}
