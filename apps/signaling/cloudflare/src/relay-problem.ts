import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';

/** The relay refuses, or cannot do, what was asked. Its message holds nothing of the request. */
export class RelayProblem extends Error {
  override readonly name = 'RelayProblem';
  readonly code: ProblemCode;
  /** In how many seconds to try again, where that is known. */
  readonly retryAfter: number | null;

  constructor(code: ProblemCode, retryAfter: number | null = null, options?: ErrorOptions) {
    super(PROBLEMS[code].detail, options);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}
