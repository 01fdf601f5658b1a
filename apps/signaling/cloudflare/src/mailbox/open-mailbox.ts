import type { Env } from '../env.ts';
import { logError } from '../operations/log.ts';
import { RelayProblem } from '../relay-problem.ts';
import { readLimits } from './limits.ts';
import { createMailbox, type Mailbox, type MailboxOptions } from './mailbox.ts';

/**
 * The mailbox of this Worker.
 *
 * @throws {VariableError} for a variable that is no limit
 */
export function openMailbox(env: Env): Mailbox {
  return createMailbox(mailboxOptions(env));
}

/**
 * This Worker's database, limits, clock and randomness.
 *
 * @throws {VariableError} for a variable that is no limit
 */
export function mailboxOptions(env: Env): MailboxOptions {
  return {
    database: env.DB,
    limits: readLimits(env),
    now: () => Date.now(),
    report: (error) => logError('mailbox', error instanceof RelayProblem ? error.cause : error),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
}
