import { CATALOGUE, type RelayProblemCode } from './catalogue.ts';

/** The relay refuses, or cannot do, what was asked. Its message holds nothing of the request. */
export class RelayProblem extends Error {
  override readonly name = 'RelayProblem';
  readonly code: RelayProblemCode;
  /** In how many seconds to try again, where that is known. */
  readonly retryAfter: number | null;

  constructor(code: RelayProblemCode, retryAfter: number | null = null, options?: ErrorOptions) {
    super(CATALOGUE[code].detail, options);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}
