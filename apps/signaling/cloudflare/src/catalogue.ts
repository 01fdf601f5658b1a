import { LLM_PROBLEMS } from '@parley/signaling/llm-problems';
import { PROBLEMS } from '@parley/signaling/problems';

/** All problems that the Worker may answer with. */
export const CATALOGUE = { ...PROBLEMS, ...LLM_PROBLEMS } as const;

export type RelayProblemCode = keyof typeof CATALOGUE;
