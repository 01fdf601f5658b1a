import { hashEnvelope } from '@parley/signaling/envelope';
import { decodeLog, encodeLog, type Log } from '@parley/signaling/mailbox';
import type { RelayProblemCode } from '../src/catalogue.ts';
import { expect } from 'vitest';
import type { DatabaseStatement, MailboxDatabase } from '../src/mailbox/database.ts';
import { DAY } from '../src/mailbox/day.ts';
import {
  createMailbox,
  DEFAULT_LIMITS,
  type Mailbox,
  type MailboxLimits,
  type Pieces,
} from '../src/mailbox/mailbox.ts';
import { RelayProblem } from '../src/relay-problem.ts';
import type { Author } from './author.ts';
import { randomBytes } from './author.ts';

/** How a batch fails: before it runs, before one of its statements or its end if it has so many, or after its commit. */
export type Failure = 'before' | 'after' | number;

/** A database that fails on command, and counts. */
export class FailingDatabase implements MailboxDatabase {
  readonly #database: MailboxDatabase;
  /** By the number of the batch, from now on. */
  readonly failures = new Map<number, Failure>();
  batches = 0;
  /** Called before a batch runs, with its number. */
  onBatch: (batch: number) => Promise<void> | void = () => undefined;
  /** Called after a batch was committed; what it throws fails the batch. */
  onDone: () => Promise<void> | void = () => undefined;
  /** Statements that were run, and rows that they answered with. */
  statements = 0;
  rowsGiven = 0;
  /** Characters of bodies in the largest answer to a statement. */
  largestAnswer = 0;
  /** Rows that D1 says were written, and read. */
  rowsWritten = 0;
  rowsRead = 0;

  constructor(database: MailboxDatabase) {
    this.#database = database;
  }

  /** Refuses values that D1 refuses in production only. */
  prepare(sql: string): DatabaseStatement {
    const statement = this.#database.prepare(sql);
    return {
      bind: (...values) => {
        const large = values.some((value) => typeof value === 'string' && value.length > 2_000_000);
        if (large) throw new RangeError('string or blob too big');
        return statement.bind(...values);
      },
    };
  }

  async batch(statements: DatabaseStatement[]): Promise<{ results: unknown[] }[]> {
    const batch = this.batches++;
    await this.onBatch(batch);
    const failure = this.failures.get(batch);
    if (failure === 'before') throw new Error('the connection broke');
    const answers = await this.#database.batch(
      typeof failure === 'number' && failure <= statements.length
        ? statements.toSpliced(failure, 0, this.#database.prepare(`SELECT json('{')`).bind())
        : statements,
    );
    await this.onDone();
    if (failure === 'after') throw new Error('the connection broke');
    this.statements += answers.length;
    for (const answer of answers) {
      this.rowsGiven += answer.results.length;
      const rows = answer.results as { body?: string | null }[];
      const characters = rows.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
      this.largestAnswer = Math.max(this.largestAnswer, characters);
      const { meta } = answer as { meta?: { rows_written?: number; rows_read?: number } };
      this.rowsWritten += meta?.rows_written ?? 0;
      this.rowsRead += meta?.rows_read ?? 0;
    }
    return answers;
  }

  /** The rows of a query, past all failures. */
  async query(sql: string): Promise<Record<string, unknown>[]> {
    const [answer] = await this.#database.batch([this.#database.prepare(sql).bind()]);
    return (answer?.results ?? []) as Record<string, unknown>[];
  }
}

/** A mailbox over an empty database, with a clock that a test turns. */
export class Bench {
  readonly database: FailingDatabase;
  readonly mailbox: Mailbox;
  /** Milliseconds since 1970: ten seconds past a minute, ten hours into a day. */
  now = 20_000 * DAY + 10 * 3_600_000 + 10_000;

  /** What was reported. */
  readonly reports: unknown[] = [];

  /** Pauses that were asked for, in milliseconds. They take no time. */
  readonly pauses: number[] = [];

  constructor(database: MailboxDatabase, limits: Partial<MailboxLimits> = {}) {
    this.database = new FailingDatabase(database);
    this.mailbox = createMailbox({
      database: this.database,
      limits: { ...DEFAULT_LIMITS, ...limits },
      now: () => this.now,
      randomBytes,
      pause: async (milliseconds) => void this.pauses.push(milliseconds),
      report: (error) => void this.reports.push(error),
    });
  }

  wait(milliseconds: number): void {
    this.now += milliseconds;
  }

  async append(author: Author, ...envelopes: Uint8Array<ArrayBuffer>[]) {
    return (await this.mailbox.append(author.caller(), envelopes)).answer;
  }

  async put(author: Author, envelope: Uint8Array<ArrayBuffer>) {
    return (await this.mailbox.putSnapshot(author.caller(), envelope)).answer;
  }

  async pull(author: Author, after = 0, epoch: string | null = null): Promise<Log> {
    const { header, size, bodies } = await this.mailbox.pull(author.caller(), after, epoch);
    const pieces = await collect(bodies());
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(size);
    const log = decodeLog(encodeLog(header, pieces));
    if (!log) throw new Error('not an answer to a pull');
    return log;
  }

  /** Everything that the database holds of all sessions, to see that nothing has changed. */
  async dump(): Promise<unknown> {
    const tables = ['sessions', 'log', 'snapshots', 'chunks', 'remains', 'budget_prefixes'];
    const budgets = 'SELECT day, sessions, bytes, rows FROM budgets WHERE sessions + bytes + rows > 0';
    const dumps = await Promise.all(
      [...tables.map((table) => `SELECT * FROM ${table}`), budgets].map((sql) => this.database.query(sql)),
    );
    return JSON.stringify(dumps, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
  }
}

export async function collect(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>[]> {
  const collected: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) collected.push(piece);
  return collected;
}

/** A short text that two equal logs share: large ones take long to compare byte by byte. */
export async function fingerprint({ header, tombstone, snapshot, entries }: Log): Promise<string> {
  const bodies = [tombstone, snapshot, ...entries.map((entry) => ('bytes' in entry ? entry.bytes : null))];
  const hashes = await Promise.all(bodies.map((body) => body && hashEnvelope(body)));
  return JSON.stringify([header, hashes]);
}

/** The code and the pause with which something is refused. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ code: RelayProblemCode; retryAfter: number | null }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RelayProblem)) throw new Error('was not refused', { cause: error });
  return { code: error.code, retryAfter: error.retryAfter };
}

export async function expectRefusal(promise: Promise<unknown>, code: RelayProblemCode): Promise<void> {
  expect((await refusal(promise)).code).toBe(code);
}
