import { encodeBase64url } from '@parley/signaling/base64url';
import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import { RelayProblem } from '../relay-problem.ts';
import { countParts } from './bodies.ts';
import { dayOf } from './day.ts';
import type { Incoming } from './incoming.ts';
import type { Caller, MailboxOptions } from './mailbox.ts';
import { makeRoom } from './room.ts';
import { newSession, readSessions, selectSession, writeSession, type Session } from './session.ts';
import { clear, settle } from './settlement.ts';
import { createStage } from './staging.ts';
import {
  insertSnapshot,
  readSnapshots,
  readWeight,
  selectSnapshots,
  selectWeight,
  type SnapshotRow,
} from './storage.ts';
import { commit, decideAndCommit, read } from './transactions.ts';

/**
 * Makes a verified snapshot the current one ([MB13], [MB14], [MB15]); see `Mailbox.putSnapshot`. Answers with the session
 * as it is then, and whether it was not the current one before.
 */
export async function replaceSnapshot(
  options: MailboxOptions,
  caller: Caller,
  incoming: Incoming,
): Promise<{ readonly session: Session; readonly isNew: boolean }> {
  const { database, limits, now, randomBytes } = options;
  const { header, bytes } = incoming;
  if (header.kind !== 'snapshot') throw new RelayProblem('mailbox/malformed');
  const epoch = encodeBase64url(randomBytes(16));
  const [parts = 0] = countParts([bytes.length]);
  const stage = createStage(options, caller);

  return decideAndCommit(options, async () => {
    const at = now();
    const [sessionRows = [], snapshotRows = []] = await read(database, [
      selectSession(database, caller.sessionId),
      selectSnapshots(database, caller),
    ]);
    const before =
      readSessions(sessionRows)[0] ?? newSession(caller.sessionId, caller.publicKey, epoch, dayOf(at));
    if (before.tombstone !== null) throw new RelayProblem('mailbox/deleted');
    const kept = readSnapshots(snapshotRows);
    if (isThere(incoming, before, kept)) return { session: before, isNew: false };
    const { prev, covers } = header;
    if (prev !== before.snapshot || covers > before.head || covers <= (before.covers ?? -1)) {
      throw new RelayProblem('mailbox/stale-snapshot');
    }

    // What the snapshot before covers has kept its bodies until now.
    const bodiesAfter = before.covers ?? before.bodiesAfter;
    const [replacedRows = [], coveredRows = []] = await read(database, [
      selectWeight(database, before.id, before.bodiesAfter, bodiesAfter),
      selectWeight(database, before.id, bodiesAfter, covers),
    ]);
    const replaced = readWeight(replacedRows);
    const covered = readWeight(coveredRows);
    const surplus = kept.slice(MAILBOX_LIMITS.snapshots - 1);
    const surplusBytes = surplus.reduce((sum, { size }) => sum + size, 0);
    const room = makeRoom(
      {
        bytes: before.bytes + bytes.length - surplusBytes - replaced.bytes,
        older: kept.slice(0, MAILBOX_LIMITS.snapshots - 1),
        bodiesAfter,
        covers,
        coveredBytes: covered.bytes,
      },
      limits.sessionBytes,
    );
    if (room.bytes > limits.sessionBytes && room.bytes >= before.bytes) {
      throw new RelayProblem('mailbox/quota-exceeded');
    }
    const evicted = [...surplus.map((snapshot) => snapshot.covers), ...room.evicted];
    const lostParts = replaced.parts + (room.bodiesAfter > bodiesAfter ? covered.parts : 0);
    const clearance = clear(options, before, { ...room, evicted }, kept, lostParts, at);
    const settled = await settle(
      options,
      caller,
      before,
      {
        ...before,
        ...{ snapshot: incoming.id, covers, bodiesAfter: room.bodiesAfter, bytes: room.bytes },
        ...{ visitedDay: Math.max(before.visitedDay, dayOf(at)), dueDay: clearance.dueDay },
      },
      {
        sessions: before.revision === 0 ? 1 : 0,
        // One in chunks is paid for when it is staged.
        bytes: parts > 0 ? 0 : bytes.length,
        rows: 1 + clearance.rows,
      },
      at,
    );
    await stage(before.epoch, incoming, at);
    await commit(database, [
      writeSession(database, before, settled.after, caller.reader, null),
      insertSnapshot(database, before.id, incoming, { covers, parts, at }),
      ...clearance.statements,
      ...settled.statements,
    ]);
    return { session: settled.after, isNew: true };
  });
}

/** Whether this snapshot is the current one already. One that was never is given another id by who makes it. */
function isThere({ id, hash }: Incoming, { snapshot }: Session, kept: readonly SnapshotRow[]): boolean {
  const same = kept.find((candidate) => candidate.id === id);
  if (!same) return false;
  if (same.hash !== hash) throw new RelayProblem('mailbox/conflict');
  return same.id === snapshot;
}
