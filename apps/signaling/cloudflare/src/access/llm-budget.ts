import { DAY, secondsToTomorrow } from '../mailbox/day.ts';

/** What an answer of an AI provider takes. */
export interface Charge {
  /** Those of the question and of the answer together. */
  readonly tokens: number;
  /** Millionths of a US dollar, whole. */
  readonly money: number;
}

/** What may be taken in a day (UTC), and how many answers may be given at the same moment. */
export interface Allowance extends Charge {
  readonly streams: number;
}

/** Those who have an allowance, the nearest to whoever asks first: one session, one IP prefix, and the whole relay. */
const PAYERS = ['session', 'network', 'relay'] as const;

export type Payer = (typeof PAYERS)[number];

export type LlmLimits = Readonly<Record<Payer, Allowance>>;

/** Of whom figures are asked, besides the relay. */
export interface LlmParty {
  readonly sessionId: string | null;
  /** An IP prefix; null where none is known, and for loopback. */
  readonly prefix: string | null;
}

/** A question that is about to be put to an AI provider. */
export interface ReserveRequest extends LlmParty {
  readonly sessionId: string;
  /** The most that the answer can take. */
  readonly worst: Charge;
  readonly limits: LlmLimits;
  /** Milliseconds after which the answer is over, whatever became of it; a day at most. */
  readonly lifetime: number;
}

/** What is held for an answer until it is settled. */
export interface Reservation {
  readonly id: string;
}

/** Why nothing is held: the advisor is switched off, or somebody's allowance does not reach. */
export type Refusal =
  | { readonly of: 'switch' }
  /** `retryAfter` in seconds. */
  | { readonly of: 'tokens' | 'money' | 'streams'; readonly by: Payer; readonly retryAfter: number };

export type Verdict = Reservation | { readonly refusal: Refusal };

/** What was taken today, with what is held for answers that are being given; `streams` is the number of those. */
export interface Taken extends Allowance {
  /** Questions that were let through today. */
  readonly questions: number;
}

export interface LlmUsage {
  /** Days since 1970. */
  readonly day: number;
  readonly isOff: boolean;
  /** Null for whom it was not asked. */
  readonly taken: {
    readonly relay: Taken;
    readonly session: Taken | null;
    readonly network: Taken | null;
  };
}

/** Seconds after which it is worth asking again when so many answers are being given, unless one must be over before. */
const BUSY_SECONDS = 5;

/**
 * Why this question cannot be let through, or null if it can ([LLM11]). Of several reasons it is the one that is over first, and
 * of those who have it the one that is nearest to whoever asks.
 *
 * @param nextEnd when the first of the answers that are being given must be over
 */
export function judgeQuestion(
  { worst, limits }: Pick<ReserveRequest, 'worst' | 'limits'>,
  { isOff, taken }: LlmUsage,
  now: number,
  nextEnd: number | null,
): Refusal | null {
  if (isOff) return { of: 'switch' };
  const needed = { streams: 1, ...worst };
  for (const of of ['streams', 'tokens', 'money'] as const) {
    // What costs nothing goes on also where an allowance was lowered to less than what is taken already.
    if (needed[of] === 0) continue;
    const by = PAYERS.find((payer) => {
      const held = taken[payer];
      return held !== null && needed[of] > limits[payer][of] - held[of];
    });
    if (by === undefined) continue;
    return { of, by, retryAfter: of === 'streams' ? secondsToNextEnd(now, nextEnd) : secondsToTomorrow(now) };
  }
  return null;
}

function secondsToNextEnd(now: number, nextEnd: number | null): number {
  if (nextEnd === null) return BUSY_SECONDS;
  return Math.min(BUSY_SECONDS, Math.max(1, Math.ceil((nextEnd - now) / 1000)));
}

/** What of a reservation is given back when the answer took so much: nothing if that is nonsense, or more ([LLM12]). */
export function unusedOf(reserved: Charge, { tokens, money }: Charge): Charge {
  if (!isWhole(tokens) || !isWhole(money)) return { tokens: 0, money: 0 };
  return { tokens: Math.max(0, reserved.tokens - tokens), money: Math.max(0, reserved.money - money) };
}

/** @throws {RangeError} for what cannot be counted exactly, or is held for more than a day */
export function checkAmounts({ worst, limits, lifetime }: ReserveRequest): void {
  const amounts = [worst.tokens, worst.money];
  for (const payer of PAYERS) {
    const { tokens, money, streams } = limits[payer];
    amounts.push(tokens, money, streams);
  }
  if (!amounts.every(isWhole)) throw new RangeError('an amount is no whole number');
  if (!isWhole(lifetime) || lifetime === 0 || lifetime > DAY)
    throw new RangeError('no lifetime of an answer');
}

function isWhole(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount >= 0;
}
