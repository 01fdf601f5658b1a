import type { Hub } from './hub/durable-object.ts';

/** What wrangler.jsonc binds to the Worker. */
export interface Env {
  /** The client's build. */
  ASSETS: Fetcher;
  HUB: DurableObjectNamespace<Hub>;
  /** What is deployed, as `GET /health` tells it. */
  VERSION: string;
}
