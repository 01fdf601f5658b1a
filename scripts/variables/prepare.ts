import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'dotenv';
import { readAdvisorAccess, readOwner } from '../../apps/signaling/cloudflare/src/access/advisor.ts';
import { costsMoney, readLlmSettings } from '../../apps/signaling/cloudflare/src/llm/settings.ts';
import { startProvider, type Provider } from '../../apps/signaling/cloudflare/test/provider/provider.ts';
import { VariableError } from '../../apps/signaling/src/variables.ts';
import { chooseVariables } from './choose.ts';
import { describeAdvisor } from './describe.ts';

/** wrangler's own place for variables of the Worker on one's own machine. */
const DEV_VARS = fileURLToPath(new URL('../../apps/signaling/cloudflare/.dev.vars', import.meta.url));

/** What the demonstration takes the place of. */
const PROVIDER = ['LLM_BASE_URL', 'LLM_API_KEY', 'LLM_MODELS', 'LLM_UPSTREAMS'] as const;

/** What the Worker is started with. */
export interface Prepared {
  readonly variables: Readonly<Record<string, string>>;
  /** Who answers for the advisor, in a line. */
  readonly advisor: string;
  /** Runs in this process, if it was asked for. */
  readonly demonstration: Provider | null;
}

/**
 * Reads the Worker's variables on this machine, out of the environment and .dev.vars, and starts the demonstration in this process if
 * they ask for it.
 *
 * @throws {VariableError} names the first variable that is of no use
 */
export async function prepareVariables(
  environment: Readonly<Record<string, string | undefined>>,
  file = readVariables(DEV_VARS),
): Promise<Prepared> {
  const chosen = chooseVariables(environment, file);
  const demonstration = asksForDemonstration(chosen) ? await startProvider() : null;
  const variables = demonstration
    ? { ...chosen, LLM_BASE_URL: `${demonstration.origin}/demonstration-1/v1`, LLM_MODELS: 'demonstration' }
    : chosen;
  const settings = readLlmSettings(variables, false);
  const access = readAdvisorAccess(variables, costsMoney(settings));
  readOwner(variables['OWNER_KEY']);
  const isDemonstration = demonstration !== null;
  return { variables, advisor: describeAdvisor({ settings, access, isDemonstration }), demonstration };
}

function asksForDemonstration(variables: Readonly<Record<string, string>>): boolean {
  if (variables['ADVISOR']?.trim() !== 'demo') return false;
  const others = PROVIDER.filter((name) => variables[name]?.trim());
  if (others.length === 0) return true;
  throw new VariableError('ADVISOR', `"demo" without ${others.join(', ')}, or not set`);
}

function readVariables(path: string): Record<string, string> {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
