import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Person } from '../people/identity.ts';
import { SessionError } from '../session/errors.ts';

/** A session as this device remembers it. */
export interface SessionRecord {
  readonly id: string;
  /** The edit secret, base64url. It never leaves the device but in a link that a person hands on. */
  readonly secret: string;
  /** The title as it was last seen here. */
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** Made on this device, and its document not laid out yet. */
  readonly fresh: boolean;
  /** When it was taken off the list; soon after, it is deleted. Milliseconds since 1970. */
  readonly forgottenAt: number | null;
}

/** What this device remembers besides sessions, by key. */
interface Settings {
  person: Person;
  /** The offer to install the app was answered with "not now". */
  installDismissed: boolean;
  /** The side panel of a session is folded away. */
  railHidden: boolean;
}

interface ParleySchema extends DBSchema {
  sessions: { key: string; value: SessionRecord };
  settings: { key: string; value: Settings[keyof Settings] };
}

let opened: Promise<IDBPDatabase<ParleySchema>> | undefined;

/**
 * The device's own database: the list of sessions and a few settings.
 *
 * @throws {SessionError} `device/unavailable` when the browser gives none
 */
export function openDatabase(): Promise<IDBPDatabase<ParleySchema>> {
  opened ??= openDB<ParleySchema>('parley', 1, {
    upgrade(db) {
      db.createObjectStore('sessions', { keyPath: 'id' });
      db.createObjectStore('settings');
    },
    terminated() {
      opened = undefined;
    },
  }).catch((cause: unknown) => {
    opened = undefined;
    throw new SessionError('device/unavailable', { cause });
  });
  return opened;
}

export async function readSetting<Key extends keyof Settings>(key: Key): Promise<Settings[Key] | undefined> {
  return (await (await openDatabase()).get('settings', key)) as Settings[Key] | undefined;
}

export async function writeSetting<Key extends keyof Settings>(
  key: Key,
  value: Settings[Key],
): Promise<void> {
  await (await openDatabase()).put('settings', value, key);
}
