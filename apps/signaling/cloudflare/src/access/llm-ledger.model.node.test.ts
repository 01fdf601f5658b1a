import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DatabaseFailure, LedgerBench } from '../../test/ledger-bench.ts';
import { DAY, dayOf, secondsToTomorrow } from '../mailbox/day.ts';
import type { Allowance, Charge, LlmLimits, LlmParty, Payer, ReserveRequest } from './llm-budget.ts';

const SESSIONS = ['ada', 'bob', 'cleo'];
const PREFIXES = [null, '192.0.2.7', '2001:db8::/56'];

/** What has been let through, as far as it is told. */
interface Held {
  readonly id: string;
  readonly party: LlmParty;
  readonly day: number;
  readonly worst: Charge;
  readonly expires: number;
  /** Null until it is settled; then it is what counts. */
  charge: Charge | null;
}

type Question = Pick<ReserveRequest, 'sessionId' | 'prefix' | 'worst' | 'lifetime'>;

/** What happens between steps, and while names are being hashed. */
type Event =
  | { readonly do: 'settle'; readonly which: number; readonly charge: Charge }
  | { readonly do: 'wait'; readonly milliseconds: number }
  | { readonly do: 'midnight'; readonly after: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'turn'; readonly isOff: boolean };

/** Whether two parties take from the same allowance. */
const sharesWith: Record<Payer, (one: LlmParty, other: LlmParty) => boolean> = {
  session: (one, other) => one.sessionId === other.sessionId,
  network: (one, other) => one.prefix !== null && one.prefix === other.prefix,
  relay: () => true,
};

/** The figures as they have to be, kept apart from the code under test. */
class Model {
  readonly bench = new LedgerBench(new DatabaseSync(':memory:'));
  readonly limits: LlmLimits;
  readonly held: Held[] = [];
  isOff = false;

  constructor(limits: LlmLimits) {
    this.limits = limits;
  }

  get day(): number {
    return dayOf(this.bench.now);
  }

  taken(payer: Payer, party: LlmParty): Allowance & { questions: number } {
    const mine = this.held.filter((one) => sharesWith[payer](one.party, party));
    const today = mine.filter(({ day }) => day === this.day);
    const sum = (of: keyof Charge) =>
      today.reduce((all, { charge, worst }) => all + (charge ?? worst)[of], 0);
    const streams = mine.filter((one) => this.isOpen(one)).length;
    return { tokens: sum('tokens'), money: sum('money'), streams, questions: today.length };
  }

  isOpen({ charge, expires }: Held): boolean {
    return charge === null && expires > this.bench.now;
  }

  /** Why a question has to be refused now, if it has to be. */
  refusal({ worst, ...party }: Question): object | null {
    if (this.isOff) return { of: 'switch' };
    const needed = { ...worst, streams: 1 };
    for (const of of ['streams', 'tokens', 'money'] as const) {
      for (const by of ['session', 'network', 'relay'] as const) {
        if (by === 'network' && party.prefix === null) continue;
        if (needed[of] === 0 || this.taken(by, party)[of] + needed[of] <= this.limits[by][of]) continue;
        const ends = this.held.filter((one) => this.isOpen(one)).map(({ expires }) => expires);
        const end = Math.ceil((Math.min(...ends) - this.bench.now) / 1000);
        const retryAfter = of === 'streams' ? Math.min(5, end) : secondsToTomorrow(this.bench.now);
        return { of, by, retryAfter };
      }
    }
    return null;
  }

  hold(id: string, { worst, lifetime, ...party }: Question): void {
    const expires = this.bench.now + lifetime;
    this.held.push({ id, party, day: this.day, worst, expires, charge: null });
  }

  /** Does something that may fail, after which there is another ledger; says whether it happened. */
  attempt(act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!(error instanceof DatabaseFailure)) throw error;
      this.bench.open();
      return this.bench.lost !== null;
    }
  }

  happen(event: Event): void {
    const { bench } = this;
    if (event.do === 'settle') this.settle(event);
    else if (event.do === 'sweep') this.attempt(() => bench.ledger.sweep());
    else if (event.do === 'wait') bench.now += event.milliseconds;
    else if (event.do === 'midnight') bench.now = (this.day + 1) * DAY + event.after;
    else if (this.attempt(() => bench.ledger.turn(event.isOff))) this.isOff = event.isOff;
  }

  settle({ which, charge }: Extract<Event, { do: 'settle' }>): void {
    // Mostly one that is still open; those that are not, and one that never was, come as well.
    const one = this.held[this.held.length - (which % 24)];
    const isDone = this.attempt(() => this.bench.ledger.settle(one?.id ?? 'unknown', charge));
    if (!isDone || !one || !this.isOpen(one)) return;
    const { tokens, money } = charge;
    one.charge = [tokens, money].every((amount) => Number.isSafeInteger(amount) && amount >= 0)
      ? { tokens: Math.min(tokens, one.worst.tokens), money: Math.min(money, one.worst.money) }
      : one.worst;
  }

  /** Puts the questions at once. What happens meanwhile is over before the first of them is decided. */
  async ask(questions: readonly Question[], meanwhile: readonly Event[]): Promise<void> {
    const { bench, limits } = this;
    const asked = questions.map((question) => bench.ledger.reserve({ ...question, limits }));
    const settled = Promise.allSettled(asked);
    for (const event of meanwhile) this.happen(event);
    const outcomes = await settled;
    const alone = questions[0] && questions.length === 1 ? this.refusal(questions[0]) : undefined;
    const refused: Question[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const question = questions[index] as Question;
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toBeInstanceOf(DatabaseFailure);
        bench.open();
        // Nobody will settle what was let through without anybody being told.
        if (isReservation(bench.lost)) this.hold(bench.lost.id, question);
      } else {
        if ('id' in outcome.value) this.hold(outcome.value.id, question);
        else refused.push(question);
        const refusal = 'id' in outcome.value ? null : outcome.value.refusal;
        if (alone !== undefined) expect(refusal).toEqual(alone);
      }
    }
    // Nothing was given back between the decisions, and so what was refused fits now as little as then.
    for (const question of refused) expect(this.refusal(question)).not.toBeNull();
  }

  /** What has to be true at any time. */
  async check(): Promise<void> {
    for (const [index, sessionId] of SESSIONS.entries()) {
      const party = { sessionId, prefix: PREFIXES[index] ?? null };
      const { session, network, relay } = { session: party, network: party, relay: party };
      const usage = await this.bench.ledger.usage(party);
      const taken = {
        session: this.taken('session', session),
        network: party.prefix === null ? null : this.taken('network', network),
        relay: this.taken('relay', relay),
      };
      expect(usage).toEqual({ day: this.day, isOff: this.isOff, taken });
      for (const payer of ['session', 'network', 'relay'] as const) {
        for (const of of ['tokens', 'money', 'streams'] as const) {
          expect(taken[payer]?.[of] ?? 0).toBeLessThanOrEqual(this.limits[payer][of]);
        }
      }
    }
  }
}

const isReservation = (lost: unknown): lost is { id: string } =>
  typeof lost === 'object' && lost !== null && 'id' in lost;

const allowance = (tokens: number, money: number, streams: number) =>
  fc.record({
    tokens: fc.integer({ min: tokens / 4, max: tokens }),
    money: fc.integer({ min: money / 4, max: money }),
    streams: fc.integer({ min: 1, max: streams }),
  });
const limits = fc.record({
  session: allowance(2_000, 2_000, 20),
  network: allowance(3_000, 3_000, 30),
  relay: allowance(4_000, 4_000, 40),
});

const question = fc.record({
  sessionId: fc.constantFrom(...SESSIONS),
  prefix: fc.constantFrom(...PREFIXES),
  worst: fc.record({ tokens: fc.nat({ max: 200 }), money: fc.nat({ max: 200 }) }),
  lifetime: fc.constantFrom(1_000, 600_000, DAY),
});
const amount = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 250 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, -1, 0.5, Infinity, 2 ** 60) },
);
const event = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      charge: fc.record({ tokens: amount, money: amount }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(0, 1, 999, 1_000, 300_000, 600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('midnight' as const),
      after: fc.constantFrom(-1, 0, 1_000, 2 * DAY),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      isOff: fc.oneof(
        { weight: 1, arbitrary: fc.constant(true) },
        { weight: 5, arbitrary: fc.constant(false) },
      ),
    }),
  },
);
const step = fc.record({
  questions: fc.oneof(
    fc.array(question, { minLength: 1, maxLength: 1 }),
    fc.array(question, { maxLength: 16, size: 'max' }),
  ),
  meanwhile: fc.array(event, { maxLength: 2, size: 'max' }),
  after: fc.array(event, { maxLength: 6, size: 'max' }),
  failure: fc.option(fc.oneof(fc.nat({ max: 40 }), fc.constant('after' as const)), { freq: 2 }),
});

it('[LLM11] [LLM12] [LLM13] whatever happens, what is counted is exact and no allowance is exceeded', async () => {
  await fc.assert(
    fc.asyncProperty(
      limits,
      fc.array(step, { minLength: 45, maxLength: 60, size: 'max' }),
      async (given, steps) => {
        const model = new Model(given);
        for (const { questions, meanwhile, after, failure } of steps) {
          model.bench.fail(failure);
          await model.ask(questions, meanwhile);
          for (const event of after) model.happen(event);
          model.bench.fail(null);
          await model.check();
        }
      },
    ),
    { numRuns: 30 },
  );
});
