import { encodeBase64url } from '@parley/signaling/base64url';
import { hashEnvelope } from '@parley/signaling/envelope';
import { RelayProblem } from '../relay-problem.ts';
import { countParts, readBodies } from './bodies.ts';
import { dayOf } from './day.ts';
import { encodeHex } from './hexadecimal.ts';
import type { Incoming } from './incoming.ts';
import type { Caller, MailboxOptions } from './mailbox.ts';
import { numberEnvelopes } from './numbering.ts';
import { countEnvelopes } from './pace.ts';
import { makeRoom, type Room } from './room.ts';
import {
  newSession,
  readSessions,
  selectSession,
  selectTombstone,
  writeSession,
  type Session,
} from './session.ts';
import { clear, settle, type Clearance } from './settlement.ts';
import { createStage } from './staging.ts';
import {
  abandonLog,
  insertEntries,
  readEntries,
  readSnapshots,
  readWeight,
  removeLog,
  selectKnown,
  selectSnapshots,
  selectWeight,
} from './storage.ts';
import { commit, decideAndCommit, read } from './transactions.ts';

/** The session after an append, the seq of each envelope, and those that were new. */
export interface Appended {
  readonly session: Session;
  readonly seqs: readonly number[];
  readonly fresh: readonly Incoming[];
}

/** Largest tombstone, in bytes. Its content is empty; the rest is for what later versions may add. */
const TOMBSTONE_BYTES = 1_024;

/** Appends verified envelopes; see `Mailbox.append`. */
export async function appendEnvelopes(
  options: MailboxOptions,
  caller: Caller,
  incoming: readonly Incoming[],
): Promise<Appended> {
  const { database, limits, now, randomBytes } = options;
  checkKinds(incoming);
  const ids = incoming.map(({ id }) => id);
  const epoch = encodeBase64url(randomBytes(16));
  const stage = createStage(options, caller);

  return decideAndCommit(options, async () => {
    const at = now();
    const [sessionRows = [], knownRows = []] = await read(database, [
      selectSession(database, caller.sessionId),
      selectKnown(database, caller.sessionId, ids),
    ]);
    const before =
      readSessions(sessionRows)[0] ?? newSession(caller.sessionId, caller.publicKey, epoch, dayOf(at));
    if (before.tombstone !== null) return answerDeleted(options, before, incoming);

    const numbering = numberEnvelopes(before.head, readEntries(knownRows), incoming);
    if (!numbering) throw new RelayProblem('mailbox/conflict');
    const { seqs } = numbering;
    const fresh = numbering.fresh.flatMap((index) => incoming[index] ?? []);
    const last = fresh.at(-1);
    if (!last) return { session: before, seqs, fresh };

    const pace = countEnvelopes(before, fresh.length, limits.sessionEnvelopesPerMinute, at);
    if (typeof pace === 'number') throw new RelayProblem('mailbox/too-fast', pace);
    const grown: Session = {
      ...before,
      ...pace,
      head: before.head + fresh.length,
      visitedDay: Math.max(before.visitedDay, dayOf(at)),
    };
    if (last.header.kind === 'tombstone') {
      return { session: await endSession(options, caller, before, grown, last, at), seqs, fresh };
    }

    const bytes = fresh.reduce((sum, envelope) => sum + envelope.bytes.length, 0);
    const { room, clearance } = await findRoom(options, before, bytes, at);
    const parts = countParts(fresh.map((envelope) => envelope.bytes.length));
    const entries = fresh.map(({ id, hash, bytes: body }, index) => ({
      ...{ id, hash, bytes: body },
      seq: before.head + 1 + index,
      parts: parts[index] ?? 0,
    }));
    // Those in chunks are paid for when they are staged.
    const paidBytes = entries.reduce((sum, entry) => sum + (entry.parts > 0 ? 0 : entry.bytes.length), 0);
    const rows = 2 * fresh.length + clearance.rows;
    const settled = await settle(
      options,
      caller,
      before,
      { ...grown, bytes: room.bytes, bodiesAfter: room.bodiesAfter, dueDay: clearance.dueDay },
      { sessions: before.revision === 0 ? 1 : 0, bytes: paidBytes, rows },
      at,
    );
    for (const entry of entries) await stage(before.epoch, entry, at);
    await commit(database, [
      writeSession(database, before, settled.after, caller.reader, null),
      ...insertEntries(database, caller.sessionId, entries, at),
      ...clearance.statements,
      ...settled.statements,
    ]);
    return { session: settled.after, seqs, fresh };
  });
}

/** [MB12]. A tombstone comes alone: nothing can follow it, and what is before it would be gone at once. */
function checkKinds(incoming: readonly Incoming[]): void {
  for (const { header, bytes } of incoming) {
    if (header.kind === 'presence' || header.kind === 'snapshot') throw new RelayProblem('mailbox/malformed');
    if (header.kind !== 'tombstone') continue;
    if (incoming.length > 1) throw new RelayProblem('mailbox/malformed');
    if (bytes.length > TOMBSTONE_BYTES) throw new RelayProblem('mailbox/too-large');
  }
}

/** Of a deleted session, only its tombstone is known ([MB7], [MB21]). */
async function answerDeleted(
  { database }: MailboxOptions,
  session: Session,
  incoming: readonly Incoming[],
): Promise<Appended> {
  const [rows = []] = await read(database, [selectTombstone(database, session.id)]);
  const [tombstone] = readBodies(rows, [session.tombstone ?? 0]);
  const isThere = tombstone !== undefined && (await hashEnvelope(tombstone)) === incoming[0]?.hash;
  if (!isThere) throw new RelayProblem('mailbox/deleted');
  return { session, seqs: [session.head], fresh: [] };
}

/** Makes room for so many bytes more ([MB17]). What could go is looked at only when it has to. */
async function findRoom(
  options: MailboxOptions,
  before: Session,
  bytes: number,
  at: number,
): Promise<{ room: Room; clearance: Clearance }> {
  const { database, limits } = options;
  const total = before.bytes + bytes;
  if (total <= limits.sessionBytes) {
    const room = { evicted: [], bodiesAfter: before.bodiesAfter, bytes: total };
    return { room, clearance: { statements: [], rows: 0, dueDay: before.dueDay } };
  }
  const [snapshotRows = [], weightRows = []] = await read(database, [
    selectSnapshots(database, { sessionId: before.id, publicKey: before.writerKey }),
    selectWeight(database, before.id, before.bodiesAfter, before.covers ?? before.bodiesAfter),
  ]);
  const kept = readSnapshots(snapshotRows);
  const covered = readWeight(weightRows);
  const room = makeRoom(
    {
      bytes: total,
      older: kept.filter(({ covers }) => covers !== before.covers),
      bodiesAfter: before.bodiesAfter,
      covers: before.covers,
      coveredBytes: covered.bytes,
    },
    limits.sessionBytes,
  );
  if (room.bytes > limits.sessionBytes) throw new RelayProblem('mailbox/quota-exceeded');
  const parts = room.bodiesAfter === before.bodiesAfter ? 0 : covered.parts;
  return { room, clearance: clear(options, before, room, kept, parts, at) };
}

/**
 * Commits a tombstone ([MB21]): the session keeps nothing else. What there was goes in the same commit, as far as the budgets
 * allow it; the hourly job removes the rest.
 */
async function endSession(
  options: MailboxOptions,
  caller: Caller,
  before: Session,
  grown: Session,
  { bytes }: Incoming,
  at: number,
): Promise<Session> {
  const { database } = options;
  const ended: Session = {
    ...grown,
    ...{ hashesAfter: grown.head, bodiesAfter: grown.head, snapshot: null, covers: null },
    ...{ bytes: bytes.length, dueDay: null, tombstone: bytes.length },
  };
  // The row of `remains`, and the index of visits, which a tombstone leaves. A full relay does not keep anybody from deleting:
  // what goes is more than what comes.
  const isNew = before.revision === 0;
  const cost = { sessions: isNew ? 1 : 0, bytes: isNew ? bytes.length : 0, rows: 2 };
  const removal = removeLog(database, before);
  const { after, statements, removed } = await settle(
    options,
    caller,
    before,
    ended,
    { ...cost, rows: cost.rows + removal.rows },
    at,
  )
    .then((settled) => ({ ...settled, removed: removal.statements }))
    .catch(async (error: unknown) => {
      if (!(error instanceof RelayProblem) || error.code !== 'relay/budget-spent') throw error;
      return { ...(await settle(options, caller, before, ended, cost, at)), removed: [] };
    });
  await commit(database, [
    writeSession(database, before, after, caller.reader, encodeHex(bytes)),
    abandonLog(database, before.id),
    ...removed,
    ...statements,
  ]);
  return after;
}
