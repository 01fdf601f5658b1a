import * as z from 'zod/mini';
import type { Credit } from './budget.ts';
import type { DatabaseStatement, DatabaseValue, MailboxDatabase } from './database.ts';

const number = z.int();
const optional = z.nullable(number);

const sessionRow = z.object({
  id: z.string(),
  writerKey: z.string(),
  readerKey: z.nullable(z.string()),
  readerAt: number,
  epoch: z.string(),
  revision: number,
  head: number,
  hashesAfter: number,
  bodiesAfter: number,
  snapshot: z.nullable(z.string()),
  covers: optional,
  bytes: number,
  minute: number,
  minuteCount: number,
  prepaidDay: number,
  prepaidBytes: number,
  prepaidRows: number,
  visitedDay: number,
  dueDay: optional,
  /** Size of the tombstone. */
  tombstone: optional,
});

/** A session as the database has it; migrations/0001_mailbox.sql says what the columns mean. */
export type Session = Readonly<z.infer<typeof sessionRow>>;

/** What a writer's token says of the reader's key. */
export interface ReaderClaim {
  readonly key: string;
  /** Seconds since 1970. */
  readonly at: number;
}

const SELECT = `SELECT id, writer_key AS writerKey, reader_key AS readerKey, reader_at AS readerAt, epoch, revision, head,
  hashes_after AS hashesAfter, bodies_after AS bodiesAfter, snapshot, covers, bytes, minute, minute_count AS minuteCount,
  prepaid_day AS prepaidDay, prepaid_bytes AS prepaidBytes, prepaid_rows AS prepaidRows, visited_day AS visitedDay,
  due_day AS dueDay, length(tombstone) AS tombstone FROM sessions`;

export function selectSession(database: MailboxDatabase, id: string): DatabaseStatement {
  return database.prepare(`${SELECT} WHERE id = ?1`).bind(id);
}

/** A session's tombstone, hexadecimal, as `body`. */
export function selectTombstone(database: MailboxDatabase, id: string): DatabaseStatement {
  return database.prepare('SELECT hex(tombstone) AS body FROM sessions WHERE id = ?1').bind(id);
}

/** The sessions among the rows of a query. */
export function readSessions(rows: readonly unknown[]): Session[] {
  return rows.map((row) => sessionRow.parse(row));
}

/** A session that was never written. */
export function newSession(id: string, writerKey: string, epoch: string, day: number): Session {
  return {
    ...{ id, writerKey, readerKey: null, readerAt: 0, epoch, revision: 0, head: 0 },
    ...{ hashesAfter: 0, bodiesAfter: 0, snapshot: null, covers: null, bytes: 0 },
    ...{ minute: 0, minuteCount: 0, prepaidDay: 0, prepaidBytes: 0, prepaidRows: 0 },
    ...{ visitedDay: day, dueDay: null, tombstone: null },
  };
}

export function creditOf({ prepaidDay, prepaidBytes, prepaidRows }: Session): Credit {
  return { day: prepaidDay, bytes: prepaidBytes, rows: prepaidRows };
}

/**
 * Rows that {@link writeSession} writes: one, and one for each index that changes. SQLite writes an index whenever its
 * column is set, to the same value, too.
 */
export function countSessionRows(before: Session, after: Session): number {
  if (before.revision === 0) return 2;
  return 1 + Number(before.visitedDay !== after.visitedDay) + Number(before.dueDay !== after.dueDay);
}

/**
 * Replaces a session that was read as `before`, or makes it where that has revision 0. The whole batch fails where somebody
 * else has written it meanwhile; where it has gone, the batch has to see for itself: see {@link currentEpoch}.
 *
 * @param tombstone hexadecimal, when the session ends with this commit
 */
export function writeSession(
  database: MailboxDatabase,
  before: Session,
  after: Session,
  reader: ReaderClaim | null,
  tombstone: string | null,
): DatabaseStatement {
  const columns: [string, DatabaseValue][] = [
    ['head', after.head],
    ['hashes_after', after.hashesAfter],
    ['bodies_after', after.bodiesAfter],
    ['snapshot', after.snapshot],
    ['covers', after.covers],
    ['bytes', after.bytes],
    ['minute', after.minute],
    ['minute_count', after.minuteCount],
    ['prepaid_day', after.prepaidDay],
    ['prepaid_bytes', after.prepaidBytes],
    ['prepaid_rows', after.prepaidRows],
  ];
  if (before.visitedDay !== after.visitedDay || before.revision === 0) {
    columns.push(['visited_day', after.visitedDay]);
  }
  if (before.dueDay !== after.dueDay) columns.push(['due_day', after.dueDay]);
  const names = columns.map(([name]) => name);
  const values = columns.map(([, value]) => value);
  if (before.revision === 0) {
    const places = [
      'id',
      'writer_key',
      'epoch',
      'reader_key',
      'reader_at',
      'revision',
      ...names,
      'tombstone',
    ];
    const marks = places.slice(0, -1).map((_, index) => `?${index + 1}`);
    return database
      .prepare(`INSERT INTO sessions (${places.join()}) VALUES (${marks.join()}, unhex(?${places.length}))`)
      .bind(
        after.id,
        after.writerKey,
        after.epoch,
        reader?.key ?? null,
        reader?.at ?? 0,
        1,
        ...values,
        tombstone,
      );
  }
  const sets = names.map((name, index) => `${name} = ?${index + 7}`);
  if (tombstone !== null) {
    sets.push(`tombstone = unhex(?${values.length + 7})`);
    values.push(tombstone);
  }
  return database
    .prepare(
      `UPDATE sessions SET revision = CASE WHEN revision = ?2 AND epoch = ?3 THEN ?4 ELSE NULL END,
         reader_key = CASE WHEN reader_at < ?6 THEN ?5 ELSE reader_key END, reader_at = max(reader_at, ?6),
         ${sets.join()} WHERE id = ?1`,
    )
    .bind(
      before.id,
      before.revision,
      before.epoch,
      before.revision + 1,
      reader?.key ?? null,
      reader?.at ?? 0,
      ...values,
    );
}

/**
 * The session's epoch as an SQL expression, with the session's id as that parameter. It is NULL where the session has gone,
 * which no column that takes an epoch allows: at least one insert of every commit uses it, and so a commit to a session that
 * the hourly job has just deleted fails.
 */
export function currentEpoch(parameter: number): string {
  return `(SELECT epoch FROM sessions WHERE id = ?${parameter})`;
}

/** A session, and the key of who wants to read it, base64url. */
export interface KeyOfSession {
  readonly sessionId: string;
  readonly publicKey: string;
}

/**
 * The same, NULL also where that parameter is neither the writer's nor the reader's key: what is read with it takes as long
 * for a wrong key as for a session that is not there.
 */
export function openedEpoch(parameter: number, key: number): string {
  return `(SELECT epoch FROM sessions WHERE id = ?${parameter} AND ?${key} IN (writer_key, reader_key))`;
}

/** Seconds between two reader's keys that pulls tell: each is a write that nobody pays for. An append tells it at once. */
const READER_PAUSE = 60;

/** Notes a visit, and the reader's key where the token that tells it is the latest ([MB2], [MB22]). */
export function noteVisit(
  database: MailboxDatabase,
  session: Session,
  day: number,
  reader: ReaderClaim | null,
): DatabaseStatement | null {
  const hasVisited = session.visitedDay >= day || session.tombstone !== null;
  const tellsReader =
    reader !== null && reader.key !== session.readerKey && reader.at >= session.readerAt + READER_PAUSE;
  if (hasVisited && !tellsReader) return null;
  const values: DatabaseValue[] = [session.id, reader?.key ?? null, reader?.at ?? 0];
  if (!hasVisited) values.push(day);
  return database
    .prepare(
      `UPDATE sessions SET reader_key = CASE WHEN reader_at < ?3 THEN ?2 ELSE reader_key END, reader_at = max(reader_at, ?3)
         ${hasVisited ? '' : ', visited_day = max(visited_day, ?4)'} WHERE id = ?1`,
    )
    .bind(...values);
}
