import { DatabaseSync } from 'node:sqlite';
import { encodeBase64url } from '@parley/signaling/base64url';
import { encodeLog, decodeLog, type Log, type MailboxFrame } from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import {
  createMailbox,
  DEFAULT_LIMITS,
  RelayProblem,
  type Caller,
  type Mailbox,
  type MailboxDatabase,
  type MailboxLimits,
} from '@parley/relay/mailbox';
import { openSqliteMailbox } from '@parley/relay/sqlite';
import type { VirtualClock } from './clock.ts';
import { SeededRandom } from './random.ts';

type Write =
  | { readonly type: 'append'; readonly caller: Caller; readonly envelopes: Uint8Array<ArrayBuffer>[] }
  | { readonly type: 'snapshot'; readonly caller: Caller; readonly envelope: Uint8Array<ArrayBuffer> };

/** A database that fails now and then: before it has done anything, in the middle, or after the commit. */
function unreliable(
  database: MailboxDatabase,
  fails: () => 'before' | 'amid' | 'after' | null,
): MailboxDatabase {
  return {
    prepare: (sql) => database.prepare(sql),
    batch: async (statements) => {
      const failure = fails();
      if (failure === 'before') throw new Error('the database is not there');
      // Not JSON: SQLite finds out when it is that statement's turn.
      const broken = database.prepare(`SELECT json('{')`);
      if (failure === 'amid')
        return database.batch([...statements.slice(0, 1), broken, ...statements.slice(1)]);
      const answers = await database.batch(statements);
      if (failure === 'after') throw new Error('the connection broke');
      return answers;
    },
  };
}

/** The relay's own rules over a database in memory, which can be made anew or set back. */
export class SimulatedRelay {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly limits: { -readonly [Name in keyof MailboxLimits]: MailboxLimits[Name] };
  /** How often a batch fails. */
  failing = 0;
  #logs = 0;
  #version = 0;
  #writes: Write[] = [];
  #mailbox: Mailbox;
  /** Told about every envelope that was taken. */
  onTaken: (bytes: Uint8Array<ArrayBuffer>) => void = () => undefined;

  constructor(clock: VirtualClock, random: SeededRandom, limits: Partial<MailboxLimits> = {}) {
    this.#clock = clock;
    this.#random = random;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.#mailbox = this.#create();
  }

  /** Another one whenever what it holds may be other than before. */
  get version(): number {
    return this.#version;
  }

  /** How many writes there were. */
  get writes(): number {
    return this.#writes.length;
  }

  async pull(caller: Caller, after: number, epoch: string | null): Promise<Log> {
    const { header, bodies } = await this.#mailbox.pull(caller, after, epoch);
    const pieces: Uint8Array[] = [];
    for await (const piece of bodies()) pieces.push(piece);
    const log = decodeLog(encodeLog(header, pieces));
    if (!log) throw new Error('the relay wrote what nobody can read');
    return log;
  }

  async append(caller: Caller, envelopes: Uint8Array<ArrayBuffer>[]) {
    this.#version += 1;
    const told = await this.#mailbox.append(caller, envelopes);
    this.#version += 1;
    this.#writes.push({ type: 'append', caller, envelopes });
    for (const bytes of envelopes) this.onTaken(bytes);
    return told;
  }

  async putSnapshot(caller: Caller, envelope: Uint8Array<ArrayBuffer>) {
    this.#version += 1;
    const told = await this.#mailbox.putSnapshot(caller, envelope);
    this.#version += 1;
    this.#writes.push({ type: 'snapshot', caller, envelope });
    this.onTaken(envelope);
    return told;
  }

  /** Does something while its database fails nobody. */
  async withoutFailures<Result>(action: () => Promise<Result>): Promise<Result> {
    const { failing } = this;
    this.failing = 0;
    try {
      return await action();
    } finally {
      this.failing = failing;
    }
  }

  /** It takes as much as ever. */
  lift(): void {
    Object.assign(this.limits, DEFAULT_LIMITS);
  }

  /** The log is lost, as after a deletion: the next one has another epoch. */
  remake(): void {
    this.#logs += 1;
    this.#version += 1;
    this.#writes = [];
    this.#mailbox = this.#create();
  }

  /** A relay with the same log, as far as its first `writes` go. */
  async fork(writes: number): Promise<SimulatedRelay> {
    const other = new SimulatedRelay(this.#clock, this.#random, this.limits);
    other.#logs = this.#logs;
    other.#mailbox = other.#create();
    for (const write of this.#writes.slice(0, writes)) {
      if (write.type === 'append') await other.append(write.caller, write.envelopes);
      else await other.putSnapshot(write.caller, write.envelope);
    }
    other.onTaken = this.onTaken;
    return other;
  }

  #create(): Mailbox {
    // The same numbers for the same log, so that a copy of it has its epoch.
    const epochs = new SeededRandom(77 + this.#logs);
    const epoch = epochs.bytes(16);
    const database = unreliable(openSqliteMailbox(new DatabaseSync(':memory:')), () =>
      this.#random.chance(this.failing) ? this.#random.pick(['before', 'amid', 'after'] as const) : null,
    );
    return createMailbox({
      database,
      limits: this.limits,
      now: () => Math.floor(this.#clock.now),
      randomBytes: (length) => (length === 16 ? epoch.slice() : epochs.bytes(length)),
    });
  }
}

/** Whether the mailbox refuses: its code is none of the LLM proxy's. */
export function isProblem(error: unknown): error is RelayProblem & { readonly code: ProblemCode } {
  return error instanceof RelayProblem && Object.hasOwn(PROBLEMS, error.code);
}

export function callerOf(
  sessionId: string,
  role: 'writer' | 'reader',
  publicKey: Uint8Array,
  readerKey: Uint8Array,
): Caller {
  const reader = role === 'writer' ? { key: encodeBase64url(readerKey), at: 1 } : null;
  return { sessionId, role, publicKey: encodeBase64url(publicKey), reader, prefix: null };
}

export type RelayFrame = Extract<MailboxFrame, { type: 'mailbox' }>;
