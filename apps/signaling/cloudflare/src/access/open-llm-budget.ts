import type { Env } from '../env.ts';
import type { LlmBudget } from './llm-budget-object.ts';

/** The one object that knows what this relay's advisor has taken today. */
export function openLlmBudget({ LLM_BUDGET }: Env): DurableObjectStub<LlmBudget> {
  return LLM_BUDGET.getByName('llm-budget');
}
