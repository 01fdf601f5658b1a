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

/** Whose allowance something is: the whole relay's, one session's, or one IP prefix's. */
export type Payer = 'relay' | 'session' | 'network';

export type LlmLimits = Readonly<Record<Payer, Allowance>>;

/** A question that is about to be put to an AI provider. */
export interface ReserveRequest {
  readonly sessionId: string;
  /** Null where none is known, and for loopback. */
  readonly prefix: string | null;
  /** The most that the answer can take. */
  readonly worst: Charge;
  readonly limits: LlmLimits;
  /** Milliseconds after which the answer is over, whatever became of it. */
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

/** What was taken today, with what is held for answers that are being given. */
export interface LlmUsage {
  /** Days since 1970. */
  readonly day: number;
  readonly isOff: boolean;
  readonly taken: Allowance;
  /** Questions that were let through today. */
  readonly questions: number;
}
