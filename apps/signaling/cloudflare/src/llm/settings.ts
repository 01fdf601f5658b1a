import { readWholeNumber, VariableError } from '@parley/signaling/variables';
import type { Allowance, LlmLimits } from '../access/llm-budget.ts';
import { readPrices, UNKNOWN_PRICE, type Price } from './prices.ts';
import { given, readProviders, type Provider, type ProviderVariables } from './providers.ts';

/** The variables of the Worker that say who answers for the advisor, and what that may cost. */
export interface LlmVariables extends ProviderVariables {
  /** What models cost: JSON, US dollars for a million tokens, see {@link readPrices}. */
  readonly LLM_PRICES?: string | undefined;
  /** Whether questions may hold images: `off`, `inline`, or `any` for addresses too. */
  readonly LLM_IMAGES?: string | undefined;
  /** The most tokens that one answer may have. */
  readonly LLM_MAX_TOKENS?: string | undefined;
  /** How long a provider may take to begin with an answer, and to go on with it. */
  readonly LLM_START_SECONDS?: string | undefined;
  readonly LLM_SILENCE_SECONDS?: string | undefined;
  /** A day's tokens and US dollars (like `2.50`) for the relay; for one session a quarter of them, for an IP prefix half, unless said otherwise. */
  readonly LLM_DAILY_TOKENS?: string | undefined;
  readonly LLM_DAILY_USD?: string | undefined;
  readonly LLM_SESSION_TOKENS?: string | undefined;
  readonly LLM_SESSION_USD?: string | undefined;
  readonly LLM_NETWORK_TOKENS?: string | undefined;
  readonly LLM_NETWORK_USD?: string | undefined;
  /** Answers at the same moment. */
  readonly LLM_STREAMS?: string | undefined;
  readonly LLM_SESSION_STREAMS?: string | undefined;
  readonly LLM_NETWORK_STREAMS?: string | undefined;
}

/** Which images a question may hold. */
export type Images = 'off' | 'inline' | 'any';

export interface LlmSettings {
  /** In the order in which they are tried; none where nobody answers. */
  readonly providers: readonly Provider[];
  /** What clients may ask for; the first is the default. */
  readonly models: readonly string[];
  readonly prices: ReadonlyMap<string, Price>;
  readonly images: Images;
  readonly maxTokens: number;
  /** Milliseconds. */
  readonly startWithin: number;
  /** Milliseconds. */
  readonly silence: number;
  readonly limits: LlmLimits;
}

/** What a day may cost unless the owner says otherwise, in millionths of a US dollar. */
const DAILY_MONEY = 5_000_000;

/** The same where Workers AI alone answers: its free share of a day, 10,000 neurons at 0.011 dollars a thousand. */
const FREE_MONEY = 110_000;

const NOTHING: Price = { input: 0, output: 0 };

/**
 * What the Worker's variables say of the advisor ([LLM2]).
 *
 * @param hasWorkersAi whether Workers AI is bound to the Worker
 * @throws {VariableError} names the first one that is of no use, and never a value
 */
export function readLlmSettings(variables: LlmVariables, hasWorkersAi: boolean): LlmSettings {
  const providers = readProviders(variables, hasWorkersAi);
  const images = variables.LLM_IMAGES?.trim() || 'off';
  if (images !== 'off' && images !== 'inline' && images !== 'any') {
    throw new VariableError('LLM_IMAGES', '"off", "inline" or "any"');
  }
  const seconds = (name: 'LLM_START_SECONDS' | 'LLM_SILENCE_SECONDS', fallback: number) =>
    1_000 * readWholeNumber(name, given(variables[name]) ?? undefined, fallback, 600);
  const settings: Omit<LlmSettings, 'limits'> = {
    providers,
    models: [...new Set(providers.flatMap(({ models }) => [...models.keys()]))],
    prices: readPrices(variables.LLM_PRICES),
    images,
    maxTokens: readWholeNumber(
      'LLM_MAX_TOKENS',
      given(variables.LLM_MAX_TOKENS) ?? undefined,
      8_192,
      1_000_000,
    ),
    startWithin: seconds('LLM_START_SECONDS', 90),
    silence: seconds('LLM_SILENCE_SECONDS', 60),
  };
  return { ...settings, limits: readLimits(variables, costsMoney(settings) ? DAILY_MONEY : FREE_MONEY) };
}

/** What a model costs at a provider. */
export function priceAt({ prices }: LlmSettings, model: string, { isFree }: Provider): Price {
  return isFree ? NOTHING : (prices.get(model) ?? UNKNOWN_PRICE);
}

/** Whether answers may cost whoever runs the relay money: Workers AI has a free share each day, and the demonstration is free. */
export function costsMoney({ providers }: Pick<LlmSettings, 'providers'>): boolean {
  return providers.some(({ isFree, baseUrl }) => !isFree && baseUrl !== null);
}

function readLimits(variables: LlmVariables, dailyMoney: number): LlmLimits {
  const count = (name: keyof LlmVariables, fallback: number) =>
    readWholeNumber(name, given(variables[name]) ?? undefined, Math.max(1, Math.floor(fallback)), 1e12);
  const money = (name: keyof LlmVariables, fallback: number) =>
    readMoney(name, variables[name], Math.floor(fallback));
  const relay: Allowance = {
    tokens: count('LLM_DAILY_TOKENS', 2_000_000),
    money: money('LLM_DAILY_USD', dailyMoney),
    streams: count('LLM_STREAMS', 50),
  };
  return {
    relay,
    session: {
      tokens: count('LLM_SESSION_TOKENS', relay.tokens / 4),
      money: money('LLM_SESSION_USD', relay.money / 4),
      streams: count('LLM_SESSION_STREAMS', 4),
    },
    network: {
      tokens: count('LLM_NETWORK_TOKENS', relay.tokens / 2),
      money: money('LLM_NETWORK_USD', relay.money / 2),
      streams: count('LLM_NETWORK_STREAMS', 20),
    },
  };
}

/** US dollars as whole millionths. Zero is a limit too: then only what costs nothing is answered. */
function readMoney(variable: string, text: string | undefined, fallback: number): number {
  const trimmed = given(text);
  if (trimmed === null) return fallback;
  if (!/^\d{1,6}(?:\.\d{1,6})?$/.test(trimmed)) {
    throw new VariableError(
      variable,
      'US dollars, like 2.50, of at most 6 digits before and behind the point',
    );
  }
  return Math.round(Number(trimmed) * 1e6);
}
