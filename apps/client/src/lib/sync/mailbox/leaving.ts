import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import { covers, intersect, type Holdings } from '../holdings.ts';
import { outboxHoldings, type Mailbox } from './state.ts';

/**
 * Largest body of a request that is finished for a page which has gone, in bytes. Browsers send 64 KiB in all, headers not counted
 * ([Fetch §4.6](https://fetch.spec.whatwg.org/#http-network-or-cache-fetch)).
 */
export const KEEPALIVE_LIMIT = 48 * 1024;

/** Of each envelope in an append: its length. */
const LENGTH_BYTES = 4;

/** Whether the log has all of `holdings`, or an envelope is sealed that brings it there. */
export function isSealed(mailbox: Mailbox, holdings: Holdings): boolean {
  return covers(outboxHoldings(mailbox), intersect(holdings, mailbox.lacking));
}

/**
 * What to append before the page ends ([SY24]): what was sealed and is not acknowledged, which may be under way, and then what is sealed
 * ahead. In their order, and no more than fits: what comes later builds on what comes before.
 *
 * @param now milliseconds since 1970
 */
export function lastEnvelopes(
  { role, deleted, due, outbox }: Mailbox,
  standby: Uint8Array<ArrayBuffer> | null,
  now: number,
): Uint8Array<ArrayBuffer>[] {
  // The relay has said that it takes nothing more, or not yet.
  if (role === 'reader' || deleted || now < (due.send ?? now)) return [];
  const envelopes: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const envelope of [...outbox.map((entry) => entry.bytes), ...(standby ? [standby] : [])]) {
    bytes += LENGTH_BYTES + envelope.length;
    if (bytes > KEEPALIVE_LIMIT || envelopes.length === MAILBOX_LIMITS.appendEnvelopes) break;
    envelopes.push(envelope);
  }
  return envelopes;
}
