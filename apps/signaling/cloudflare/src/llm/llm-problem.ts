import type { LlmProblemCode } from '@parley/signaling/llm-problems';
import { RelayProblem } from '../relay-problem.ts';

/** A question that the relay does not take, or that nobody answered. */
export class LlmProblem extends RelayProblem {
  /** Which parameter it is about, like `messages.3.content`; null where it is about none. */
  readonly parameter: string | null;

  constructor(
    code: LlmProblemCode,
    options: {
      readonly retryAfter?: number | null;
      readonly parameter?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    const { retryAfter = null, parameter = null, cause } = options;
    super(code, retryAfter, cause === undefined ? undefined : { cause });
    this.parameter = parameter;
  }
}
