import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { DatabaseStatement, DatabaseValue, MailboxDatabase } from './database.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

class SqliteStatement implements DatabaseStatement {
  readonly sql: string;
  readonly values: readonly DatabaseValue[];

  constructor(sql: string, values: readonly DatabaseValue[] = []) {
    this.sql = sql;
    this.values = values;
  }

  bind(...values: DatabaseValue[]): SqliteStatement {
    return new SqliteStatement(this.sql, values);
  }
}

/**
 * A database of Node as the mailbox's, with the migrations applied if it is empty. One batch is one transaction, and its
 * rows are there when `batch` returns: nothing else can come in between.
 */
export function openSqliteMailbox(database: DatabaseSync): MailboxDatabase {
  if (database.prepare('SELECT 1 FROM sqlite_schema').all().length === 0) {
    for (const file of readdirSync(MIGRATIONS).sort()) {
      database.exec(readFileSync(join(MIGRATIONS, file), 'utf8'));
    }
  }
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const prepare = (sql: string) => {
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  return {
    prepare: (sql) => new SqliteStatement(sql),
    batch: async (statements) => {
      database.exec('BEGIN');
      try {
        const answers = statements.map((statement) => {
          if (!(statement instanceof SqliteStatement)) throw new TypeError('a statement of another database');
          return { results: prepare(statement.sql).all(...statement.values) };
        });
        database.exec('COMMIT');
        return answers;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}
