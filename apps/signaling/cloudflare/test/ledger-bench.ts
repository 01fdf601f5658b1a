import { createLedger, type Ledger } from '../src/access/llm-ledger.ts';
import type { LedgerDatabase } from '../src/access/llm-ledger-tables.ts';
import { DAY } from '../src/mailbox/day.ts';

/** What of a database of `node:sqlite` is used. */
interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: (string | number | null)[]): unknown[] };
}

/** How the database fails: before one of its statements from now on, or after the commit of its next transaction. */
export type LedgerFailure = number | 'after';

/** A ledger over a database in memory that fails on command, with a clock of its own. */
export class LedgerBench implements LedgerDatabase {
  /** Milliseconds since 1970. */
  now = 20_000 * DAY + DAY / 2;
  ledger: Ledger;
  /** The times at which the ledger asked to be woken. */
  readonly wakes: number[] = [];
  readonly #database: NodeDatabase;
  #failure: LedgerFailure | null = null;
  /** What the transaction had answered that failed after its commit. */
  lost: unknown = null;

  constructor(database: NodeDatabase) {
    this.#database = database;
    this.ledger = this.open();
  }

  /** Another ledger over the same database, as after a crash. */
  open(): Ledger {
    this.ledger = createLedger({
      database: this,
      now: () => this.now,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      wakeAt: (time) => this.wakes.push(time),
    });
    return this.ledger;
  }

  fail(failure: LedgerFailure | null): void {
    this.#failure = failure;
    this.lost = null;
  }

  all(sql: string, ...values: (string | number | null)[]): unknown[] {
    if (this.#failure === 0) this.#crash();
    if (typeof this.#failure === 'number') this.#failure -= 1;
    return this.#database.prepare(sql).all(...values);
  }

  transact<Answer>(act: () => Answer): Answer {
    this.#database.exec('BEGIN');
    let answer;
    try {
      answer = act();
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
    this.#database.exec('COMMIT');
    if (this.#failure === 'after') {
      this.lost = answer;
      this.#crash();
    }
    return answer;
  }

  #crash(): never {
    this.#failure = null;
    throw new DatabaseFailure();
  }
}

/** What the database throws when it was told to fail. */
export class DatabaseFailure extends Error {}
