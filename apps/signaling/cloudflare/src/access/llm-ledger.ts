import { encodeBase64url } from '@parley/signaling/base64url';
import { DAY, dayOf } from '../mailbox/day.ts';
import {
  checkAmounts,
  judgeQuestion,
  unusedOf,
  type Charge,
  type LlmParty,
  type LlmUsage,
  type Reservation,
  type ReserveRequest,
  type Verdict,
} from './llm-budget.ts';
import {
  addReservation,
  createTables,
  forgetOver,
  giveBack,
  openDay,
  readFigures,
  readDue,
  takeReservation,
  turnSwitch,
  type Days,
  type Figures,
  type LedgerDatabase,
  type Names,
} from './llm-ledger-tables.ts';

export interface LedgerOptions {
  readonly database: LedgerDatabase;
  /** Milliseconds since 1970. */
  now(): number;
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** Asks for {@link Ledger.sweep} at a time, as part of a transaction. It may be called for a later time than before. */
  wakeAt(time: number): void;
}

/**
 * What the advisor takes in a day, exactly ([LLM11] to [LLM14]). All that is known is in the database, and each change is one
 * transaction: one that throws came to nothing, unless it is the database that threw, after its commit.
 */
export interface Ledger {
  /**
   * Holds the most that an answer can take, or says why not.
   *
   * @throws {RangeError} for amounts that are no whole numbers, and a lifetime of more than a day
   */
  reserve(request: ReserveRequest): Promise<Verdict>;
  /** Counts what an answer took in place of what is held for it. The second time, and after its lifetime, nothing happens. */
  settle(id: Reservation['id'], charge: Charge): void;
  usage(party: LlmParty): Promise<LlmUsage>;
  /** Switches the advisor off and on ([LLM16]). */
  turn(isOff: boolean): void;
  /** Forgets answers that must be over, and days before today. The figures are the same without it. */
  sweep(): void;
}

export function createLedger({ database, now, randomBytes, wakeAt }: LedgerOptions): Ledger {
  createTables(database);

  /** As they were read last. */
  let days: Days | null = null;

  const drawId = () => encodeBase64url(randomBytes(16));

  function openToday(): Days {
    const day = dayOf(now());
    if (!days || days.today.day < day) days = openDay(database, day, drawId);
    return days;
  }

  /** Does something in one transaction, with the figures of those whom it is about. */
  async function withFigures<Answer extends object>(
    party: LlmParty,
    act: (names: Names, figures: Figures, at: number) => Answer,
  ): Promise<Answer> {
    const { today, before } = openToday();
    const names = await hideParty(today.salt, party);
    const formerNames = before ? await hideParty(before.salt, party) : names;
    const answer = database.transact(() => {
      const at = now();
      const figures = readFigures(database, names, formerNames, at);
      return Math.max(figures.usage.day, dayOf(at)) === today.day ? act(names, figures, at) : null;
    });
    if (answer) return answer;
    // Another day has begun while the names were hashed with the salts of this one.
    days = null;
    return withFigures(party, act);
  }

  return {
    async reserve(request) {
      checkAmounts(request);
      return withFigures<Verdict>(request, (names, { usage, nextEnd }, at) => {
        const refusal = judgeQuestion(request, usage, at, nextEnd);
        if (refusal) return { refusal };
        const id = drawId();
        const { worst, lifetime } = request;
        const expires = at + lifetime;
        addReservation(database, names, { id, day: usage.day, worst, expires });
        wakeAt(Math.min(expires, nextEnd ?? Infinity, endOfDay(usage.day)));
        return { id };
      });
    },

    settle(id, charge) {
      database.transact(() => {
        const held = takeReservation(database, id, now());
        if (held) giveBack(database, held, unusedOf(held, charge));
      });
    },

    usage: (party) => withFigures(party, (_, { usage }) => usage),

    turn: (isOff) => turnSwitch(database, isOff),

    sweep() {
      const { day } = openToday().today;
      database.transact(() => {
        forgetOver(database, now());
        const { isTaken, expires } = readDue(database);
        if (isTaken || expires !== null) wakeAt(Math.min(expires ?? Infinity, endOfDay(day)));
      });
      // A salt that was deleted is not to be remembered either.
      days = null;
    },
  };
}

/** When the next day begins, in milliseconds since 1970. */
function endOfDay(day: number): number {
  return (day + 1) * DAY;
}

async function hideParty(salt: string, { sessionId, prefix }: LlmParty): Promise<Names> {
  const [session, network] = await Promise.all([
    sessionId === null ? null : hide(`${salt}/session/${sessionId}`),
    prefix === null ? null : hide(`${salt}/network/${prefix}`),
  ]);
  return { session, network };
}

async function hide(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return encodeBase64url(new Uint8Array(digest));
}
