import type { MailboxLimits } from './limits.ts';

/** What something takes of a day's budgets: new sessions, bytes of envelopes, rows that are written, and TURN credentials. */
export interface Cost {
  readonly sessions: number;
  readonly bytes: number;
  readonly rows: number;
  readonly turn: number;
}

/** What a change of a session takes. */
export type SessionCost = Omit<Cost, 'turn'>;

/** What a session has paid in advance and not used. It is good for its day only, so that no day takes more than its budget. */
export interface Credit {
  /** Days since 1970. */
  readonly day: number;
  readonly bytes: number;
  readonly rows: number;
}

/** What has been paid today, and bytes that the whole relay keeps. `prefix` is null where no IP prefix is known. */
export interface Spent {
  readonly kept: number;
  readonly relay: Cost;
  readonly prefix: Cost | null;
}

/** Rows that paying writes itself: the relay's budget, the prefix's, and what the relay keeps. */
export const PURCHASE_ROWS = 3;

/** A session pays little the first time in a day, since most are used little, and more each time after. */
const STEPS = {
  first: { bytes: 32_768, rows: 20 },
  later: { bytes: 262_144, rows: 100 },
} as const;

/** What is left of the credit after this cost; null when it is not enough, and something has to be paid. */
export function useCredit(
  { sessions, bytes, rows }: SessionCost,
  credit: Credit,
  day: number,
): Credit | null {
  if (credit.day !== day || sessions > 0 || bytes > credit.bytes || rows > credit.rows) return null;
  return { day, bytes: credit.bytes - bytes, rows: credit.rows - rows };
}

/**
 * Pays what the credit lacks for this cost, rounded up to a step, or exactly where a step is more than there is left
 * ([MB19]); null when the day's budget, or the prefix's half of it, is spent, or the relay is full.
 */
export function payInAdvance(
  cost: SessionCost,
  credit: Credit,
  day: number,
  spent: Spent,
  limits: MailboxLimits,
): { readonly credit: Credit; readonly paid: Cost } | null {
  const isFirst = credit.day !== day;
  const held = isFirst ? { bytes: 0, rows: 0 } : credit;
  const step = isFirst ? STEPS.first : STEPS.later;
  const rows = cost.rows + PURCHASE_ROWS;
  const lacking = {
    sessions: cost.sessions,
    turn: 0,
    bytes: Math.max(0, cost.bytes - held.bytes),
    rows: Math.max(0, rows - held.rows),
  };
  const stepped = {
    ...lacking,
    bytes: Math.ceil(lacking.bytes / step.bytes) * step.bytes,
    rows: Math.ceil(lacking.rows / step.rows) * step.rows,
  };
  const paid = [stepped, lacking].find((candidate) => fits(candidate, spent, limits));
  if (!paid) return null;
  return {
    paid,
    credit: { day, bytes: held.bytes + paid.bytes - cost.bytes, rows: held.rows + paid.rows - rows },
  };
}

/** What one IP prefix may take in a day: half. All of an office come from one, and so may all of a small relay's users. */
export function prefixLimits(limits: MailboxLimits): Cost {
  const { sessions, bytes, rows, turn } = relayLimits(limits);
  return { sessions: half(sessions), bytes: half(bytes), rows: half(rows), turn: half(turn) };
}

export function relayLimits({ dailySessions, dailyBytes, dailyRows, dailyTurn }: MailboxLimits): Cost {
  return { sessions: dailySessions, bytes: dailyBytes, rows: dailyRows, turn: dailyTurn };
}

/** Bytes that the relay may keep after this. The last tenth is for the sessions that there are already. */
export function keptLimit({ sessions }: Cost, { totalBytes }: MailboxLimits): number {
  return sessions > 0 ? Math.floor(0.9 * totalBytes) : totalBytes;
}

function half(limit: number): number {
  return Math.max(1, Math.floor(limit / 2));
}

/** Whether the relay, the day's budget and the prefix's half of it have this much left. */
export function fits(cost: Cost, { kept, relay, prefix }: Spent, limits: MailboxLimits): boolean {
  if (cost.bytes > 0 && kept + cost.bytes > keptLimit(cost, limits)) return false;
  if (!isWithin(cost, relay, relayLimits(limits))) return false;
  return prefix === null || isWithin(cost, prefix, prefixLimits(limits));
}

function isWithin(cost: Cost, spent: Cost, limit: Cost): boolean {
  return (
    spent.sessions + cost.sessions <= limit.sessions &&
    spent.bytes + cost.bytes <= limit.bytes &&
    spent.rows + cost.rows <= limit.rows &&
    // Less TURN than was given out already, because the variable was changed, stops no mailbox.
    (cost.turn === 0 || spent.turn + cost.turn <= limit.turn)
  );
}
