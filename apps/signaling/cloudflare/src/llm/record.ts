import type { RelayProblemCode } from '../catalogue.ts';
import type { Charge } from '../access/llm-budget.ts';
import type { AnswerEnd } from './pipe-answer.ts';
import type { Usage } from './prices.ts';

/** What the log holds of one question: counts, codes and durations ([LLM18]). */
export interface LlmRecord {
  /** Under which the answer carries it. */
  readonly id: string;
  readonly route?: string;
  readonly status?: number;
  readonly problem?: RelayProblemCode;
  readonly end?: AnswerEnd;
  readonly isStream?: boolean;
  /** As the configuration calls them. */
  readonly provider?: string;
  readonly model?: string;
  /** How often a provider was asked. */
  readonly attempts?: number;
  readonly cache?: 'hit' | 'shared' | 'new';
  /** What counted; `isReported` if the provider told it. */
  readonly usage?: Usage;
  readonly charge?: Charge;
  readonly isReported?: boolean;
  readonly bytes?: number;
  /** Milliseconds from the beginning: until the budget had answered, until the first byte, until the end. */
  readonly reservedAfter?: number;
  readonly begunAfter?: number;
  readonly endedAfter?: number;
}

/** Gathers what becomes of a question, and writes it down once. */
export class LlmRecorder {
  readonly id: string;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #write: (record: LlmRecord) => void;
  #record: Omit<LlmRecord, 'id'> = {};
  #isWritten = false;

  constructor(id: string, now: () => number, write: (record: LlmRecord) => void) {
    this.id = id;
    this.#now = now;
    this.#startedAt = now();
    this.#write = write;
  }

  /** Milliseconds since the question came. */
  elapsed(): number {
    return this.#now() - this.#startedAt;
  }

  note(record: Omit<LlmRecord, 'id' | 'endedAfter'>): void {
    this.#record = { ...this.#record, ...record };
  }

  write(): void {
    if (this.#isWritten) return;
    this.#isWritten = true;
    this.#write({ id: this.id, ...this.#record, endedAfter: this.elapsed() });
  }
}
