/** The variables of the Worker that say who answers for the advisor, and what that may cost; see {@link ../env.ts}. */
export interface LlmVariables {
  readonly LLM_BASE_URL?: string;
}
