import { countParts, stageBody, type NewBody } from './bodies.ts';
import type { Caller, MailboxOptions } from './mailbox.ts';
import { payForStaging } from './settlement.ts';
import { commit } from './transactions.ts';

/**
 * How one request writes a body that is too large for its commit: paid for first ([MB19]), and both once however often the
 * commit is tried.
 */
export type Stage = (epoch: string, body: NewBody, at: number) => Promise<void>;

/** Within `decideAndCommit`; it throws what {@link payForStaging} does. */
export function createStage(options: MailboxOptions, caller: Caller): Stage {
  const paid = new Set<string>();
  const staged = new Set<string>();
  return async (epoch, body, at) => {
    const key = `${epoch}/${body.hash}`;
    const [rows = 0] = countParts([body.bytes.length]);
    if (rows === 0 || staged.has(key)) return;
    if (!paid.has(key)) {
      await payForStaging(options, caller, { bytes: body.bytes.length, rows }, at);
      paid.add(key);
    }
    for (const chunks of stageBody(options.database, epoch, body, at))
      await commit(options.database, [chunks]);
    staged.add(key);
  };
}
