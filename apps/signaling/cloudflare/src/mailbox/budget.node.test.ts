import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payInAdvance, prefixLimits, PURCHASE_ROWS, useCredit, type Cost, type Credit } from './budget.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const NOTHING: Cost = { sessions: 0, bytes: 0, rows: 0, turn: 0 };

describe('credit', () => {
  it('[MB19] is used up, and not more', () => {
    const credit = { day: 5, bytes: 100, rows: 10 };
    expect(useCredit({ sessions: 0, bytes: 100, rows: 4 }, credit, 5)).toEqual({ day: 5, bytes: 0, rows: 6 });
    expect(useCredit({ sessions: 0, bytes: 101, rows: 4 }, credit, 5)).toBeNull();
    expect(useCredit({ sessions: 0, bytes: 100, rows: 11 }, credit, 5)).toBeNull();
  });

  it('[MB19] is good for its day, and never for a new session', () => {
    const credit = { day: 5, bytes: 100, rows: 10 };
    expect(useCredit(NOTHING, credit, 6)).toBeNull();
    expect(useCredit({ ...NOTHING, sessions: 1 }, credit, 5)).toBeNull();
  });
});

describe('payment', () => {
  it('[MB19] is in steps, a small one first', () => {
    const cost = { sessions: 1, bytes: 200, rows: 4 };
    const spent = { kept: 0, relay: NOTHING, prefix: null };
    const first = payInAdvance(cost, { day: 0, bytes: 0, rows: 0 }, 5, spent, DEFAULT_LIMITS);
    expect(first).toEqual({
      paid: { sessions: 1, bytes: 32_768, rows: 20, turn: 0 },
      credit: { day: 5, bytes: 32_568, rows: 13 },
    });
    const later = payInAdvance(
      { sessions: 0, bytes: 40_000, rows: 3 },
      first?.credit as Credit,
      5,
      spent,
      DEFAULT_LIMITS,
    );
    expect(later).toEqual({
      paid: { sessions: 0, bytes: 262_144, rows: 0, turn: 0 },
      credit: { day: 5, bytes: 32_568 + 262_144 - 40_000, rows: 13 - 3 - PURCHASE_ROWS },
    });
  });

  it('[MB19] is exact where a step is more than is left', () => {
    const limits = { ...DEFAULT_LIMITS, dailyRows: 11 };
    const payment = payInAdvance(
      { sessions: 0, bytes: 1, rows: 4 },
      { day: 0, bytes: 0, rows: 0 },
      5,
      { kept: 0, relay: { ...NOTHING, rows: 4 }, prefix: null },
      limits,
    );
    expect(payment).toEqual({
      paid: { sessions: 0, bytes: 1, rows: 7, turn: 0 },
      credit: { day: 5, bytes: 0, rows: 0 },
    });
  });

  it('[MB19] fits into what the relay keeps, of which new sessions have nine tenths', () => {
    const limits = { ...DEFAULT_LIMITS, totalBytes: 1_000 };
    const pay = (sessions: number, bytes: number, kept: number) =>
      payInAdvance(
        { sessions, bytes, rows: 1 },
        { day: 0, bytes: 0, rows: 0 },
        5,
        { kept, relay: NOTHING, prefix: null },
        limits,
      )?.paid.bytes;
    expect(pay(0, 100, 900)).toBe(100);
    expect(pay(0, 101, 900)).toBeUndefined();
    expect(pay(1, 100, 800)).toBe(100);
    expect(pay(1, 101, 800)).toBeUndefined();
    // What takes no bytes is taken by a full relay, too.
    expect(pay(0, 0, 2_000)).toBe(0);
  });

  const amount = fc.nat({ max: 200 });
  const cost = fc.record({ sessions: fc.nat({ max: 1 }), bytes: amount, rows: amount, turn: amount });

  it('[MB19] never exceeds a budget or a prefix’s half of it, and covers the cost', () => {
    fc.assert(
      fc.property(
        cost,
        fc.record({ day: fc.nat({ max: 1 }), bytes: amount, rows: amount }),
        cost,
        fc.option(cost),
        fc.nat({ max: 4_000 }),
        (asked, credit, relay, prefix, budget) => {
          const limits = {
            ...DEFAULT_LIMITS,
            ...{ dailySessions: 20, dailyBytes: 2 * budget + 2, dailyRows: budget + 10 },
          };
          const payment = payInAdvance(asked, credit, 1, { kept: 0, relay, prefix }, limits);
          if (!payment) return;
          const { paid, credit: left } = payment;
          expect(left.bytes).toBeGreaterThanOrEqual(0);
          expect(left.rows).toBeGreaterThanOrEqual(0);
          const held = credit.day === 1 ? credit : { bytes: 0, rows: 0 };
          expect(left.bytes).toBe(held.bytes + paid.bytes - asked.bytes);
          expect(left.rows).toBe(held.rows + paid.rows - asked.rows - PURCHASE_ROWS);
          expect(relay.bytes + paid.bytes).toBeLessThanOrEqual(limits.dailyBytes);
          expect(relay.rows + paid.rows).toBeLessThanOrEqual(limits.dailyRows);
          expect(relay.sessions + paid.sessions).toBeLessThanOrEqual(limits.dailySessions);
          if (!prefix) return;
          const share = prefixLimits(limits);
          for (const what of ['sessions', 'bytes', 'rows'] as const) {
            expect(prefix[what] + paid[what]).toBeLessThanOrEqual(share[what]);
          }
        },
      ),
    );
  });
});
