import type { Allowance, LlmLimits, LlmUsage, Payer, Taken } from '../access/llm-budget.ts';
import { DAY, secondsToTomorrow } from '../mailbox/day.ts';

/** What was taken of an allowance today, with what is held for answers that are being given, and what it is. */
interface Figure {
  readonly taken: number;
  readonly allowed: number;
}

/** Figures of a day; `usd` in US dollars. */
interface Figures {
  readonly questions: number;
  readonly tokens: Figure;
  readonly usd: Figure;
  readonly streams: Figure;
}

/** What `GET /api/llm/usage` answers ([LLM15]). */
export interface UsageAnswer {
  /** Of UTC, like `2026-11-22`. */
  readonly day: string;
  /** Seconds until everything begins anew. */
  readonly resetsIn: number;
  readonly isOff: boolean;
  /** To the owner. */
  readonly relay?: Figures;
  /** To a session. */
  readonly session?: Figures;
  /** To a session: what is left for it, of its own allowance, its network's and the relay's. */
  readonly left?: { readonly tokens: number; readonly usd: number; readonly streams: number };
}

/** What a session is told: its own figures, and of the others only what they leave it. */
export function answerSession(usage: LlmUsage, limits: LlmLimits, now: number): UsageAnswer {
  const { session } = usage.taken;
  const payers = (['session', 'network', 'relay'] as const).filter((payer) => usage.taken[payer] !== null);
  const left = (of: keyof Allowance) =>
    Math.max(0, Math.min(...payers.map((payer) => leftOf(usage, limits, payer, of))));
  return {
    ...dayOf(usage, now),
    ...(session && { session: figuresOf(session, limits.session) }),
    left: { tokens: left('tokens'), usd: left('money') / 1e6, streams: left('streams') },
  };
}

/** What whoever runs the relay is told: the figures of all together. */
export function answerOwner(usage: LlmUsage, limits: LlmLimits, now: number): UsageAnswer {
  return { ...dayOf(usage, now), relay: figuresOf(usage.taken.relay, limits.relay) };
}

function dayOf({ day, isOff }: LlmUsage, now: number): Pick<UsageAnswer, 'day' | 'resetsIn' | 'isOff'> {
  return { day: new Date(day * DAY).toISOString().slice(0, 10), resetsIn: secondsToTomorrow(now), isOff };
}

function figuresOf({ questions, tokens, money, streams }: Taken, allowed: Allowance): Figures {
  return {
    questions,
    tokens: { taken: tokens, allowed: allowed.tokens },
    usd: { taken: money / 1e6, allowed: allowed.money / 1e6 },
    streams: { taken: streams, allowed: allowed.streams },
  };
}

function leftOf({ taken }: LlmUsage, limits: LlmLimits, payer: Payer, of: keyof Allowance): number {
  return limits[payer][of] - (taken[payer]?.[of] ?? 0);
}
