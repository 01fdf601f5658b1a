import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';

/** What somebody who comes with a question is told: the answer that is there, or to go and get it. */
export type Entrance =
  /** `waited`: somebody else was getting it. */
  | { readonly state: 'hit'; readonly sealed: Uint8Array; readonly waited: boolean }
  | { readonly state: 'lead'; readonly ticket: string };

/** The answers that one session has got a while ago, and those that it is getting, sealed ([LLM17]). */
export class LlmCache extends DurableObject<Env> {
  enter(_index: string): Promise<Entrance> {
    throw new Error('not built');
  }

  /** @param sealed null when there is none to keep */
  leave(_index: string, _ticket: string, _sealed: Uint8Array | null): Promise<void> {
    throw new Error('not built');
  }
}
