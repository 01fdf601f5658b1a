import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import type { Charge, LlmParty, LlmUsage, Reservation, ReserveRequest, Verdict } from './llm-budget.ts';
import { createLedger, type Ledger } from './llm-ledger.ts';

/**
 * What the advisor has taken today: one object for the whole relay, so that its figures are exact ([LLM11]). An answer leaves it
 * only when what it rests on is on disk.
 */
export class LlmBudget extends DurableObject<Env> {
  readonly #ledger: Ledger;
  /** When this instance has the alarm ring; one that was here before it may have set it for earlier. */
  #alarm = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    this.#ledger = createLedger({
      database: {
        all: (sql, ...values) => storage.sql.exec(sql, ...values).toArray(),
        transact: (act) => storage.transactionSync(act),
      },
      now: () => Date.now(),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      wakeAt: (time) => this.#setAlarm(time),
    });
  }

  /** See {@link Ledger.reserve}. */
  reserve(request: ReserveRequest): Promise<Verdict> {
    return this.#ledger.reserve(request);
  }

  settle(id: Reservation['id'], charge: Charge): void {
    this.#ledger.settle(id, charge);
  }

  /** The relay's figures, and those of the session and the IP prefix that are named. */
  usage(party: LlmParty): Promise<LlmUsage> {
    return this.#ledger.usage(party);
  }

  turn(isOff: boolean): void {
    this.#ledger.turn(isOff);
  }

  override alarm(): void {
    this.#alarm = Infinity;
    this.#ledger.sweep();
  }

  /** Each time that an alarm is set a row is written: one that rings too early costs less, as it is set again when it does. */
  #setAlarm(time: number): void {
    if (time >= this.#alarm) return;
    this.#alarm = time;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(time));
  }
}
