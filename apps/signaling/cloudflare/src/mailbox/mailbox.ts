import { encodeBase64url } from '@parley/signaling/base64url';
import {
  MAILBOX_LIMITS,
  mailboxTopic,
  type AppendAnswer,
  type LogHeader,
  type MailboxFrame,
  type SnapshotAnswer,
  type SnapshotsAnswer,
} from '@parley/signaling/mailbox';
import { RelayProblem } from '../relay-problem.ts';
import { appendEnvelopes } from './append.ts';
import { BATCH_BYTES } from './bodies.ts';
import type { MailboxDatabase } from './database.ts';
import { dayOf } from './day.ts';
import { readIncoming, verifyIncoming, type Incoming } from './incoming.ts';
import type { MailboxLimits } from './limits.ts';
import { pullLog, readStored } from './pull.ts';
import { replaceSnapshot } from './replace-snapshot.ts';
import { noteVisit, readSessions, selectSession, type ReaderClaim, type Session } from './session.ts';
import { readSnapshots, selectSnapshots } from './storage.ts';
import { sweepDatabase } from './sweep.ts';
import { read } from './transactions.ts';

export { RelayProblem } from '../relay-problem.ts';
export type { DatabaseStatement, DatabaseValue, MailboxDatabase } from './database.ts';
export { DEFAULT_LIMITS, type MailboxLimits } from './limits.ts';

/** Who asks, as a token whose signature was good says. */
export interface Caller {
  readonly sessionId: string;
  /** `writer`: the session id certifies the key. `reader`: any other key; the mailbox knows whether it is the session's. */
  readonly role: 'writer' | 'reader';
  /** The raw Ed25519 public key that the token was signed with, base64url. */
  readonly publicKey: string;
  /** What a writer's token says of the reader's key (raw, base64url), and when: its `iat`, in seconds since 1970. */
  readonly reader: ReaderClaim | null;
  /** The IP prefix that the request came from, for the budgets; null where it is not known, as on one's own machine. */
  readonly prefix: string | null;
}

export interface MailboxOptions {
  readonly database: MailboxDatabase;
  readonly limits: MailboxLimits;
  /** Milliseconds since 1970. */
  now(): number;
  /** Cryptographically secure bytes. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** Resolves after so many milliseconds. Without it, who lost a race tries again at once, as a simulation does. */
  pause?(milliseconds: number): Promise<void>;
  /** Told what went wrong where nothing depends on it, and what every attempt at a commit failed of. */
  report?(error: unknown): void;
}

/** Bytes in pieces of any size, read as it goes. Throws when they have gone meanwhile: whoever asked asks again. */
export type Pieces = AsyncGenerator<Uint8Array<ArrayBuffer>, void>;

/** The answer to a pull: the header, and the bytes of what it lists, in order. */
export interface PulledLog {
  readonly header: LogHeader;
  /** Sum of what `bodies` gives, in bytes. */
  readonly size: number;
  bodies(): Pieces;
}

/** What was committed, and what to tell those who listen to the mailbox's topic ([MB11]). */
export interface Told<Answer> {
  readonly answer: Answer;
  readonly frame: Extract<MailboxFrame, { type: 'mailbox' }>;
  /** False when all of it was there already, so that nobody has to be told. */
  readonly isNew: boolean;
}

/** What the hourly job did, in numbers. */
export interface Swept {
  /** Sessions that nobody had visited for too long. */
  readonly sessions: number;
  /** Rows that were deleted or emptied, of all tables. */
  readonly rows: number;
  /** Whether nothing is left to do; otherwise the next run goes on. */
  readonly isDone: boolean;
}

/**
 * The mailbox's rules ([MB2] to [MB22]) over a database. Every method rejects with a {@link RelayProblem}: what is refused,
 * with the code of its rule; `mailbox/not-found` for an unknown session and a wrong key alike; a failing database with
 * `relay/unavailable`. Anything else is a mistake of this code.
 */
export interface Mailbox {
  /**
   * Resolves for who may read this session. A writer's key is good by itself, also before anything was written.
   */
  authorize(caller: Caller): Promise<void>;

  /** Resolves for who may write this session. It is for before a request's body is read; writing looks itself, too. */
  authorizeWriter(caller: Caller): Promise<void>;

  /**
   * What is in the log behind `after` ([MB8], [MB9]).
   *
   * @param epoch of the log that `after` counts in; where it is another or null, the answer begins at the beginning
   */
  pull(caller: Caller, after: number, epoch: string | null): Promise<PulledLog>;

  /**
   * Gives each envelope the next seq, all of them or none; one that is there already keeps its own ([MB5], [MB7]). A
   * tombstone has to come alone.
   *
   * @param envelopes one of `MAILBOX_LIMITS.requestBytes`, or up to `MAILBOX_LIMITS.appendEnvelopes` of 2,700,000 bytes together
   */
  append(caller: Caller, envelopes: readonly Uint8Array<ArrayBuffer>[]): Promise<Told<AppendAnswer>>;

  /** Makes the snapshot the current one ([MB13]). */
  putSnapshot(caller: Caller, envelope: Uint8Array<ArrayBuffer>): Promise<Told<SnapshotAnswer>>;

  /** The snapshots that are kept, newest first ([MB15]). */
  listSnapshots(caller: Caller): Promise<SnapshotsAnswer>;

  /** The bytes of one kept snapshot; `mailbox/not-found` if it is not kept. */
  readSnapshot(caller: Caller, id: string): Promise<{ readonly size: number; body(): Pieces }>;

  /**
   * The hourly job: retention ([MB22]), what compaction and deletion left, old budgets. Safe to repeat and to break off
   * anywhere.
   *
   * @param rows so many rows of one kind are deleted or emptied at most
   */
  sweep(rows?: number): Promise<Swept>;
}

/**
 * Rows of one kind that one run of the hourly job deletes: in a day, more of each than a day's budget can write, so that
 * nothing that is due piles up.
 */
const SWEPT_ROWS = 4_000;

export function createMailbox(options: MailboxOptions): Mailbox {
  const { database, now } = options;

  /** The session among the rows of a query, if there is one and this caller may read it; otherwise throws. */
  function admitReader({ role, publicKey }: Caller, rows: readonly unknown[]): Session {
    const [session] = readSessions(rows);
    if (!session || (role === 'reader' && session.readerKey !== publicKey)) {
      throw new RelayProblem('mailbox/not-found');
    }
    return session;
  }

  async function openSession(caller: Caller): Promise<Session> {
    const [rows = []] = await read(database, [selectSession(database, caller.sessionId)]);
    return admitReader(caller, rows);
  }

  /** The session, if it has not been deleted ([MB21]). */
  async function openKept(caller: Caller): Promise<Session> {
    const session = await openSession(caller);
    if (session.tombstone !== null) throw new RelayProblem('mailbox/deleted');
    return session;
  }

  /** A reader's key opens nothing here; to those who do not have even that, nothing is said of the session. */
  async function admitWriter(caller: Caller): Promise<void> {
    if (caller.role === 'writer') return;
    await openSession(caller);
    throw new RelayProblem('access/scope');
  }

  /** Checks everything about envelopes that are to be kept that needs no look at what is there. */
  async function admit(caller: Caller, envelopes: readonly Uint8Array<ArrayBuffer>[]): Promise<Incoming[]> {
    const incoming: Incoming[] = [];
    for (const bytes of envelopes) incoming.push(await readIncoming(caller.sessionId, bytes));
    await verifyIncoming(caller.publicKey, incoming);
    return incoming;
  }

  return {
    async authorize(caller) {
      if (caller.role === 'reader') await openSession(caller);
    },

    authorizeWriter: admitWriter,

    async pull(caller, after, epoch) {
      const admit = (rows: readonly unknown[]) => admitReader(caller, rows);
      const { session, log } = await pullLog(database, caller, admit, after, epoch);
      const visit = noteVisit(database, session, dayOf(now()), caller.reader);
      // Nobody is to go without an answer for a note that the next pull makes as well.
      if (visit) await read(database, [visit]).catch((error: unknown) => options.report?.(error));
      return log;
    },

    async append(caller, envelopes) {
      await admitWriter(caller);
      const size = envelopes.reduce((sum, { length }) => sum + length, 0);
      const limit = envelopes.length > 1 ? BATCH_BYTES : MAILBOX_LIMITS.requestBytes;
      if (size > limit) throw new RelayProblem('mailbox/too-large');
      if (envelopes.length === 0 || envelopes.length > MAILBOX_LIMITS.appendEnvelopes) {
        throw new RelayProblem('mailbox/malformed');
      }
      const incoming = await admit(caller, envelopes);
      const { session, seqs, fresh } = await appendEnvelopes(options, caller, incoming);
      const told = fresh.reduce((sum, { bytes }) => sum + bytes.length, 0) <= MAILBOX_LIMITS.notifiedBytes;
      return {
        answer: { epoch: session.epoch, head: session.head, seqs: [...seqs] },
        frame: frameOf(session, told ? fresh : []),
        isNew: fresh.length > 0,
      };
    },

    async putSnapshot(caller, envelope) {
      await admitWriter(caller);
      const [incoming] = await admit(caller, [envelope]);
      if (!incoming) throw new RelayProblem('mailbox/malformed');
      const { session, isNew } = await replaceSnapshot(options, caller, incoming);
      const { id, header } = incoming;
      const covers = header.kind === 'snapshot' ? header.covers : 0;
      return {
        answer: { epoch: session.epoch, head: session.head, current: { id, covers } },
        frame: frameOf(session, []),
        isNew,
      };
    },

    async listSnapshots(caller) {
      await openKept(caller);
      const [rows = []] = await read(database, [selectSnapshots(database, caller)]);
      return {
        snapshots: readSnapshots(rows).map(({ id, covers, size, at }) => ({ id, covers, size, at })),
      };
    },

    async readSnapshot(caller, id) {
      const { epoch } = await openKept(caller);
      const [rows = []] = await read(database, [selectSnapshots(database, caller)]);
      const snapshot = readSnapshots(rows).find((kept) => kept.id === id);
      if (!snapshot) throw new RelayProblem('mailbox/not-found');
      return { size: snapshot.size, body: () => readStored(database, epoch, snapshot) };
    },

    sweep(rows = SWEPT_ROWS) {
      return sweepDatabase(options, rows);
    },
  };
}

function frameOf(session: Session, fresh: readonly Incoming[]): Told<unknown>['frame'] {
  const { id, epoch, head, snapshot, covers } = session;
  return {
    type: 'mailbox',
    topic: mailboxTopic(id),
    epoch,
    head,
    current: snapshot === null || covers === null ? null : { id: snapshot, covers },
    envelopes: fresh.map(({ bytes }) => encodeBase64url(bytes)),
  };
}
