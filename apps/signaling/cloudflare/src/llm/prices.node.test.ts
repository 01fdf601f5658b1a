import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chargeFor, readPrices } from './prices.ts';
import { WORKERS_AI_MODEL } from './providers.ts';

it.each([undefined, '', ' \n', '{}'])('[LLM11] from %j, the price of Workers AI’s model is known', (json) => {
  expect([...readPrices(json).keys()]).toEqual([WORKERS_AI_MODEL]);
});

it('[LLM11] what is told goes before what is known', () => {
  const prices = readPrices(
    `{"${WORKERS_AI_MODEL}":{"input":0,"output":1},"a":{"input":0.25,"output":10000},"__proto__":{"input":1,"output":1}}`,
  );
  expect(prices.get(WORKERS_AI_MODEL)).toEqual({ input: 0, output: 1 });
  expect(prices.get('a')).toEqual({ input: 0.25, output: 10_000 });
  expect(prices.get('toString')).toBeUndefined();
});

it.each([
  [1_000_000, 1_000_000, 0.25, 2, 2_250_000],
  [1, 0, 0.25, 2, 1],
  [3, 1, 0.25, 0, 1],
  [5, 0, 0.25, 0, 2],
  [0, 0, 5, 25, 0],
  [100, 100, 0, 0, 0],
])(
  '[LLM11] %i and %i tokens for $%d and $%d are %i millionths',
  (input, output, forInput, forOutput, money) => {
    const charge = chargeFor({ input, output }, { input: forInput, output: forOutput });
    expect(charge).toEqual({ tokens: input + output, money });
  },
);

it('[LLM11] a charge is whole, and no less than the price', () => {
  const tokens = fc.nat(3_000_000);
  const dollars = fc.double({ min: 0, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(tokens, tokens, dollars, dollars, (input, output, forInput, forOutput) => {
      const { money } = chargeFor({ input, output }, { input: forInput, output: forOutput });
      const exact = input * forInput + output * forOutput;
      expect(Number.isSafeInteger(money)).toBe(true);
      expect(money - exact).toBeGreaterThanOrEqual(0);
      expect(money - exact).toBeLessThanOrEqual(1);
    }),
  );
});
