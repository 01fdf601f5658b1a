import { DAY, dayOf } from './day.ts';
import type { DatabaseStatement, DatabaseValue } from './database.ts';
import type { MailboxOptions, Swept } from './mailbox.ts';
import { KNOWN_DAYS } from './settlement.ts';
import { read } from './transactions.ts';

/** How long chunks wait for the commit that names them, in milliseconds: much longer than any request takes. */
const STAGED_FOR = 3_600_000;

/**
 * The hourly job; see `Mailbox.sweep`. Each batch is a transaction of its own that leaves everything in order, and every
 * deletion has an upper bound. The whole takes few statements, because a Worker may run only so many at a time.
 */
export async function sweepDatabase({ database, limits, now }: MailboxOptions, rows: number): Promise<Swept> {
  const at = now();
  const today = dayOf(at);
  const statement = (sql: string, ...values: DatabaseValue[]) => database.prepare(sql).bind(...values);
  let touched = 0;
  let isDone = true;

  /** Runs statements that return a row for each that they touched, `limit` at most; answers with the first one's number. */
  async function run(limit: number, statements: DatabaseStatement[]): Promise<number> {
    const results = await read(database, statements);
    for (const { length } of results) {
      touched += length;
      if (length >= limit) isDone = false;
    }
    return results[0]?.length ?? 0;
  }

  await run(rows, [
    statement(
      `DELETE FROM budget_prefixes WHERE (day, prefix) IN
         (SELECT day, prefix FROM budget_prefixes WHERE day < ?1 LIMIT ?2) RETURNING 1`,
      today,
      rows,
    ),
    statement('DELETE FROM budgets WHERE day < ?1 RETURNING 1', today),
  ]);

  // First the sessions go, in one transaction with the note that their logs have to: a session that is made anew meanwhile
  // has another log.
  const unvisited = `FROM sessions WHERE tombstone IS NULL AND visited_day <= ?1 ORDER BY visited_day, id LIMIT ?2`;
  const oldest = today - limits.retentionDays;
  const sessions = await run(rows, [
    statement(`INSERT INTO remains (epoch) SELECT epoch ${unvisited} RETURNING 1`, oldest, rows),
    statement(`DELETE FROM sessions WHERE id IN (SELECT id ${unvisited}) RETURNING 1`, oldest, rows),
  ]);

  const epochs = 'SELECT epoch FROM remains ORDER BY epoch LIMIT ?1';
  const remove = (table: string, key: string) =>
    statement(
      `DELETE FROM ${table} WHERE (epoch, ${key}) IN
         (SELECT epoch, ${key} FROM ${table} WHERE epoch IN (${epochs}) LIMIT ?2) RETURNING 1`,
      rows,
      rows,
    );
  await run(rows, [
    remove('log', 'seq'),
    remove('snapshots', 'covers'),
    remove('chunks', 'hash, part'),
    statement(
      `DELETE FROM remains WHERE epoch IN (${epochs})
         AND NOT EXISTS (SELECT 1 FROM log WHERE log.epoch = remains.epoch)
         AND NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.epoch = remains.epoch)
         AND NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.epoch = remains.epoch) RETURNING 1`,
      rows,
    ),
  ]);

  await run(rows, sweepDue(statement, at, rows));

  // What was staged for a commit that never came.
  await run(rows, [
    statement(
      `DELETE FROM chunks WHERE (epoch, hash, part) IN (SELECT epoch, hash, part FROM chunks WHERE at < ?1
         AND ${UNNAMED} LIMIT ?2) RETURNING 1`,
      at - STAGED_FOR,
      rows,
    ),
  ]);
  // Only then nothing is stored but what the sessions know of, and what may still be named.
  if (isDone) await read(database, [statement(COUNT_KEPT, today)]);
  return { sessions, rows: touched, isDone };
}

/** Chunks that no commit has named. */
const UNNAMED = `NOT EXISTS (SELECT 1 FROM log WHERE log.epoch = chunks.epoch AND log.id = chunks.id
    AND log.hash = chunks.hash AND log.parts > 0)
  AND NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.epoch = chunks.epoch AND snapshots.hash = chunks.hash)`;

/** Counts anew what the relay keeps ([MB19]): payments count it up only. What was paid since the last time counts once more. */
const COUNT_KEPT = `UPDATE kept SET paid = 0, bytes = paid
  + (SELECT coalesce(sum(bytes + CASE WHEN prepaid_day >= ?1 THEN prepaid_bytes ELSE 0 END), 0) FROM sessions)
  + (SELECT coalesce(sum(length(body)), 0) FROM chunks WHERE ${UNNAMED})`;

/**
 * What compaction left: bodies that are out of reach and still there, and hashes whose bodies have been gone for 30 days
 * ([MB7], [MB14]). The revision is counted up, so that a commit that was decided before is decided anew.
 */
function sweepDue(
  statement: (sql: string, ...values: DatabaseValue[]) => DatabaseStatement,
  at: number,
  rows: number,
): DatabaseStatement[] {
  const today = dayOf(at);
  const due = `due_day <= ?1 AND sessions.id IN (SELECT id FROM sessions WHERE due_day <= ?1 ORDER BY due_day, id LIMIT ?2)`;
  const outOfReach = `SELECT log.epoch, log.seq, log.hash FROM sessions JOIN log ON log.epoch = sessions.epoch
    WHERE ${due} AND log.seq <= sessions.bodies_after AND (log.body IS NOT NULL OR log.parts > 0) LIMIT ?3`;
  const isLeft = `EXISTS (SELECT 1 FROM log WHERE log.epoch = sessions.epoch
    AND (log.seq <= hashes_after OR log.seq <= bodies_after AND (log.body IS NOT NULL OR log.parts > 0)))`;
  return [
    statement(
      `DELETE FROM chunks WHERE (epoch, hash) IN (SELECT epoch, hash FROM (${outOfReach})) RETURNING 1`,
      ...[today, rows, rows],
    ),
    statement(
      `UPDATE log SET body = NULL, parts = 0, at = ?4 WHERE (epoch, seq) IN (SELECT epoch, seq FROM (${outOfReach}))
       RETURNING 1`,
      ...[today, rows, rows, at],
    ),
    statement(
      `UPDATE sessions SET revision = revision + 1, hashes_after = max(hashes_after, coalesce((SELECT max(seq) FROM log
         WHERE log.epoch = sessions.epoch AND log.seq <= bodies_after AND log.body IS NULL AND log.parts = 0
         AND log.at < ?3), 0)) WHERE ${due} RETURNING 1`,
      ...[today, rows, at - (KNOWN_DAYS - 1) * DAY],
    ),
    statement(
      `DELETE FROM log WHERE (epoch, seq) IN (SELECT log.epoch, log.seq FROM sessions JOIN log ON log.epoch = sessions.epoch
         WHERE ${due} AND log.seq <= sessions.hashes_after LIMIT ?3) RETURNING 1`,
      ...[today, rows, rows],
    ),
    statement(
      `UPDATE sessions SET due_day = CASE WHEN ${isLeft} THEN ?1 ELSE (SELECT min(at) FROM log
         WHERE log.epoch = sessions.epoch AND log.seq <= bodies_after) / ${DAY} + ${KNOWN_DAYS} END
       WHERE ${due} RETURNING 1`,
      ...[today, rows],
    ),
  ];
}
