import { drawPause } from '@parley/signaling/back-off';
import { RelayProblem } from '../relay-problem.ts';
import type { DatabaseStatement, MailboxDatabase } from './database.ts';
import type { MailboxOptions } from './mailbox.ts';

/** How often a commit is tried when others were faster: most attempts take four statements of the 50 that a request may run. */
const RACES = 12;

/** The first and the longest span out of which the pause before another attempt is drawn, in milliseconds. */
const FIRST_PAUSE = 25;
const LONGEST_PAUSE = 1_000;

/** Seconds after which who has lost every race is asked to come again. */
const LOSER_WAITS = 1;

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
 * Runs what reads, decides and commits, again and again until the commit is not one of those that lost a race, with a random
 * pause in between, so that those who met do not meet again. After a failure of the database the next attempt reads whether the
 * commit was made: what is there already is answered.
 *
 * @throws {RelayProblem} `mailbox/too-fast` for who has lost every race, `relay/unavailable`, or what `attempt` throws
 */
export async function decideAndCommit<Answer>(
  { pause, randomBytes, report }: MailboxOptions,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (let races = 0, failures = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CommitError)) throw error;
      const { cause, isRace } = error;
      if (isRace) races += 1;
      else failures += 1;
      if (failures === FAILURES) throw new RelayProblem('relay/unavailable', null, { cause });
      if (races === RACES) {
        // A constraint that fails every time would be a mistake, and look the same.
        report?.(cause);
        throw new RelayProblem('mailbox/too-fast', LOSER_WAITS, { cause });
      }
      if (isRace)
        await pause?.(drawPause(races - 1, FIRST_PAUSE, LONGEST_PAUSE, () => drawNumber(randomBytes)));
    }
  }
}

/** A number in [0, 1). */
function drawNumber(randomBytes: MailboxOptions['randomBytes']): number {
  const { buffer, byteOffset } = randomBytes(4);
  return new DataView(buffer, byteOffset).getUint32(0) / 2 ** 32;
}
