import type { Hub } from './hub/durable-object.ts';

/** What wrangler.jsonc binds to the Worker. */
export interface Env {
  /** The client's build. */
  ASSETS: Fetcher;
  HUB: DurableObjectNamespace<Hub>;
  /** Mailboxes. */
  DB: D1Database;
  /** What is deployed, as `GET /health` tells it. */
  VERSION: string;
  /** Origins, with spaces between them, from which browsers may use the mailbox; the relay's own always may. */
  ALLOWED_ORIGINS?: string;
  /** Limits, in decimal digits; see {@link ./mailbox/limits.ts}. */
  SESSION_BYTES?: string;
  SESSION_ENVELOPES_PER_MINUTE?: string;
  DAILY_SESSIONS?: string;
  DAILY_BYTES?: string;
  DAILY_ROWS?: string;
  TOTAL_BYTES?: string;
  RETENTION_DAYS?: string;
}
