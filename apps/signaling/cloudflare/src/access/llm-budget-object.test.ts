import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { encodeBase64url } from '@parley/signaling/base64url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY } from '../mailbox/day.ts';
import type { LlmBudget } from './llm-budget-object.ts';
import type { Allowance, LlmUsage, Payer, ReserveRequest, Verdict } from './llm-budget.ts';
import { openLlmBudget } from './open-llm-budget.ts';

const SESSION = 'Q4vW1xM0Yz7sK2nR8tB6cA';
const PREFIX = '2001:db8:77:5500::/56';
const PARTY = { sessionId: SESSION, prefix: PREFIX };
const LIFETIME = 600_000;

/** Noon of a day that is far away, so that no alarm rings by itself. */
const TODAY = 40_000;
const NOON = TODAY * DAY + DAY / 2;

let name: string;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  name = crypto.randomUUID();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stub of an object that broke stays broken: each question opens its own, as each request does. */
const budget = () => env.LLM_BUDGET.getByName(name);

const PLENTY: Allowance = { tokens: 1_000_000, money: 1_000_000, streams: 1_000 };

const limitsOf = (changes: Partial<Record<Payer, Allowance>>) => ({
  ...{ session: PLENTY, network: PLENTY, relay: PLENTY },
  ...changes,
});

const question = (changes: Partial<ReserveRequest> = {}): ReserveRequest => ({
  ...PARTY,
  worst: { tokens: 100, money: 10 },
  limits: limitsOf({}),
  lifetime: LIFETIME,
  ...changes,
});

const reserve = (changes: Partial<ReserveRequest> = {}): Promise<Verdict> =>
  budget().reserve(question(changes));

/** The id of something that is held. */
async function hold(changes: Partial<ReserveRequest> = {}): Promise<string> {
  const verdict = await reserve(changes);
  if (!('id' in verdict)) throw new Error(`refused: ${verdict.refusal.of}`);
  return verdict.id;
}

const takenNow = async (): Promise<LlmUsage['taken']> => (await budget().usage(PARTY)).taken;

/** All rows of all tables, by the table's name. */
const readTables = () =>
  runInDurableObject(budget(), (_, { storage: { sql } }) => {
    const tables = sql.exec(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
    );
    return Object.fromEntries(
      tables
        .toArray()
        .map(({ name }) => [String(name), sql.exec(`SELECT * FROM "${String(name)}"`).toArray()]),
    );
  });

const nextAlarm = () => runInDurableObject(budget(), (_, { storage }) => storage.getAlarm());

/** Breaks the object, or only what it is doing, at the n-th time from now that it is to count what it has reserved. */
const breakAt = (reservation: number, what: 'object' | 'transaction') =>
  runInDurableObject(budget(), (_, ctx) => {
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    let left = reservation;
    vi.spyOn(sql, 'exec').mockImplementation((statement, ...values) => {
      if (statement.startsWith('INSERT INTO taken') && --left === 0) {
        if (what === 'object') ctx.abort('broken');
        throw new Error('broken');
      }
      return exec(statement, ...values);
    });
  });

describe('two hundred questions at once', () => {
  const FITS = 37;
  const kinds = [
    ['tokens', { ...PLENTY, tokens: FITS * 100 + 99 }],
    ['money', { ...PLENTY, money: FITS * 10 + 9 }],
    ['streams', { ...PLENTY, streams: FITS }],
  ] as const;
  const payers = [
    ['session', (_: number) => ({ prefix: null })],
    ['network', (index: number) => ({ sessionId: `session ${index}` })],
    ['relay', (index: number) => ({ sessionId: `session ${index}`, prefix: `10.0.0.${index}` })],
  ] as const;

  it.each(kinds.flatMap(([of, allowance]) => payers.map(([by, party]) => ({ of, by, allowance, party }))))(
    '[LLM11] $of of the $by: as many are let through as there is room for',
    async ({ of, by, allowance, party }) => {
      const limits = limitsOf({ [by]: allowance });
      const verdicts = await Promise.all(
        Array.from({ length: 200 }, (_, index) => reserve({ ...party(index), limits })),
      );
      expect(verdicts.filter((verdict) => 'id' in verdict)).toHaveLength(FITS);
      for (const verdict of verdicts) {
        if (!('id' in verdict)) expect(verdict.refusal).toMatchObject({ of, by });
      }
      expect((await takenNow()).relay).toEqual({
        ...{ tokens: FITS * 100, money: FITS * 10, streams: FITS, questions: FITS },
      });
    },
  );

  it('[LLM11] as many also when all of them are in the object before the first is decided', async () => {
    const limits = limitsOf({ relay: { ...PLENTY, tokens: FITS * 100 } });
    const verdicts = await runInDurableObject(budget(), (instance: LlmBudget) =>
      Promise.all(Array.from({ length: 200 }, () => instance.reserve(question({ limits })))),
    );
    expect(verdicts.filter((verdict) => 'id' in verdict)).toHaveLength(FITS);
    expect((await takenNow()).relay.questions).toBe(FITS);
  });

  it.each(['object', 'transaction'] as const)(
    '[LLM11] never more of them when each time another one breaks the %s, whatever restarts in between',
    async (what) => {
      // Room for more than come before the end.
      const room = 50;
      const limits = limitsOf({ relay: { ...PLENTY, tokens: room * 100 } });
      let held = 0;
      for (let round = 1; round <= 3; round++) {
        await breakAt(2 * round, what);
        const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => reserve({ limits })));
        held += outcomes.filter((outcome) => outcome.status === 'fulfilled' && 'id' in outcome.value).length;
        expect(outcomes.filter(({ status }) => status === 'rejected')).not.toEqual([]);
        const { session, network, relay } = await takenNow();
        const { questions } = relay;
        expect(relay).toEqual({
          ...{ tokens: questions * 100, money: questions * 10, streams: questions, questions },
        });
        expect([session, network]).toEqual([relay, relay]);
        // What was let through just before the break may have been told to nobody.
        expect(questions).toBeGreaterThanOrEqual(held);
        await evictDurableObject(budget());
      }
      const verdicts = await Promise.all(Array.from({ length: 200 }, () => reserve({ limits })));
      held += verdicts.filter((verdict) => 'id' in verdict).length;
      expect(held).toBeLessThanOrEqual(room);
      expect((await takenNow()).relay.questions).toBe(room);
    },
  );
});

it('[LLM11] [LLM12] [LLM16] an object that starts again keeps all figures, what is held, and the switch', async () => {
  const id = await hold();
  await hold();
  await budget().turn(true);
  const before = await budget().usage(PARTY);
  await evictDurableObject(budget());
  expect(await budget().usage(PARTY)).toEqual(before);
  expect(before).toMatchObject({ isOff: true, taken: { session: { tokens: 200, streams: 2 } } });
  expect(await reserve()).toEqual({ refusal: { of: 'switch' } });
  await budget().settle(id, { tokens: 30, money: 4 });
  await budget().turn(false);
  await evictDurableObject(budget());
  const taken = { tokens: 130, money: 14, streams: 1, questions: 2 };
  expect(await budget().usage({ sessionId: null, prefix: null })).toEqual({
    ...{ day: TODAY, isOff: false, taken: { session: null, network: null, relay: taken } },
  });
});

describe('the alarm', () => {
  it('[LLM13] forgets answers that must be over, and what they were charged stays', async () => {
    await hold();
    expect(await nextAlarm()).toBe(NOON + LIFETIME);
    vi.setSystemTime(NOON + LIFETIME);
    expect(await runDurableObjectAlarm(budget())).toBe(true);
    expect((await readTables())['reservations']).toEqual([]);
    expect((await takenNow()).session).toEqual({ tokens: 100, money: 10, streams: 0, questions: 1 });
    expect(await nextAlarm()).toBe((TODAY + 1) * DAY);
  });

  it('[LLM14] deletes what is kept of a day when it is over, and rings no more when nothing is left', async () => {
    await hold();
    vi.setSystemTime((TODAY + 1) * DAY);
    expect(await runDurableObjectAlarm(budget())).toBe(true);
    expect(await readTables()).toEqual({
      ...{
        days: [{ day: TODAY + 1, salt: expect.any(String) }],
        reservations: [],
        taken: [],
        switched_off: [],
      },
    });
    expect(await nextAlarm()).toBeNull();
  });

  it('[LLM13] is set once for many answers, and again when it was too early', async () => {
    await hold();
    const setAlarm = await runInDurableObject(budget(), (_, { storage }) => vi.spyOn(storage, 'setAlarm'));
    vi.setSystemTime(NOON + 1_000);
    const id = await hold();
    await hold();
    await budget().settle(id, { tokens: 1, money: 1 });
    expect(setAlarm).not.toHaveBeenCalled();
    vi.setSystemTime(NOON + LIFETIME);
    await runDurableObjectAlarm(budget());
    expect(await nextAlarm()).toBe(NOON + 1_000 + LIFETIME);
  });

  it('[LLM13] is set by an object that starts again with answers that it did not let through', async () => {
    await hold();
    await evictDurableObject(budget());
    vi.setSystemTime(NOON + 1_000);
    await hold();
    expect(await nextAlarm()).toBe(NOON + LIFETIME);
  });
});

it('[LLM14] sessions and IP prefixes are nowhere but as hashes, with other salts every day and in every object', async () => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(SESSION));
  const hashes = new Set<unknown>();
  const first = name;
  for (const [day, object] of [
    [0, 'first'],
    [1, 'first'],
    [1, 'second'],
  ] as const) {
    vi.setSystemTime(NOON + day * DAY);
    name = `${object} ${first}`;
    await hold();
    const tables = await readTables();
    const text = JSON.stringify(tables);
    expect(text).not.toContain(SESSION);
    expect(text).not.toContain('2001:db8');
    expect(text).not.toContain(encodeBase64url(new Uint8Array(digest)));
    for (const { payer } of tables['taken'] ?? []) hashes.add(payer);
  }
  expect(hashes.delete('relay')).toBe(true);
  expect(hashes.size).toBe(6);
});

it('[LLM11] there is one object for the relay', () => {
  expect(openLlmBudget(env).id.equals(openLlmBudget(env).id)).toBe(true);
});
