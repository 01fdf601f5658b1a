import { describe, expect, it } from 'vitest';
import { DAY } from '../mailbox/day.ts';
import { checkAmounts, judgeQuestion, unusedOf, type LlmUsage, type Taken } from './llm-budget.ts';

const NOW = 20_000 * DAY + DAY / 2;
const PLENTY = { tokens: 1_000, money: 1_000, streams: 10 };
const NOTHING: Taken = { tokens: 0, money: 0, streams: 0, questions: 0 };
const WORST = { tokens: 100, money: 10 };

const limits = { session: PLENTY, network: PLENTY, relay: PLENTY };

const usage = (taken: Partial<LlmUsage['taken']> = {}, isOff = false): LlmUsage => ({
  ...{ day: 20_000, isOff },
  taken: { session: NOTHING, network: NOTHING, relay: NOTHING, ...taken },
});

const FULL: Taken = { tokens: 1_000, money: 1_000, streams: 10, questions: 30 };

describe('[LLM11] what is told of several reasons', () => {
  const judge = (taken: Partial<LlmUsage['taken']>, isOff = false) =>
    judgeQuestion({ worst: WORST, limits }, usage(taken, isOff), NOW, null);

  it('[LLM16] that the advisor is switched off, before all else', () => {
    expect(judge({ session: FULL }, true)).toEqual({ of: 'switch' });
  });

  it.each([
    ['streams', { ...FULL }],
    ['tokens', { ...FULL, streams: 9 }],
    ['money', { ...FULL, streams: 9, tokens: 900 }],
  ])('%s, of the nearest payer', (of, taken) => {
    const full = { session: taken, network: taken, relay: taken };
    expect(judge(full)).toMatchObject({ of, by: 'session' });
    expect(judge({ ...full, session: NOTHING })).toMatchObject({ of, by: 'network' });
    expect(judge({ relay: taken })).toMatchObject({ of, by: 'relay' });
    expect(judge({ ...full, session: NOTHING, network: null })).toMatchObject({ of, by: 'relay' });
  });

  it('nothing, up to the last token, dollar and stream', () => {
    const last = { tokens: 900, money: 990, streams: 9, questions: 9 };
    expect(judge({ session: last, network: last, relay: last })).toBeNull();
  });
});

describe('[LLM11] when to ask again', () => {
  it.each([
    ['a few seconds', null, 5],
    ['a few seconds', NOW + 60_000, 5],
    ['when an answer must be over', NOW + 2_001, 3],
    ['a second', NOW + 1, 1],
  ])('%s later where too many answers are being given', (_, nextEnd, retryAfter) => {
    const refusal = judgeQuestion({ worst: WORST, limits }, usage({ relay: FULL }), NOW, nextEnd);
    expect(refusal).toEqual({ of: 'streams', by: 'relay', retryAfter });
  });

  it('tomorrow where the allowance of a day is taken, or is too small for the question', () => {
    const relay = { ...NOTHING, tokens: 901 };
    const tomorrow = { of: 'tokens', retryAfter: 43_200 };
    expect(judgeQuestion({ worst: WORST, limits }, usage({ relay }), NOW, null)).toMatchObject(tomorrow);
    const large = { tokens: 1_001, money: 0 };
    expect(judgeQuestion({ worst: large, limits }, usage(), NOW, null)).toMatchObject(tomorrow);
  });
});

it('[LLM11] what costs nothing goes on where the allowance was lowered to less than what is taken', () => {
  const relay = { ...NOTHING, money: 2_000 };
  expect(judgeQuestion({ worst: { tokens: 1, money: 0 }, limits }, usage({ relay }), NOW, null)).toBeNull();
  expect(
    judgeQuestion({ worst: { tokens: 1, money: 1 }, limits }, usage({ relay }), NOW, null),
  ).toMatchObject({ of: 'money', by: 'relay' });
});

it('[LLM12] what is not used is given back: nothing of what took more, and nothing for nonsense', () => {
  expect(unusedOf(WORST, { tokens: 30, money: 4 })).toEqual({ tokens: 70, money: 6 });
  expect(unusedOf(WORST, { tokens: 0, money: 0 })).toEqual(WORST);
  expect(unusedOf(WORST, { tokens: 101, money: 4 })).toEqual({ tokens: 0, money: 6 });
  for (const nonsense of [NaN, -1, 0.5, Infinity, 2 ** 53]) {
    expect(unusedOf(WORST, { tokens: nonsense, money: 4 })).toEqual({ tokens: 0, money: 0 });
    expect(unusedOf(WORST, { tokens: 30, money: nonsense })).toEqual({ tokens: 0, money: 0 });
  }
});

it('[LLM11] amounts that cannot be counted exactly are a mistake of the caller', () => {
  const request = { sessionId: 's', prefix: null, worst: WORST, limits, lifetime: DAY };
  expect(() => checkAmounts(request)).not.toThrow();
  for (const nonsense of [NaN, -1, 0.5, Infinity, 2 ** 53]) {
    expect(() => checkAmounts({ ...request, worst: { ...WORST, tokens: nonsense } })).toThrow(RangeError);
    expect(() => checkAmounts({ ...request, worst: { ...WORST, money: nonsense } })).toThrow(RangeError);
    const network = { ...PLENTY, streams: nonsense };
    expect(() => checkAmounts({ ...request, limits: { ...limits, network } })).toThrow(RangeError);
    expect(() => checkAmounts({ ...request, lifetime: nonsense })).toThrow(RangeError);
  }
  expect(() => checkAmounts({ ...request, lifetime: 0 })).toThrow(RangeError);
  expect(() => checkAmounts({ ...request, lifetime: DAY + 1 })).toThrow(RangeError);
});
