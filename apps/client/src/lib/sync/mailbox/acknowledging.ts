import { EMPTY_CHAIN, extendChain } from '@parley/signaling/envelope';
import type { AppendAnswer } from '@parley/signaling/mailbox';
import type { Entry, MailboxEvent } from './engine.ts';
import { chainAt, positionOf, type KnownLog } from './known-log.ts';

/** Holds an acknowledgement against what is known of the log, for the engine to judge. */
export async function checkAnswer(
  log: KnownLog | null,
  answer: AppendAnswer,
  entries: readonly Entry[],
): Promise<Extract<MailboxEvent, { type: 'appended' }>> {
  const known = log?.epoch === answer.epoch ? log : null;
  let { seq, chain } = known ? positionOf(known) : { seq: 0, chain: EMPTY_CHAIN };
  const chains: string[] = [];
  for (const [index, { hash }] of entries.entries()) {
    seq += 1;
    if (answer.seqs[index] !== seq) break;
    chain = await extendChain(chain, hash);
    chains.push(chain);
  }
  const contradicted: string[] = [];
  for (const [index, { hash }] of entries.entries()) {
    const at = answer.seqs[index] ?? 0;
    const [before, there] =
      known && at > 0 && at <= known.seq ? [chainAt(known, at - 1), chainAt(known, at)] : [null, null];
    const isOther = before !== null && there !== null && (await extendChain(before, hash)) !== there;
    if (isOther) contradicted.push(hash);
  }
  return { type: 'appended', answer, chains, contradicted };
}
