import { RelayProblem } from '../relay-problem.ts';
import type { DatabaseStatement, MailboxDatabase } from './database.ts';

/** How often a commit is tried when others were faster. */
const RACES = 12;

/** How often a commit is tried when the database failed: the first may have been committed all the same. */
const FAILURES = 2;

/** A commit that came to nothing: somebody else was faster, or the database failed. */
class CommitError extends Error {
  override readonly name = 'CommitError';
  readonly isRace: boolean;

  constructor(cause: unknown) {
    super('the commit failed', { cause });
    // D1 and node:sqlite both say so in the message, and D1 nowhere else.
    this.isRace = cause instanceof Error && /constraint failed/i.test(cause.message);
  }
}

/**
 * Reads in one transaction.
 *
 * @throws {RelayProblem} `relay/unavailable`
 */
export async function read(database: MailboxDatabase, statements: DatabaseStatement[]): Promise<unknown[][]> {
  try {
    return (await database.batch(statements)).map(({ results }) => results);
  } catch (cause) {
    throw new RelayProblem('relay/unavailable', null, { cause });
  }
}

/** Writes in one transaction, within {@link decideAndCommit}. */
export async function commit(database: MailboxDatabase, statements: DatabaseStatement[]): Promise<void> {
  try {
    await database.batch(statements);
  } catch (cause) {
    throw new CommitError(cause);
  }
}

/**
 * Runs what reads, decides and commits, again and again until the commit is not one of those that lost a race. After a
 * failure of the database the next attempt reads whether the commit was made: what is there already is answered.
 *
 * @throws {RelayProblem} `relay/unavailable`, or what `attempt` throws
 */
export async function decideAndCommit<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
  for (let races = 0, failures = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CommitError)) throw error;
      if (error.isRace) races += 1;
      else failures += 1;
      if (races === RACES || failures === FAILURES) {
        throw new RelayProblem('relay/unavailable', null, { cause: error.cause });
      }
    }
  }
}
