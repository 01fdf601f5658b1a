import type { LlmProblemCode } from '@parley/signaling/llm-problems';

/** Why a provider gave no answer. */
export interface Failure {
  readonly code: LlmProblemCode;
  /** Whether another one, or the same one a little later, may do better ([LLM6]). */
  readonly isPassing: boolean;
  /** Seconds; null where it does not say. */
  readonly retryAfter: number | null;
  /** Whether it may have worked for its money all the same. */
  readonly mayCost: boolean;
}

/** The longest that anybody is told to wait, in seconds: a day. */
const LONGEST_WAIT = 86_400;

/** A connection that could not be made, or that ended before there was an answer. */
export const UNREACHED: Failure = {
  code: 'llm/upstream-failed',
  isPassing: true,
  retryAfter: null,
  mayCost: false,
};

/** An answer that was agreed to, and ended before its first byte. */
export const BROKEN_OFF: Failure = { ...UNREACHED, mayCost: true };

/** An answer that did not begin in time. */
export const SILENT: Failure = {
  code: 'llm/upstream-silent',
  isPassing: true,
  retryAfter: null,
  mayCost: true,
};

/** Something that is no answer though it says so. */
export const NONSENSE: Failure = {
  code: 'llm/upstream-nonsense',
  isPassing: false,
  retryAfter: null,
  mayCost: true,
};

/**
 * What a status that is no success means ([LLM6], [LLM7]).
 *
 * @param errorCode OpenAI's code of the error, if the body has one
 */
export function failureOf(
  status: number,
  retryAfter: string | null,
  errorCode: string | null,
  now: number,
): Failure {
  const known = { retryAfter: readRetryAfter(retryAfter, now), mayCost: false };
  if (status === 429 && errorCode !== 'insufficient_quota') {
    return { code: 'llm/upstream-busy', isPassing: true, ...known };
  }
  if (status >= 500) {
    const code = known.retryAfter === null ? 'llm/upstream-failed' : 'llm/upstream-busy';
    return { code, isPassing: true, ...known };
  }
  const lasting = { isPassing: false, retryAfter: null, mayCost: false };
  if (status === 429 || status === 401 || status === 402 || status === 403) {
    return { code: 'llm/upstream-account', ...lasting };
  }
  if (status === 404) return { code: 'llm/upstream-model', ...lasting };
  if (status === 413 || errorCode === 'context_length_exceeded') return { code: 'llm/too-long', ...lasting };
  if (status >= 400) return { code: 'llm/upstream-refused', ...lasting };
  return { code: 'llm/upstream-nonsense', ...lasting };
}

/** The seconds of a `Retry-After` (RFC 9110, section 10.2.3): a number of them, or a date. */
export function readRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null;
  const value = text.trim();
  // What else looks like a number, such as -5 or 1.5, JavaScript takes for a date.
  const isDate = /^[A-Z][a-z]+, .+ GMT$/.test(value);
  const seconds = isDate
    ? Math.ceil((Date.parse(value) - now) / 1000)
    : /^\d+$/.test(value)
      ? Number(value)
      : NaN;
  return Number.isNaN(seconds) ? null : Math.min(LONGEST_WAIT, Math.max(0, seconds));
}
