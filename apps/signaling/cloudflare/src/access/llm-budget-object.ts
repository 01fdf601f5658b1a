import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import type { Charge, LlmUsage, Reservation, ReserveRequest, Verdict } from './llm-budget.ts';

/** What the advisor has cost today: one object for the whole relay, so that its figures are exact ([LLM11]). */
export class LlmBudget extends DurableObject<Env> {
  reserve(_: ReserveRequest): Promise<Verdict> {
    throw new Error('not built');
  }

  settle(_id: Reservation['id'], _charge: Charge): Promise<void> {
    throw new Error('not built');
  }

  usage(_sessionId: string | null): Promise<LlmUsage> {
    throw new Error('not built');
  }

  turn(_isOff: boolean): Promise<void> {
    throw new Error('not built');
  }
}
