import type { AdvisorVariables } from './access/advisor.ts';
import type { LlmBudget } from './access/llm-budget-object.ts';
import type { Hub } from './hub/durable-object.ts';
import type { LlmCache } from './llm/cache-object.ts';
import type { LlmVariables } from './llm/settings.ts';

/** What wrangler.jsonc binds to the Worker. */
export interface Env extends LlmVariables, AdvisorVariables {
  /** The client's build. */
  ASSETS: Fetcher;
  HUB: DurableObjectNamespace<Hub>;
  /** The one object that knows what the advisor has cost today. */
  LLM_BUDGET: DurableObjectNamespace<LlmBudget>;
  /** Answers of one session each, for those who ask the same again. */
  LLM_CACHE: DurableObjectNamespace<LlmCache>;
  /** Workers AI, in the deployed environments. */
  AI?: Ai;
  /** Mailboxes. */
  DB: D1Database;
  /** What is deployed, as `GET /health` tells it. */
  VERSION: string;
  /** Counts the WebSockets that an IP prefix opens ([HB40]). Without it they are not counted. */
  CONNECTIONS?: RateLimit;
  /** A secret: keys, with commas between them, of which one opens this relay. Without it the relay is open to all ([HB36]). */
  RELAY_ACCESS_KEYS?: string;
  /** How many objects share the sessions' sockets; one unless said otherwise ([HB41]). */
  SIGNALING_SHARDS?: string;
  /**
   * Origins, with spaces between them, from whose pages browsers may use the mailbox; the relay's own always may. If there are any,
   * pages of others may not open WebSockets either ([HB37]).
   */
  ALLOWED_ORIGINS?: string;
  /** STUN servers, with commas between them, in place of Cloudflare's; empty for none ([IC2]). */
  STUN_URLS?: string;
  /** Secrets: a key of Cloudflare's TURN service, and its API token. Without them there is no TURN ([IC3]). */
  TURN_KEY_ID?: string;
  TURN_KEY_TOKEN?: string;
  /** Where TURN credentials are asked for instead of at Cloudflare, for tests. */
  TURN_API?: string;
  /** A secret, of the form of an access key: with it, whoever runs the relay switches its advisor off and on, and reads what it cost. */
  OWNER_KEY?: string;
  /** Limits, in decimal digits; see {@link ./mailbox/limits.ts}. */
  SESSION_BYTES?: string;
  SESSION_ENVELOPES_PER_MINUTE?: string;
  DAILY_SESSIONS?: string;
  DAILY_BYTES?: string;
  DAILY_ROWS?: string;
  DAILY_TURN?: string;
  TOTAL_BYTES?: string;
  RETENTION_DAYS?: string;
}
