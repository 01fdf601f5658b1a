import { describe, expect, it } from 'vitest';
import type { LlmLimits, LlmUsage, Taken } from '../access/llm-budget.ts';
import { answerOwner, answerSession } from './usage-answer.ts';

const NOW = Date.UTC(2026, 10, 22, 23, 59, 30);
const DAY = 20_779;

const LIMITS: LlmLimits = {
  relay: { tokens: 1_000, money: 10_000_000, streams: 10 },
  network: { tokens: 500, money: 5_000_000, streams: 5 },
  session: { tokens: 250, money: 2_500_000, streams: 2 },
};

const taken = (tokens: number, money: number, streams: number): Taken => ({
  ...{ questions: 3, tokens, money, streams },
});

const usage = (changes: Partial<LlmUsage['taken']> = {}, isOff = false): LlmUsage => ({
  ...{ day: DAY, isOff },
  taken: {
    ...{ relay: taken(100, 1_000_000, 1), network: taken(90, 900_000, 1), session: taken(80, 500_000, 1) },
    ...changes,
  },
});

describe('a session', () => {
  it('[LLM15] is told its own figures, and when they begin anew', () => {
    expect(answerSession(usage(), LIMITS, NOW)).toEqual({
      ...{ day: '2026-11-22', resetsIn: 30, isOff: false },
      session: {
        questions: 3,
        tokens: { taken: 80, allowed: 250 },
        usd: { taken: 0.5, allowed: 2.5 },
        streams: { taken: 1, allowed: 2 },
      },
      left: { tokens: 170, usd: 2, streams: 1 },
    });
  });

  it('[LLM15] what is left is the least of all allowances, each for itself', () => {
    const busy = { network: taken(450, 0, 0), relay: taken(0, 9_999_999, 10) };
    expect(answerSession(usage(busy), LIMITS, NOW).left).toEqual({ tokens: 50, usd: 0.000001, streams: 0 });
  });

  it('[LLM15] nothing is left where an allowance was lowered', () => {
    const beyond = { session: taken(300, 3_000_000, 3) };
    expect(answerSession(usage(beyond), LIMITS, NOW).left).toEqual({ tokens: 0, usd: 0, streams: 0 });
  });

  it('[LLM15] without a network, the network’s allowance is none', () => {
    const limits = { ...LIMITS, network: taken(0, 0, 0) };
    expect(answerSession(usage({ network: null }), limits, NOW).left).toEqual({
      tokens: 170,
      usd: 2,
      streams: 1,
    });
  });

  it('[LLM15] [LLM16] is told that the advisor is off, and nothing of the others', () => {
    const answer = answerSession(usage({}, true), LIMITS, NOW);
    expect(answer.isOff).toBe(true);
    expect(Object.keys(answer).sort()).toEqual(['day', 'isOff', 'left', 'resetsIn', 'session']);
  });
});

it('[LLM15] the owner is told what the relay has spent, and of no session', () => {
  expect(answerOwner(usage({}, true), LIMITS, NOW)).toEqual({
    ...{ day: '2026-11-22', resetsIn: 30, isOff: true },
    relay: {
      questions: 3,
      tokens: { taken: 100, allowed: 1_000 },
      usd: { taken: 1, allowed: 10 },
      streams: { taken: 1, allowed: 10 },
    },
  });
});
