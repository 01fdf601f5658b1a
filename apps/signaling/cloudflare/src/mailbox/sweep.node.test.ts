import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { Bench } from '../../test/mailbox-bench.ts';
import { DAY } from './day.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { openSqliteMailbox } from './sqlite.ts';

const RETENTION_DAYS = 5;

/** Sessions that can be compacted in a day, of four envelopes each: their rows alone are most of the budget. */
const COMPACTED = 6_000;

it('[MB22] [MB14] at the budgets of every day, forty days long, nothing that is due stays', async () => {
  const wrangler = readFileSync(join(import.meta.dirname, '../../wrangler.jsonc'), 'utf8');
  expect(wrangler).toContain('"crons": ["7 * * * *"]');
  const bench = new Bench(openSqliteMailbox(new DatabaseSync(':memory:')), { retentionDays: RETENTION_DAYS });
  const { database } = bench;
  const count = async (what: string) =>
    Number((await database.query(`SELECT count(*) AS rows FROM ${what}`))[0]?.['rows']);
  const numbers = (to: number) =>
    `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${to})`;
  const addSessions = (name: string, rows: number, visited: number, due: number | 'NULL') =>
    database.query(`INSERT INTO sessions (id, writer_key, epoch, revision, head, hashes_after, bodies_after, bytes, minute,
        minute_count, prepaid_day, prepaid_bytes, prepaid_rows, visited_day, due_day)
      ${numbers(rows)} SELECT '${name}' || n, '', '${name}' || n, 1, 4, 0, 4, 0, 0, 0, 0, 0, 0, ${visited}, ${due} FROM n`);

  for (let days = 0; days < 40; days++) {
    const today = Math.floor(bench.now / DAY);
    await addSessions(`left-${days}-`, DEFAULT_LIMITS.dailySessions, today, 'NULL');
    if (days < 3) {
      await addSessions(`compacted-${days}-`, COMPACTED, today + 1_000, today + 31);
      await database.query(`INSERT INTO log (epoch, seq, id, hash, size, at, parts, body)
        ${numbers(4)}, m (m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM m WHERE m < ${COMPACTED})
        SELECT 'compacted-${days}-' || m, n, n, n, 200, ${bench.now}, 0, NULL FROM n, m`);
    }
    for (let hour = 0; hour < 24; hour++) {
      await bench.mailbox.sweep();
      bench.wait(DAY / 24);
    }
    expect(await count(`sessions WHERE visited_day <= ${today - RETENTION_DAYS}`)).toBe(0);
    expect(await count(`sessions WHERE due_day <= ${today}`)).toBe(0);
    expect(await count('remains')).toBe(0);
    expect(await count(`log WHERE at < ${bench.now - 33 * DAY}`)).toBe(0);
  }
  expect(await count('log')).toBe(0);
}, 120_000);
