import type { Env } from '../src/env.ts';
import worker from '../src/worker.ts';

export { Hub, LlmBudget, LlmCache } from '../src/worker.ts';

/** How the database fails: before a batch runs, or after its commit, so that nobody learns of it. */
type Mode = 'no' | 'before' | 'after';

let mode: Mode = 'no';

/**
 * The relay, with a database that fails while it is told to: `PUT /test/database` with `no`, `before` or `after`. Only tests
 * run it. One process of `wrangler dev` has one instance of the Worker, so the mode holds for all requests; the hub has its
 * own connection, which does not fail.
 */
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== '/test/database') {
      return worker.fetch(request, { ...env, DB: failing(env.DB) }, ctx);
    }
    const asked = await request.text();
    if (asked !== 'no' && asked !== 'before' && asked !== 'after') return new Response(null, { status: 400 });
    mode = asked;
    return new Response(null, { status: 204 });
  },
  scheduled: worker.scheduled,
};

function failing(database: D1Database): D1Database {
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'batch') {
        return async (statements: D1PreparedStatement[]) => {
          if (mode === 'before') throw new Error('D1_ERROR: the test wants it');
          const answers = await target.batch(statements);
          if (mode === 'after') throw new Error('D1_ERROR: the test wants it');
          return answers;
        };
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
