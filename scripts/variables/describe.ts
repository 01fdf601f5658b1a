import type { AdvisorAccess } from '../../apps/signaling/cloudflare/src/access/advisor.ts';
import type { LlmSettings } from '../../apps/signaling/cloudflare/src/llm/settings.ts';

/** What the Worker makes of its variables. */
export interface AdvisorState {
  readonly settings: Pick<LlmSettings, 'providers'>;
  readonly access: AdvisorAccess;
  readonly isDemonstration: boolean;
}

/** A line for whoever starts Parley: who answers for the advisor, and what is missing for it. It holds no key. */
export function describeAdvisor({ settings, access, isDemonstration }: AdvisorState): string {
  if (access.rule === 'off') return 'Advisor: off, as ADVISOR_ACCESS says.';
  if (settings.providers.length === 0) {
    return 'Advisor: none. Set LLM_BASE_URL and LLM_MODELS, or ADVISOR=demo for a demonstration without an AI.';
  }
  const hosts = settings.providers.map(({ name, baseUrl }) =>
    baseUrl === null ? name : new URL(baseUrl).host,
  );
  const line = `Advisor: ${isDemonstration ? 'the demonstration, which is no AI' : hosts.join(', then ')}.`;
  return access.rule === 'key' && access.access.keys.length === 0
    ? `${line} It takes an access key, and there is none: set ADVISOR_ACCESS_KEYS=…, or ADVISOR_ACCESS=open.`
    : line;
}
