import { encodeBase64url } from '@parley/signaling/base64url';
import { RelayProblem } from '../relay-problem.ts';
import {
  fits,
  payInAdvance,
  PURCHASE_ROWS,
  useCredit,
  type Cost,
  type SessionCost,
  type Spent,
} from './budget.ts';
import type { DatabaseStatement } from './database.ts';
import { dayOf, secondsToTomorrow } from './day.ts';
import { encodeHex } from './hexadecimal.ts';
import type { Caller, MailboxOptions } from './mailbox.ts';
import type { Room } from './room.ts';
import { countSessionRows, creditOf, type Session } from './session.ts';
import {
  deleteSnapshots,
  emptyEntries,
  openBudget,
  payBudget,
  readBudget,
  readPrefix,
  selectPrefix,
  type SnapshotRow,
} from './storage.ts';
import { commit, decideAndCommit, read } from './transactions.ts';

/** A change of a session that has been paid for. */
export interface Settled {
  readonly after: Session;
  /** What takes the payment from the budgets, in the same batch. */
  readonly statements: readonly DatabaseStatement[];
}

/**
 * Pays for a change of a session ([MB19]): from its credit, or with a payment that is part of the commit.
 *
 * @param cost without the rows of the session itself
 * @throws {RelayProblem} `relay/budget-spent`
 */
export async function settle(
  options: MailboxOptions,
  { prefix }: Caller,
  before: Session,
  after: Session,
  cost: SessionCost,
  at: number,
): Promise<Settled> {
  const { database, limits } = options;
  const day = dayOf(at);
  const whole = { ...cost, rows: cost.rows + countSessionRows(before, after) };
  const credit = useCredit(whole, creditOf(before), day);
  if (credit) return { after: withCredit(after, credit), statements: [] };
  const { hidden, spent } = await readSpent(options, prefix, day);
  const payment = payInAdvance(whole, creditOf(before), day, spent, limits);
  if (!payment) throw new RelayProblem('relay/budget-spent', secondsToTomorrow(at));
  return {
    after: withCredit(after, payment.credit),
    statements: payBudget(database, day, hidden, payment.paid, limits),
  };
}

/**
 * Pays for what is about to be staged, in a transaction of its own ([MB19]): many requests at once would otherwise store what
 * none of them has paid for. Nobody gets it back when the commit comes to nothing, because the rows were written.
 *
 * @throws {RelayProblem} `relay/budget-spent`
 */
export async function payForStaging(
  options: MailboxOptions,
  { prefix }: Caller,
  cost: Pick<Cost, 'bytes' | 'rows'>,
  at: number,
): Promise<void> {
  const paid = { sessions: 0, bytes: cost.bytes, rows: cost.rows + PURCHASE_ROWS, turn: 0 };
  await payAtOnce(options, prefix, paid, at);
}

/**
 * Pays for one TURN credential ([IC5]), and for the rows that this writes. Nobody gets it back when no credential comes.
 *
 * @throws {RelayProblem} `relay/budget-spent`, `relay/unavailable`; `mailbox/too-fast` when too many pay at the same time
 */
export async function payForTurn(options: MailboxOptions, prefix: string | null): Promise<void> {
  const paid = { sessions: 0, bytes: 0, rows: PURCHASE_ROWS, turn: 1 };
  await decideAndCommit(options, () => payAtOnce(options, prefix, paid, options.now()));
}

async function payAtOnce(
  options: MailboxOptions,
  prefix: string | null,
  paid: Cost,
  at: number,
): Promise<void> {
  const { database, limits } = options;
  const day = dayOf(at);
  const { hidden, spent } = await readSpent(options, prefix, day);
  if (!fits(paid, spent, limits)) throw new RelayProblem('relay/budget-spent', secondsToTomorrow(at));
  await commit(database, payBudget(database, day, hidden, paid, limits));
}

/** What has been paid today, and what the budgets know the prefix by. */
async function readSpent(
  { database, randomBytes }: MailboxOptions,
  prefix: string | null,
  day: number,
): Promise<{ readonly hidden: string | null; readonly spent: Spent }> {
  const [, budgetRows = []] = await read(database, openBudget(database, day, encodeHex(randomBytes(16))));
  const { salt, kept, ...relay } = readBudget(budgetRows);
  if (prefix === null) return { hidden: null, spent: { kept, relay, prefix: null } };
  const hidden = await hidePrefix(salt, prefix);
  const [rows = []] = await read(database, [selectPrefix(database, day, hidden)]);
  return { hidden, spent: { kept, relay, prefix: readPrefix(rows) } };
}

function withCredit(session: Session, { day, bytes, rows }: ReturnType<typeof creditOf>): Session {
  return { ...session, prepaidDay: day, prepaidBytes: bytes, prepaidRows: rows };
}

/** What a day's budget knows a prefix by: its SHA-256 with the salt of that day, which is thrown away. */
async function hidePrefix(salt: string, prefix: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${salt}/${prefix}`));
  return encodeBase64url(new Uint8Array(digest));
}

/** Entries that lose their bodies in one commit; what is more is left to the hourly job. */
const EMPTIED_AT_ONCE = 1_000;

/** Days after which what has lost its body is forgotten: more than 30, so that an id is known for 30 whole days. */
export const KNOWN_DAYS = 31;

/** What it takes to make room. */
export interface Clearance {
  readonly statements: readonly DatabaseStatement[];
  readonly rows: number;
  /** When the hourly job has to look at the session. */
  readonly dueDay: number | null;
}

/**
 * Carries out what {@link makeRoom} found.
 *
 * @param kept the snapshots before
 * @param parts chunks of the bodies that go
 */
export function clear(
  { database }: MailboxOptions,
  { epoch, bodiesAfter, dueDay }: Session,
  { evicted, bodiesAfter: bodiesAfterwards }: Room,
  kept: readonly SnapshotRow[],
  parts: number,
  at: number,
): Clearance {
  const emptiedTo = Math.min(bodiesAfterwards, bodiesAfter + EMPTIED_AT_ONCE);
  const rowsOfEvicted = kept
    .filter(({ covers }) => evicted.includes(covers))
    .reduce((sum, snapshot) => sum + 1 + snapshot.parts, 0);
  const rows = rowsOfEvicted + (emptiedTo - bodiesAfter) + parts;
  const statements = [
    ...deleteSnapshots(database, epoch, evicted),
    ...emptyEntries(database, epoch, bodiesAfter, emptiedTo, at),
  ];
  if (bodiesAfterwards === bodiesAfter) return { statements, rows, dueDay };
  const day = dayOf(at);
  const due = emptiedTo < bodiesAfterwards ? day : day + KNOWN_DAYS;
  return { statements, rows, dueDay: dueDay === null ? due : Math.min(dueDay, due) };
}
