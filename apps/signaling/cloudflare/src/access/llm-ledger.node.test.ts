import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DatabaseFailure, LedgerBench } from '../../test/ledger-bench.ts';
import { DAY } from '../mailbox/day.ts';
import type { Allowance, ReserveRequest, Verdict } from './llm-budget.ts';

const LIFETIME = 600_000;
const PARTY = { sessionId: 'ada', prefix: '192.0.2.7' };
const PLENTY: Allowance = { tokens: 1_000_000, money: 1_000_000, streams: 1_000 };
const ONE_STREAM = { ...PLENTY, streams: 1 };

let database: DatabaseSync;
let bench: LedgerBench;
beforeEach(() => {
  database = new DatabaseSync(':memory:');
  bench = new LedgerBench(database);
});

const reserve = (changes: Partial<ReserveRequest> = {}): Promise<Verdict> =>
  bench.ledger.reserve({
    ...PARTY,
    worst: { tokens: 100, money: 10 },
    limits: { relay: PLENTY, session: PLENTY, network: PLENTY },
    lifetime: LIFETIME,
    ...changes,
  });

/** The id of something that is held. */
async function hold(changes: Partial<ReserveRequest> = {}): Promise<string> {
  const verdict = await reserve(changes);
  if (!('id' in verdict)) throw new Error(`refused: ${verdict.refusal.of}`);
  return verdict.id;
}

const takenNow = async () => (await bench.ledger.usage(PARTY)).taken;

const rows = (table: string) => database.prepare(`SELECT * FROM ${table}`).all();

describe('settling', () => {
  it('[LLM12] counts what was used in place of what was held, for all who were charged', async () => {
    bench.ledger.settle(await hold(), { tokens: 30, money: 4 });
    const taken = { tokens: 30, money: 4, streams: 0, questions: 1 };
    expect(await takenNow()).toEqual({ relay: taken, session: taken, network: taken });
    expect((await bench.ledger.usage({ sessionId: 'eve', prefix: null })).taken).toEqual({
      ...{ relay: taken, session: { tokens: 0, money: 0, streams: 0, questions: 0 }, network: null },
    });
  });

  it('[LLM12] happens once, and never for what nobody has reserved', async () => {
    const [id] = [await hold(), await hold()];
    bench.ledger.settle(id, { tokens: 30, money: 4 });
    bench.ledger.settle(id, { tokens: 0, money: 0 });
    bench.ledger.settle('unknown', { tokens: 0, money: 0 });
    expect((await takenNow()).relay).toEqual({ tokens: 130, money: 14, streams: 1, questions: 2 });
  });

  it.each([
    ['before it is forgotten', () => undefined],
    ['after it was forgotten', () => bench.ledger.sweep()],
  ])('[LLM13] changes nothing after the lifetime of the answer, %s', async (_, forget) => {
    const id = await hold();
    bench.now += LIFETIME;
    forget();
    bench.ledger.settle(id, { tokens: 1, money: 1 });
    expect((await takenNow()).relay).toEqual({ tokens: 100, money: 10, streams: 0, questions: 1 });
  });

  it('[LLM11] gives back to the day of the question only', async () => {
    bench.now = 20_001 * DAY - 1;
    const id = await hold();
    bench.now += 1;
    const other = await hold();
    bench.ledger.settle(id, { tokens: 0, money: 0 });
    expect((await takenNow()).relay).toEqual({ tokens: 100, money: 10, streams: 1, questions: 1 });
    bench.ledger.settle(other, { tokens: 1, money: 1 });
    expect((await takenNow()).relay).toEqual({ tokens: 1, money: 1, streams: 0, questions: 1 });
  });
});

describe('days', () => {
  beforeEach(() => {
    bench.now = 20_001 * DAY - 1_000;
  });

  it('[LLM11] the answers of yesterday that are being given still count as such, for each of the payers', async () => {
    await hold();
    bench.now += 2_000;
    for (const by of ['session', 'network', 'relay'] as const) {
      const limits = { relay: PLENTY, session: PLENTY, network: PLENTY, [by]: ONE_STREAM };
      expect(await reserve({ limits })).toEqual({ refusal: { of: 'streams', by, retryAfter: 5 } });
    }
    expect((await takenNow()).session).toEqual({ tokens: 0, money: 0, streams: 1, questions: 0 });
  });

  it('[LLM14] salts and hashes of yesterday go when nothing of it is being answered', async () => {
    const id = await hold();
    const [before] = rows('days');
    bench.now += 2_000;
    bench.ledger.sweep();
    expect(rows('taken')).toEqual([]);
    expect(rows('days')).toEqual([before, { day: 20_001, salt: expect.any(String) }]);
    bench.now += LIFETIME;
    bench.ledger.sweep();
    expect(rows('reservations')).toEqual([]);
    expect(rows('days')).toEqual([{ day: 20_001, salt: expect.any(String) }]);
    expect(rows('days')).not.toMatchObject([{ salt: before?.['salt'] }]);
    bench.ledger.settle(id, { tokens: 0, money: 0 });
    expect(rows('taken')).toEqual([]);
  });

  it('[LLM14] a salt that was deleted is used no more', async () => {
    await hold();
    bench.now += 2_000;
    await takenNow();
    const digest = vi.spyOn(crypto.subtle, 'digest');
    await takenNow();
    expect(digest).toHaveBeenCalledTimes(4);
    bench.now += LIFETIME;
    bench.ledger.sweep();
    digest.mockClear();
    await takenNow();
    expect(digest).toHaveBeenCalledTimes(2);
    digest.mockRestore();
  });

  it('[LLM11] a day that begins while names are hashed has its own figures and names', async () => {
    await hold();
    const late = hold();
    bench.now += 1_000;
    await late;
    const { day, taken } = await bench.ledger.usage(PARTY);
    expect(day).toBe(20_001);
    expect(taken.session).toEqual({ tokens: 100, money: 10, streams: 2, questions: 1 });
    expect(rows('taken')).toHaveLength(3);
  });

  it('[LLM11] a clock that goes back does not bring back yesterday with all of its allowance', async () => {
    bench.now += 1_000;
    await hold();
    bench.now -= 1;
    expect(await bench.ledger.usage(PARTY)).toMatchObject({ day: 20_001, taken: { relay: { tokens: 100 } } });
  });

  it('[LLM11] a day that has begun without the ledger being told has begun, whatever the clock says then', async () => {
    await hold();
    bench.now += 1_000;
    bench.fail('after');
    await expect(takenNow()).rejects.toThrow(DatabaseFailure);
    bench.now -= 1;
    expect(await bench.ledger.usage(PARTY)).toMatchObject({
      day: 20_001,
      taken: { relay: { questions: 0 } },
    });
  });
});

describe('waking', () => {
  it('[LLM13] at the end of the first lifetime, or of the day', async () => {
    await hold();
    await hold({ lifetime: 1_000 });
    await hold();
    expect(bench.wakes).toEqual([LIFETIME, 1_000, 1_000].map((lifetime) => bench.now + lifetime));
    bench.now += LIFETIME;
    bench.ledger.sweep();
    expect(bench.wakes.at(-1)).toBe(20_001 * DAY);
    bench.now = 20_001 * DAY - 1;
    await hold();
    expect(bench.wakes.at(-1)).toBe(20_001 * DAY);
    bench.now += 1;
    bench.ledger.sweep();
    expect(bench.wakes.at(-1)).toBe(20_001 * DAY + LIFETIME - 1);
    bench.now += LIFETIME;
    const wakes = bench.wakes.length;
    bench.ledger.sweep();
    expect(bench.wakes).toHaveLength(wakes);
  });

  it('[LLM11] not for a question that is refused, nor for figures', async () => {
    const none = { ...PLENTY, tokens: 0 };
    await reserve({ limits: { relay: none, session: PLENTY, network: PLENTY } });
    await takenNow();
    bench.ledger.sweep();
    expect(bench.wakes).toEqual([]);
  });
});

it('[LLM16] switched off, nothing is let through until it is on again', async () => {
  bench.ledger.turn(true);
  bench.ledger.turn(true);
  expect(await reserve()).toEqual({ refusal: { of: 'switch' } });
  expect(await bench.open().usage(PARTY)).toMatchObject({ isOff: true, taken: { relay: { questions: 0 } } });
  bench.ledger.turn(false);
  await hold();
});

it('[LLM14] a session and an IP prefix of the same name are two', async () => {
  await hold({ sessionId: 'name', prefix: 'name' });
  expect(rows('taken')).toHaveLength(3);
});

it('[LLM11] amounts of no use are thrown at whoever brings them, and nothing is held', async () => {
  await expect(reserve({ worst: { tokens: NaN, money: 0 } })).rejects.toThrow(RangeError);
  expect(rows('reservations')).toEqual([]);
});
