import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import * as z from 'zod/mini';
import { keptLimit, prefixLimits, relayLimits, type Cost } from './budget.ts';
import { VALUE_BYTES, type NewBody } from './bodies.ts';
import type { DatabaseStatement, MailboxDatabase } from './database.ts';
import { encodeHex } from './hexadecimal.ts';
import type { MailboxLimits } from './limits.ts';
import { currentEpoch, openedEpoch, type KeyOfSession } from './session.ts';

const number = z.int();

/** A row of the log, without its body. */
const entryRow = z.object({ seq: number, id: z.string(), hash: z.string(), size: number, parts: number });

export type EntryRow = Readonly<z.infer<typeof entryRow>>;

export function readEntries(rows: readonly unknown[]): EntryRow[] {
  return rows.map((row) => entryRow.parse(row));
}

/** Entries of a session's log that have one of these ids. */
export function selectKnown(
  database: MailboxDatabase,
  sessionId: string,
  ids: readonly string[],
): DatabaseStatement {
  return database
    .prepare(
      // A cross join keeps this order: otherwise SQLite reads the whole log of the epoch, and D1 counts every row.
      `SELECT seq, log.id AS id, hash, size, parts
       FROM json_each(?2) AS asked CROSS JOIN log ON log.epoch = ${currentEpoch(1)} AND log.id = asked.value`,
    )
    .bind(sessionId, JSON.stringify(ids));
}

/**
 * Entries of a session's log behind a seq, in order; behind 0, those behind the current snapshot, with which a newcomer begins. None
 * for a key that is not the session's ([MB3]).
 */
export function selectEntries(
  database: MailboxDatabase,
  { sessionId, publicKey }: KeyOfSession,
  after: number,
  limit: number,
): DatabaseStatement {
  return database
    .prepare(
      `SELECT seq, id, hash, size, parts FROM log
       WHERE epoch = ${openedEpoch(1, 2)} AND seq > coalesce(nullif(?3, 0), (SELECT covers FROM sessions WHERE id = ?1), 0)
       ORDER BY seq LIMIT ?4`,
    )
    .bind(sessionId, publicKey, after, limit);
}

const snapshotRow = z.object({
  id: z.string(),
  covers: number,
  hash: z.string(),
  size: number,
  at: number,
  parts: number,
});

export type SnapshotRow = Readonly<z.infer<typeof snapshotRow>>;

export function readSnapshots(rows: readonly unknown[]): SnapshotRow[] {
  return rows.map((row) => snapshotRow.parse(row));
}

/** A session's snapshots, newest first; none for a key that is not the session's ([MB3]). */
export function selectSnapshots(
  database: MailboxDatabase,
  { sessionId, publicKey }: KeyOfSession,
): DatabaseStatement {
  return database
    .prepare(
      `SELECT id, covers, hash, size, at, parts FROM snapshots WHERE epoch = ${openedEpoch(1, 2)} ORDER BY covers DESC`,
    )
    .bind(sessionId, publicKey);
}

const weightRow = z.object({ bytes: number, parts: number });

export type Weight = Readonly<z.infer<typeof weightRow>>;

export function readWeight(rows: readonly unknown[]): Weight {
  return weightRow.parse(rows[0]);
}

/** Bytes and chunks of the entries behind `after`, up to `to`. */
export function selectWeight(
  database: MailboxDatabase,
  sessionId: string,
  after: number,
  to: number,
): DatabaseStatement {
  return database
    .prepare(
      `SELECT coalesce(sum(size), 0) AS bytes, coalesce(sum(parts), 0) AS parts FROM log
       WHERE epoch = ${currentEpoch(1)} AND seq > ?2 AND seq <= ?3`,
    )
    .bind(sessionId, after, to);
}

/** An envelope that gets a row. */
export interface NewEntry extends NewBody {
  readonly seq: number;
  readonly parts: number;
}

/**
 * Adds entries to a session's log. One statement takes many of them as JSON, because a Worker may run only so many
 * statements at a time.
 */
export function insertEntries(
  database: MailboxDatabase,
  sessionId: string,
  entries: readonly NewEntry[],
  at: number,
): DatabaseStatement[] {
  const groups: NewEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const size = entry.parts > 0 ? 0 : entry.bytes.length;
    let group = groups.at(-1);
    if (!group || size > room) {
      group = [];
      groups.push(group);
      room = VALUE_BYTES;
    }
    room -= size;
    group.push(entry);
  }
  return groups.map((group) =>
    database
      .prepare(
        `INSERT INTO log (epoch, seq, id, hash, size, at, parts, body)
         SELECT ${currentEpoch(1)}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?3, value ->> 4, unhex(value ->> 5)
         FROM json_each(?2)`,
      )
      .bind(
        sessionId,
        JSON.stringify(
          group.map(({ seq, id, hash, bytes, parts }) => [
            ...[seq, id, hash, bytes.length, parts],
            parts > 0 ? null : encodeHex(bytes),
          ]),
        ),
        at,
      ),
  );
}

export function insertSnapshot(
  database: MailboxDatabase,
  sessionId: string,
  { id, hash, bytes }: NewBody,
  { covers, parts, at }: Pick<SnapshotRow, 'covers' | 'parts' | 'at'>,
): DatabaseStatement {
  return database
    .prepare(
      `INSERT INTO snapshots (epoch, covers, id, hash, size, at, parts, body)
       VALUES (${currentEpoch(1)}, ?2, ?3, ?4, ?5, ?6, ?7, unhex(?8))`,
    )
    .bind(sessionId, covers, id, hash, bytes.length, at, parts, parts > 0 ? null : encodeHex(bytes));
}

export function deleteSnapshots(
  database: MailboxDatabase,
  epoch: string,
  covers: readonly number[],
): DatabaseStatement[] {
  if (covers.length === 0) return [];
  const values = [epoch, JSON.stringify(covers)] as const;
  const evicted = 'epoch = ?1 AND covers IN (SELECT value FROM json_each(?2))';
  return [
    database
      .prepare(
        `DELETE FROM chunks WHERE epoch = ?1 AND hash IN (SELECT hash FROM snapshots WHERE ${evicted} AND parts > 0)`,
      )
      .bind(...values),
    database.prepare(`DELETE FROM snapshots WHERE ${evicted}`).bind(...values),
  ];
}

/** Takes the bodies away from the entries behind `after`, up to `to`. Their hashes stay. */
export function emptyEntries(
  database: MailboxDatabase,
  epoch: string,
  after: number,
  to: number,
  at: number,
): DatabaseStatement[] {
  if (to <= after) return [];
  return [
    database
      .prepare(
        `DELETE FROM chunks WHERE epoch = ?1 AND hash IN
           (SELECT hash FROM log WHERE epoch = ?1 AND seq > ?2 AND seq <= ?3 AND parts > 0)`,
      )
      .bind(epoch, after, to),
    database
      .prepare(`UPDATE log SET body = NULL, parts = 0, at = ?4 WHERE epoch = ?1 AND seq > ?2 AND seq <= ?3`)
      .bind(epoch, after, to, at),
  ];
}

/** Leaves a log to the hourly job to remove. It fails where the session has gone. */
export function abandonLog(database: MailboxDatabase, sessionId: string): DatabaseStatement {
  return database.prepare(`INSERT INTO remains (epoch) VALUES (${currentEpoch(1)})`).bind(sessionId);
}

/** Rows of one table that the end of a session removes at once. */
const REMOVED_AT_ONCE = 1_000;
const REMOVED_CHUNKS_AT_ONCE = 60;

/** Removes what a session keeps, but no more than `rows` rows: what is more is left to the hourly job. */
export function removeLog(
  database: MailboxDatabase,
  {
    epoch,
    head,
    hashesAfter,
  }: { readonly epoch: string; readonly head: number; readonly hashesAfter: number },
): { readonly statements: DatabaseStatement[]; readonly rows: number } {
  const limits = [
    ['log', 'seq', Math.min(head - hashesAfter, REMOVED_AT_ONCE)],
    ['snapshots', 'covers', MAILBOX_LIMITS.snapshots],
    ['chunks', 'hash, part', REMOVED_CHUNKS_AT_ONCE],
  ] as const;
  return {
    statements: limits.map(([table, key, limit]) =>
      database
        .prepare(
          `DELETE FROM ${table} WHERE (epoch, ${key}) IN (SELECT epoch, ${key} FROM ${table} WHERE epoch = ?1 LIMIT ?2)`,
        )
        .bind(epoch, limit),
    ),
    rows: limits.reduce((sum, [, , limit]) => sum + limit, 0),
  };
}

const spentRow = z.object({ sessions: number, bytes: number, rows: number, turn: number });
const budgetRow = z.extend(spentRow, { salt: z.string(), kept: number });

/** A day's budget, made if it is the first payment of the day. `salt` is hexadecimal. */
export function openBudget(database: MailboxDatabase, day: number, salt: string): DatabaseStatement[] {
  return [
    database
      .prepare(
        `INSERT INTO budgets (day, salt, sessions, bytes, rows) VALUES (?1, unhex(?2), 0, 0, 0) ON CONFLICT DO NOTHING`,
      )
      .bind(day, salt),
    database
      .prepare(
        `SELECT hex(salt) AS salt, sessions, bytes, rows, turn, coalesce((SELECT bytes FROM kept), 0) AS kept
         FROM budgets WHERE day = ?1`,
      )
      .bind(day),
  ];
}

export function readBudget(
  rows: readonly unknown[],
): Cost & { readonly salt: string; readonly kept: number } {
  return budgetRow.parse(rows[0]);
}

export function selectPrefix(database: MailboxDatabase, day: number, prefix: string): DatabaseStatement {
  return database
    .prepare('SELECT sessions, bytes, rows, turn FROM budget_prefixes WHERE day = ?1 AND prefix = ?2')
    .bind(day, prefix);
}

export function readPrefix(rows: readonly unknown[]): Cost {
  return rows.length === 0 ? { sessions: 0, bytes: 0, rows: 0, turn: 0 } : spentRow.parse(rows[0]);
}

/**
 * Adds to what a day has taken. The whole batch fails where that is more than the limits, because others have paid since
 * it was looked at.
 */
export function payBudget(
  database: MailboxDatabase,
  day: number,
  prefix: string | null,
  paid: Cost,
  limits: MailboxLimits,
): DatabaseStatement[] {
  const amounts = [paid.sessions, paid.bytes, paid.rows, paid.turn] as const;
  const relay = relayLimits(limits);
  const statements = [
    database
      .prepare(
        `UPDATE budgets SET sessions = CASE WHEN sessions + ?2 <= ?6 THEN sessions + ?2 END,
           bytes = CASE WHEN bytes + ?3 <= ?7 THEN bytes + ?3 END, rows = CASE WHEN rows + ?4 <= ?8 THEN rows + ?4 END,
           turn = CASE WHEN ?5 = 0 OR turn + ?5 <= ?9 THEN turn + ?5 END
         WHERE day = ?1`,
      )
      .bind(day, ...amounts, relay.sessions, relay.bytes, relay.rows, relay.turn),
  ];
  if (paid.bytes > 0) {
    statements.push(
      database
        .prepare(
          `INSERT INTO kept (one, bytes, paid) VALUES (1, ?1, ?1) ON CONFLICT DO UPDATE SET
             bytes = CASE WHEN bytes + ?1 <= ?2 THEN bytes + ?1 END, paid = paid + ?1`,
        )
        .bind(paid.bytes, keptLimit(paid, limits)),
    );
  }
  if (prefix === null) return statements;
  const share = prefixLimits(limits);
  statements.push(
    database
      .prepare(
        `INSERT INTO budget_prefixes (day, prefix, sessions, bytes, rows, turn) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET sessions = CASE WHEN sessions + ?3 <= ?7 THEN sessions + ?3 END,
           bytes = CASE WHEN bytes + ?4 <= ?8 THEN bytes + ?4 END, rows = CASE WHEN rows + ?5 <= ?9 THEN rows + ?5 END,
           turn = CASE WHEN ?6 = 0 OR turn + ?6 <= ?10 THEN turn + ?6 END`,
      )
      .bind(day, prefix, ...amounts, share.sessions, share.bytes, share.rows, share.turn),
  );
  return statements;
}
