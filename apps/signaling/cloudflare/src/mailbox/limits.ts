import { readWholeNumber } from '@parley/signaling/variables';

/** What the relay takes. Bytes are those of envelopes; a day is one of UTC. */
export interface MailboxLimits {
  /** Bytes that the relay keeps of one session ([MB17]). */
  readonly sessionBytes: number;
  /** Envelopes that one session may append in a minute ([MB18]). */
  readonly sessionEnvelopesPerMinute: number;
  /** What the whole relay takes in a day ([MB19]); one IP prefix may use half of each. */
  readonly dailySessions: number;
  readonly dailyBytes: number;
  readonly dailyRows: number;
  /** TURN credentials that the whole relay gives out in a day ([IC5]); one IP prefix may have half of them. */
  readonly dailyTurn: number;
  /** Bytes that the whole relay keeps ([MB19]); new sessions may take nine tenths of it. */
  readonly totalBytes: number;
  /** Days after which a session that nobody visits is deleted ([MB22]). */
  readonly retentionDays: number;
}

/**
 * What fits into Cloudflare's free plan: its databases hold 500 MB, of which rows and indices take some; and four fifths of the
 * rows it writes in a day, since the hourly job needs some as well.
 */
export const DEFAULT_LIMITS: MailboxLimits = {
  sessionBytes: 50_000_000,
  sessionEnvelopesPerMinute: 3_000,
  dailySessions: 2_000,
  dailyBytes: 300_000_000,
  dailyRows: 80_000,
  dailyTurn: 2_000,
  totalBytes: 400_000_000,
  retentionDays: 180,
};

/** The variables of the Worker that replace a default. */
const VARIABLES = {
  SESSION_BYTES: 'sessionBytes',
  SESSION_ENVELOPES_PER_MINUTE: 'sessionEnvelopesPerMinute',
  DAILY_SESSIONS: 'dailySessions',
  DAILY_BYTES: 'dailyBytes',
  DAILY_ROWS: 'dailyRows',
  DAILY_TURN: 'dailyTurn',
  TOTAL_BYTES: 'totalBytes',
  RETENTION_DAYS: 'retentionDays',
} as const satisfies Record<string, keyof MailboxLimits>;

export type LimitVariables = { readonly [Name in keyof typeof VARIABLES]?: string };

/**
 * The limits that the Worker's variables say, with the defaults for those that are missing.
 *
 * @throws {VariableError} names the first bad one
 */
export function readLimits(variables: LimitVariables): MailboxLimits {
  const limits: { -readonly [Name in keyof MailboxLimits]: number } = { ...DEFAULT_LIMITS };
  for (const [variable, limit] of Object.entries(VARIABLES)) {
    limits[limit] = readWholeNumber(variable, variables[variable as keyof LimitVariables], limits[limit]);
  }
  return limits;
}
