/** What a statement may bind. Bytes travel as hexadecimal text (see {@link ./hexadecimal.ts}). */
export type DatabaseValue = string | number | null;

export interface DatabaseStatement {
  /** The same statement with values for `?1`, `?2` … */
  bind(...values: DatabaseValue[]): DatabaseStatement;
}

/**
 * What the mailbox needs of a database: the part of D1 that it uses. `node:sqlite` fits through `sqlite.ts`, so that the
 * same rules run in Node.
 */
export interface MailboxDatabase {
  prepare(sql: string): DatabaseStatement;
  /**
   * Runs the statements in their order in one transaction and answers with the rows of each. When it rejects, nothing has
   * changed, unless the connection broke after the commit.
   */
  batch(statements: DatabaseStatement[]): Promise<{ results: unknown[] }[]>;
}
