import type { ExecutionContext } from 'hono';
import { readAdvisorAccess, type AdvisorAccess } from '../access/advisor.ts';
import { openLlmBudget } from '../access/open-llm-budget.ts';
import type { Env } from '../env.ts';
import { logError } from '../operations/log.ts';
import type { ChatWorld } from './answer-chat.ts';
import { callOpenAi, type CallProvider } from './ask-provider.ts';
import type { Resting } from './attempts.ts';
import { costsMoney, readLlmSettings, type LlmSettings } from './settings.ts';
import { callWorkersAi } from './workers-ai.ts';

/** What this Worker's variables make of the advisor. */
export interface Advisor {
  readonly settings: LlmSettings;
  readonly access: AdvisorAccess;
}

const advisors = new WeakMap<Env, Advisor>();

/** Providers that rest, for all requests of this instance. */
const resting: Resting = new Map();

/**
 * The advisor of this Worker. Its variables are read once.
 *
 * @throws {VariableError} names the first one that is of no use
 */
export function openAdvisor(env: Env): Advisor {
  const known = advisors.get(env);
  if (known) return known;
  const settings = readLlmSettings(env, env.AI !== undefined);
  const advisor = { settings, access: readAdvisorAccess(env, costsMoney(settings)) };
  advisors.set(env, advisor);
  return advisor;
}

/** What questions need of this Worker. */
export function chatWorld(env: Env, settings: LlmSettings, ctx: ExecutionContext): ChatWorld {
  const budget = openLlmBudget(env);
  const call: CallProvider = (provider, body, signal) =>
    provider.baseUrl === null && env.AI
      ? callWorkersAi(env.AI)(provider, body, signal)
      : callOpenAi(provider, body, signal);
  return {
    settings,
    call,
    budget: {
      reserve: (request) => budget.reserve(request),
      settle: (id, charge) => budget.settle(id, charge),
    },
    resting,
    now: () => Date.now(),
    random: () => Math.random(),
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    later(work) {
      ctx.waitUntil(work.catch((error: unknown) => logError('llm budget', error)));
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<null>();
      ctx.waitUntil(promise);
      return () => resolve(null);
    },
  };
}
