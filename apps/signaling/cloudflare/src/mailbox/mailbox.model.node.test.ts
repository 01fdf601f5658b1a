import { DatabaseSync } from 'node:sqlite';
import { EMPTY_CHAIN, extendChain, hashEnvelope, parseEnvelope } from '@parley/signaling/envelope';
import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { Author } from '../../test/author.ts';
import { Bench, type Failure } from '../../test/mailbox-bench.ts';
import { RelayProblem } from '../relay-problem.ts';
import { DAY } from './day.ts';
import { openSqliteMailbox } from './sqlite.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const SESSION_BYTES = 4_000;

/** What somebody who follows the log has: the position, and up to where a snapshot has told the rest. */
interface Follower {
  epoch: string | null;
  seq: number;
  /** Null where the way there was not told. */
  chain: string | null;
}

/** What the log has to be, kept apart from the code under test. */
class Model {
  readonly bench: Bench;
  readonly author: Author;
  /** The envelope at every seq, from 1 on. */
  readonly log: Bytes[] = [];
  /** When the body at a seq was out of reach. */
  readonly goneAt: number[] = [];
  /** The chain at every seq, from 0 on. */
  readonly chains: string[] = [EMPTY_CHAIN];
  current: { id: string; covers: number; bytes: Bytes } | null = null;
  epoch: string | null = null;
  readonly followers: Follower[] = [1, 2].map(() => ({ epoch: null, seq: 0, chain: EMPTY_CHAIN }));

  constructor(author: Author) {
    this.author = author;
    this.bench = new Bench(openSqliteMailbox(new DatabaseSync(':memory:')), {
      ...{ sessionBytes: SESSION_BYTES, sessionEnvelopesPerMinute: 1e9, retentionDays: 1e6 },
      ...{ dailySessions: 1e9, dailyBytes: 1e12, dailyRows: 1e9 },
    });
  }

  /** Does something, with a failure of the database in one of its batches; and once more, without, if it came to nothing. */
  async attempt<Answer>(
    failure: [number, Failure] | null,
    act: () => Promise<Answer>,
  ): Promise<Answer | string> {
    const { database } = this.bench;
    if (failure) database.failures.set(database.batches + failure[0], failure[1]);
    const codeOf = (error: unknown) => {
      if (error instanceof RelayProblem) return error.code;
      throw error;
    };
    let outcome = await act().catch(codeOf);
    database.failures.clear();
    if (outcome === 'relay/unavailable') outcome = await act().catch(codeOf);
    return outcome;
  }

  async append(sizes: readonly number[], repeats: readonly number[], failure: [number, Failure] | null) {
    const fresh = await Promise.all(sizes.map((size) => this.author.update(size)));
    const known = repeats.flatMap((pick) => {
      const seq = this.log.length === 0 ? 0 : 1 + (pick % this.log.length);
      const goneAt = this.goneAt[seq];
      return seq > 0 && (goneAt === undefined || this.bench.now - goneAt < 30 * DAY) ? [seq] : [];
    });
    const envelopes = [...known.map((seq) => this.log[seq - 1] as Bytes), ...fresh];
    if (envelopes.length === 0) return;
    const outcome = await this.attempt(failure, () => this.bench.append(this.author, ...envelopes));
    const covers = this.current?.covers ?? 0;
    const needed =
      (this.current?.bytes.length ?? 0) + sum(this.log.slice(covers)) + (fresh.length > 0 ? sum(fresh) : 0);
    if (fresh.length > 0 && needed > SESSION_BYTES && (await this.keptBytes()) + sum(fresh) > SESSION_BYTES) {
      expect(outcome).toBe('mailbox/quota-exceeded');
      return;
    }
    this.log.push(...fresh);
    for (const bytes of fresh) {
      this.chains.push(await extendChain(this.chains.at(-1) ?? '', await hashEnvelope(bytes)));
    }
    const head = this.log.length;
    expect(outcome).toMatchObject({
      head,
      seqs: [...known, ...fresh.map((_, index) => head - fresh.length + 1 + index)],
    });
    this.learnEpoch(outcome);
  }

  async putSnapshot(advance: number, size: number, failure: [number, Failure] | null) {
    const from = this.current?.covers ?? -1;
    const covers = from + 1 + (advance % (this.log.length - from + 2));
    const bytes = await this.author.snapshot(this.current?.id ?? null, covers, size);
    const before = await this.keptBytes();
    const outcome = await this.attempt(failure, () => this.bench.put(this.author, bytes));
    if (covers > this.log.length) {
      expect(outcome).toBe('mailbox/stale-snapshot');
      return;
    }
    const least = bytes.length + sum(this.log.slice(covers));
    if (least > SESSION_BYTES && least >= before) {
      expect(outcome).toBe('mailbox/quota-exceeded');
      return;
    }
    this.current = { id: parseEnvelope(bytes).header.id, covers, bytes };
    expect(outcome).toMatchObject({ current: { id: this.current.id, covers } });
    this.learnEpoch(outcome);
  }

  async keptBytes(): Promise<number> {
    const [row] = await this.bench.database.query('SELECT bytes FROM sessions');
    return Number(row?.['bytes'] ?? 0);
  }

  learnEpoch(outcome: unknown): void {
    const { epoch } = outcome as { epoch: string };
    this.epoch ??= epoch;
    expect(epoch).toBe(this.epoch);
  }

  /** One pull, of which everything is checked ([MB8], [MB9]). */
  async follow(follower: Follower): Promise<void> {
    if (this.epoch === null) return;
    const { header, snapshot, entries } = await this.bench.pull(this.author, follower.seq, follower.epoch);
    expect(header).toMatchObject({ epoch: this.epoch, head: this.log.length, tombstone: null });
    expect(header.current).toEqual(this.current && { id: this.current.id, covers: this.current.covers });
    if (snapshot) expect(snapshot).toEqual(this.current?.bytes);
    else expect(header.first).toBe(follower.seq + 1);
    let { chain } = header.first === follower.seq + 1 ? follower : { chain: null };
    let seq = header.first - 1;
    for (const entry of entries) {
      seq += 1;
      expect(entry.seq).toBe(seq);
      const bytes = this.log[seq - 1] as Bytes;
      const hash = await hashEnvelope(bytes);
      if ('bytes' in entry) expect(entry.bytes).toEqual(bytes);
      else {
        expect(snapshot).not.toBeNull();
        expect(seq).toBeLessThanOrEqual(this.current?.covers ?? 0);
        expect(entry.hash).toBe(hash);
      }
      if (chain !== null) chain = await extendChain(chain, hash);
    }
    if (snapshot) expect(seq).toBeGreaterThanOrEqual(this.current?.covers ?? 0);
    if (chain !== null) expect(chain).toBe(this.chains[seq]);
    if (this.log.length > seq) expect(entries.length).toBeGreaterThan(0);
    Object.assign(follower, { epoch: this.epoch, seq, chain });
  }

  /** What has to be true at any time. */
  async check(): Promise<void> {
    if (this.epoch === null) return;
    const { database, now } = this.bench;
    const [session] = await database.query('SELECT bytes, head, bodies_after, hashes_after FROM sessions');
    const bodiesAfter = Number(session?.['bodies_after']);
    for (let seq = 1; seq <= bodiesAfter; seq++) this.goneAt[seq] ??= now;
    expect(bodiesAfter).toBeLessThanOrEqual(this.current?.covers ?? 0);
    const snapshots = (await this.bench.mailbox.listSnapshots(this.author.caller())).snapshots;
    expect(snapshots.length).toBeLessThanOrEqual(MAILBOX_LIMITS.snapshots);
    expect(snapshots[0]?.id).toBe(this.current?.id);
    const kept = sum(this.log.slice(bodiesAfter)) + snapshots.reduce((total, { size }) => total + size, 0);
    expect(session).toMatchObject({ head: this.log.length, bytes: kept });
    const rows = await database.query('SELECT seq, hash FROM log ORDER BY seq');
    const hashesAfter = Number(session?.['hashes_after']);
    expect(rows.filter(({ seq }) => Number(seq) > hashesAfter).map(({ seq }) => seq)).toEqual(
      Array.from({ length: this.log.length - hashesAfter }, (_, index) => hashesAfter + 1 + index),
    );
    for (let seq = 1; seq <= hashesAfter; seq++)
      expect(now - (this.goneAt[seq] ?? now)).toBeGreaterThanOrEqual(30 * DAY);
  }
}

function sum(envelopes: readonly Bytes[]): number {
  return envelopes.reduce((total, { length }) => total + length, 0);
}

const failure = fc.option(
  fc.tuple(fc.nat({ max: 5 }), fc.constantFrom<Failure>('before', 'after', 0, 1, 2, 3)),
  { freq: 2 },
);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      sizes: fc.array(fc.nat({ max: 400 }), { maxLength: 4 }),
      repeats: fc.array(fc.nat(), { maxLength: 2 }),
      failure,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('snapshot' as const),
      advance: fc.nat(),
      size: fc.nat({ max: 800 }),
      failure,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('follow' as const), who: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), who: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.nat({ max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sweep' as const), rows: fc.constantFrom(1, 3, 1_000) }),
  },
);

let author: Author;
beforeAll(async () => {
  author = await Author.create();
});

it('[MB5] [MB7] [MB8] [MB9] [MB10] [MB13] [MB14] [MB15] [MB17] whatever happens, the log is what a log has to be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const model = new Model(author);
      for (const action of steps) {
        if (action.do === 'append') await model.append(action.sizes, action.repeats, action.failure);
        else if (action.do === 'snapshot')
          await model.putSnapshot(action.advance, action.size, action.failure);
        else if (action.do === 'follow') await model.follow(model.followers[action.who] as Follower);
        else if (action.do === 'wait') model.bench.wait(action.days * DAY);
        else if (action.do === 'sweep') await model.bench.mailbox.sweep(action.rows);
        else model.followers[action.who] = { epoch: null, seq: 0, chain: EMPTY_CHAIN };
        await model.check();
      }
      for (const follower of model.followers) {
        for (let pulls = 0; follower.seq < model.log.length; pulls++) {
          expect(pulls).toBeLessThan(5);
          await model.follow(follower);
        }
      }
    }),
    { numRuns: 150 },
  );
});
