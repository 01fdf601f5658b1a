import type { Wrangler } from './wrangler.ts';

/** What a smoke test is to look at. */
export interface SmokeTarget {
  readonly url: string;
  /** What has to be there; null for whatever is. */
  readonly version: string | null;
  /** A version that shares the traffic, and is to answer all of the test. */
  readonly override: { readonly worker: string; readonly version: string } | null;
}

export interface DeployPorts {
  readonly wrangler: Wrangler;
  /** Whether what answers there works. */
  readonly smoke: (target: SmokeTarget) => Promise<boolean>;
  readonly say: (text: string) => void;
}
