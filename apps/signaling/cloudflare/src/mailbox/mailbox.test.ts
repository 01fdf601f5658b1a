import { env } from 'cloudflare:workers';
import { describeMailbox } from '../../test/mailbox-rules.ts';

const TABLES = ['sessions', 'log', 'snapshots', 'chunks', 'remains', 'budgets', 'budget_prefixes', 'kept'];

describeMailbox(async () => {
  await env.DB.batch(TABLES.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  return env.DB;
});
