import type { LogHeader } from '@parley/signaling/mailbox';
import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import {
  BodyGoneError,
  chunkSizes,
  PAGE_BYTES,
  readBodies,
  selectChunks,
  VALUE_BYTES,
  type StoredBody,
} from './bodies.ts';
import type { DatabaseStatement, MailboxDatabase } from './database.ts';
import type { Pieces, PulledLog } from './mailbox.ts';
import { countPulled, planPull } from './pull-plan.ts';
import { selectSession, selectTombstone, type KeyOfSession, type Session } from './session.ts';
import {
  readEntries,
  readSnapshots,
  selectEntries,
  selectSnapshots,
  type EntryRow,
  type SnapshotRow,
} from './storage.ts';
import { read } from './transactions.ts';

/**
 * What is in a session's log behind `after`; see `Mailbox.pull`.
 *
 * @param admit gives the session among the rows of a query, or throws
 */
export async function pullLog(
  database: MailboxDatabase,
  asked: KeyOfSession,
  admit: (rows: readonly unknown[]) => Session,
  after: number,
  epoch: string | null,
): Promise<{ readonly session: Session; readonly log: PulledLog }> {
  const { pullEntries } = MAILBOX_LIMITS;
  // Where to begin depends on the session, which has to be read together with what begins there. It is right the first
  // time for everybody who is not too far behind.
  for (let from = after, limit: number = pullEntries; ;) {
    const [sessionRows = [], entryRows = [], snapshotRows = []] = await read(database, [
      selectSession(database, asked.sessionId),
      selectEntries(database, asked, from, limit),
      selectSnapshots(database, asked),
    ]);
    const session = admit(sessionRows);
    if (session.tombstone !== null)
      return { session, log: pullTombstone(database, session, session.tombstone) };
    const plan = planPull(session, after, epoch);
    const needed = pullEntries + Math.max(0, plan.hashesTo - plan.from);
    // From 0, the entries are those behind the snapshot.
    if (plan.from === (from || (session.covers ?? 0)) && needed <= limit) {
      const [newest] = readSnapshots(snapshotRows);
      return { session, log: assemble(database, session, plan, readEntries(entryRows), newest) };
    }
    from = plan.from;
    limit = needed;
  }
}

function assemble(
  database: MailboxDatabase,
  session: Session,
  { from, hasSnapshot, hashesTo }: ReturnType<typeof planPull>,
  rows: readonly EntryRow[],
  newest: SnapshotRow | undefined,
): PulledLog {
  const hashes = rows.filter(({ seq }) => seq <= hashesTo).length;
  const sizes = rows.map(({ size }) => size);
  const listed = rows.slice(0, countPulled(sizes, hashes));
  const entries = listed.slice(hashes);
  const snapshot = hasSnapshot ? newest : undefined;
  const header: LogHeader = {
    writer: session.writerKey,
    epoch: session.epoch,
    head: session.head,
    current: newest ? { id: newest.id, covers: newest.covers } : null,
    tombstone: null,
    snapshot: snapshot?.size ?? null,
    first: from + 1,
    entries: listed.map(({ hash, size }, index) => (index < hashes ? hash : size)),
  };
  return {
    header,
    size: (snapshot?.size ?? 0) + sumOf(entries.map(({ size }) => size)),
    bodies: () =>
      readPages(database, [
        ...(snapshot ? snapshotQueries(database, session.epoch, snapshot) : []),
        ...entryQueries(database, session.epoch, entries),
      ]),
  };
}

function pullTombstone(database: MailboxDatabase, session: Session, size: number): PulledLog {
  const { id, writerKey, epoch, head } = session;
  return {
    header: {
      writer: writerKey,
      epoch,
      head,
      current: null,
      tombstone: size,
      snapshot: null,
      first: head + 1,
      entries: [],
    },
    size,
    bodies: () => readPages(database, [{ statement: selectTombstone(database, id), sizes: [size] }]),
  };
}

/** The bytes of a kept snapshot. */
export function readStored(database: MailboxDatabase, epoch: string, snapshot: SnapshotRow): Pieces {
  return readPages(database, snapshotQueries(database, epoch, snapshot));
}

/** A query for bodies: there have to be as many, in these sizes. */
interface BodyQuery {
  readonly statement: DatabaseStatement;
  readonly sizes: readonly number[];
}

function snapshotQueries(database: MailboxDatabase, epoch: string, snapshot: SnapshotRow): BodyQuery[] {
  if (snapshot.parts > 0) return chunkQueries(database, epoch, snapshot);
  const statement = database
    .prepare('SELECT hex(body) AS body FROM snapshots WHERE epoch = ?1 AND covers = ?2')
    .bind(epoch, snapshot.covers);
  return [{ statement, sizes: [snapshot.size] }];
}

/** For entries of the log, which follow one another without a gap. */
function entryQueries(database: MailboxDatabase, epoch: string, entries: readonly EntryRow[]): BodyQuery[] {
  const queries: BodyQuery[] = [];
  for (let index = 0; index < entries.length;) {
    const page = takePage(entries, index);
    const [first] = page;
    const last = page.at(-1);
    if (!first || !last) throw new BodyGoneError();
    index += page.length;
    if (first.parts > 0) {
      queries.push(...chunkQueries(database, epoch, first));
      continue;
    }
    const statement = database
      .prepare('SELECT hex(body) AS body FROM log WHERE epoch = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq')
      .bind(epoch, first.seq, last.seq);
    queries.push({ statement, sizes: page.map(({ size }) => size) });
  }
  return queries;
}

/** The entries from `index` on that one query reads: one that is in chunks, or several that are not. */
function takePage(entries: readonly EntryRow[], index: number): EntryRow[] {
  const page: EntryRow[] = [];
  let bytes = 0;
  for (const entry of entries.slice(index)) {
    bytes += entry.size;
    if (page.length > 0 && (entry.parts > 0 || bytes > PAGE_BYTES)) break;
    page.push(entry);
    if (entry.parts > 0) break;
  }
  return page;
}

/** Chunks that one query reads. */
const CHUNKS_AT_ONCE = PAGE_BYTES / VALUE_BYTES;

function chunkQueries(database: MailboxDatabase, epoch: string, body: StoredBody): BodyQuery[] {
  const sizes = chunkSizes(body);
  const queries: BodyQuery[] = [];
  for (let part = 0; part < sizes.length; part += CHUNKS_AT_ONCE) {
    const page = sizes.slice(part, part + CHUNKS_AT_ONCE);
    queries.push({
      statement: selectChunks(database, epoch, body.hash, part, page.length),
      sizes: page,
    });
  }
  return queries;
}

/**
 * Reads bodies, those of as many queries at once as a page has room for. A page is one piece: each piece on its own way through
 * the Worker's stream costs more than reading it.
 */
async function* readPages(database: MailboxDatabase, queries: readonly BodyQuery[]): Pieces {
  for (let index = 0; index < queries.length;) {
    const page: BodyQuery[] = [];
    let bytes = 0;
    for (const query of queries.slice(index)) {
      bytes += sumOf(query.sizes);
      if (page.length > 0 && bytes > PAGE_BYTES) break;
      page.push(query);
    }
    index += page.length;
    const rows = await read(
      database,
      page.map(({ statement }) => statement),
    );
    yield join(page.flatMap(({ sizes }, at) => readBodies(rows[at] ?? [], sizes)));
  }
}

function join(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(sumOf(bodies.map(({ length }) => length)));
  let at = 0;
  for (const body of bodies) {
    whole.set(body, at);
    at += body.length;
  }
  return whole;
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
