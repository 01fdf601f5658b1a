import type { Failure } from './failures.ts';
import type { Provider } from './providers.ts';

/** The longest pause before the same provider is asked again, in seconds ([LLM6]). */
const LONGEST_PAUSE = 5;

/** The pause where it says none, in milliseconds, and how much longer it is at random. */
const PAUSE = { least: 250, spread: 250 };

/** Providers that said to come back later, and when, in milliseconds since 1970. Each instance of the Worker knows its own. */
export type Resting = Map<string, number>;

/** Who is asked, in turn: those that have the model and do not rest; a single one twice. Or in how many seconds somebody will be there. */
export function planAttempts(
  providers: readonly Provider[],
  model: string,
  resting: Resting,
  now: number,
): { readonly turns: readonly Provider[] } | { readonly retryAfter: number } {
  const able = providers.filter(({ models }) => models.has(model));
  const awake = able.filter(({ name }) => (resting.get(name) ?? 0) <= now);
  const [only] = awake;
  if (only) return { turns: able.length === 1 ? [only, only] : awake };
  const soonest = Math.min(...able.map(({ name }) => resting.get(name) ?? now));
  return { retryAfter: Math.max(1, Math.ceil((soonest - now) / 1000)) };
}

/** How long so many turns take at most, in milliseconds, if each may take so long. */
export function longestAttempts(turns: number, startWithin: number): number {
  return turns * (startWithin + LONGEST_PAUSE * 1000);
}

/**
 * How long to wait before the next turn, in milliseconds; null where there is none to be had.
 *
 * @param random from 0 to 1
 */
export function pauseBefore(
  next: Provider | undefined,
  failed: Provider,
  { isPassing, retryAfter, mayCost }: Failure,
  random: number,
): number | null {
  if (!next || !isPassing) return null;
  if (next !== failed) return 0;
  // What took the same one too long, and may have cost, takes it too long again.
  if (mayCost) return null;
  if (retryAfter !== null) return retryAfter <= LONGEST_PAUSE ? retryAfter * 1000 : null;
  return PAUSE.least + random * PAUSE.spread;
}

/** Remembers who said to come back later than is waited for. */
export function restFor(resting: Resting, { name }: Provider, { retryAfter }: Failure, now: number): void {
  if (retryAfter !== null && retryAfter > LONGEST_PAUSE) resting.set(name, now + retryAfter * 1000);
}
