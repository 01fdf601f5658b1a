import { VariableError } from '@parley/signaling/variables';
import * as z from 'zod/mini';
import type { Charge } from '../access/llm-budget.ts';
import { WORKERS_AI_MODEL } from './providers.ts';

/** US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** Tokens of a question and of its answer. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** What a model counts as whose price nobody has told: that of a large one. */
export const UNKNOWN_PRICE: Price = { input: 5, output: 25 };

/** Workers AI's price of its default, as stored copies of https://developers.cloudflare.com/workers-ai/platform/pricing/ had it in November 2026. */
const KNOWN_PRICES: Readonly<Record<string, Price>> = { [WORKERS_AI_MODEL]: { input: 0.06, output: 0.4 } };

const dollars = z.number().check(z.minimum(0), z.maximum(10_000));
const prices = z.record(z.string(), z.strictObject({ input: dollars, output: dollars }));

/**
 * Prices by model, as clients call it.
 *
 * @param json like `{"gpt-5-mini": {"input": 0.25, "output": 2}}`
 * @throws {VariableError} `LLM_PRICES`
 */
export function readPrices(json: string | undefined): ReadonlyMap<string, Price> {
  let told: z.infer<typeof prices> = {};
  if (json?.trim()) {
    try {
      told = prices.parse(JSON.parse(json));
    } catch {
      throw new VariableError(
        'LLM_PRICES',
        'US dollars for a million tokens by model, in JSON, like {"gpt-5-mini":{"input":0.25,"output":2}}',
      );
    }
  }
  return new Map(Object.entries({ ...KNOWN_PRICES, ...told }));
}

/** What so many tokens count as. */
export function chargeFor({ input, output }: Usage, price: Price): Charge {
  // Dollars for a million are millionths of a dollar for one.
  return { tokens: input + output, money: Math.ceil(input * price.input + output * price.output) };
}
