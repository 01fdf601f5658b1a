import { encodeBase64url } from '@parley/signaling/base64url';
import { RelayProblem } from '../relay-problem.ts';
import { payInAdvance, useCredit, type Cost } from './budget.ts';
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
import { read } from './transactions.ts';

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
  { database, limits, randomBytes }: MailboxOptions,
  { prefix }: Caller,
  before: Session,
  after: Session,
  cost: Cost,
  at: number,
): Promise<Settled> {
  const day = dayOf(at);
  const whole = { ...cost, rows: cost.rows + countSessionRows(before, after) };
  const credit = useCredit(whole, creditOf(before), day);
  if (credit) return { after: withCredit(after, credit), statements: [] };
  const [, budgetRows = []] = await read(database, openBudget(database, day, encodeHex(randomBytes(16))));
  const { salt, ...relay } = readBudget(budgetRows);
  const hidden = prefix === null ? null : await hidePrefix(salt, prefix);
  const spentByPrefix =
    hidden === null
      ? null
      : readPrefix((await read(database, [selectPrefix(database, day, hidden)]))[0] ?? []);
  const payment = payInAdvance(whole, creditOf(before), day, { relay, prefix: spentByPrefix }, limits);
  if (!payment) throw new RelayProblem('relay/budget-spent', secondsToTomorrow(at));
  return {
    after: withCredit(after, payment.credit),
    statements: payBudget(database, day, hidden, payment.paid, limits),
  };
}

function withCredit(session: Session, { day, bytes, rows }: ReturnType<typeof creditOf>): Session {
  return { ...session, prepaidDay: day, prepaidBytes: bytes, prepaidRows: rows };
}

/** What a day's budget knows a prefix by: its SHA-256 with the salt of that day, which is thrown away. */
async function hidePrefix(salt: string, prefix: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${salt}/${prefix}`));
  return encodeBase64url(new Uint8Array(digest));
}

/** Entries that lose their bodies in one commit; what is more is left to the daily job. */
const EMPTIED_AT_ONCE = 1_000;

/** Days after which what has lost its body is forgotten: more than 30, so that an id is known for 30 whole days. */
export const KNOWN_DAYS = 31;

/** What it takes to make room. */
export interface Clearance {
  readonly statements: readonly DatabaseStatement[];
  readonly rows: number;
  /** When the daily job has to look at the session. */
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
