import { Hono, type Context } from 'hono';
import { routePath } from 'hono/route';
import { admitSocket } from './access/admit.ts';
import type { Env } from './env.ts';
import { hubOf } from './hub/hub-of.ts';
import { iceRoutes } from './ice/routes.ts';
import { llmRoutes } from './llm/routes.ts';
import { openMailbox } from './mailbox/open-mailbox.ts';
import { mailboxRoutes } from './mailbox/routes.ts';
import { logError, logJob } from './operations/log.ts';
import { answerProblem, problem } from './problems.ts';
import { RelayProblem } from './relay-problem.ts';
import { securityHeaders } from './security-headers.ts';

export { LlmBudget } from './access/llm-budget-object.ts';
export { Hub } from './hub/durable-object.ts';
export { LlmCache } from './llm/cache-object.ts';

type RelayContext = Context<{ Bindings: Env }>;

const app = new Hono<{ Bindings: Env }>();

app.use(securityHeaders);
app.get('/health', (c) =>
  c.json({ status: 'ok', version: c.env.VERSION }, 200, { 'Cache-Control': 'no-store' }),
);
app.get('/signaling', connectToHub);
// The session id: 22 characters of base64url.
app.get('/signaling/:session{[A-Za-z0-9_-]{22}}', connectToHub);
app.route('/api/ice', iceRoutes);
app.route('/api/llm', llmRoutes);
app.route('/api/sessions/:session{[A-Za-z0-9_-]{22}}', mailboxRoutes);
app.get('/session/:path{.+}', (c) => serveClient(c, 200));
// Whoever follows a damaged link is told so by the client, in words; a program gets a problem document.
app.notFound((c) => (isNavigation(c) ? serveClient(c, 404) : problem('relay/not-found')));
app.onError((error, c) => {
  if (!(error instanceof RelayProblem)) {
    logError(routePath(c, -1), error);
    return problem('relay/internal-error');
  }
  if (error.code === 'relay/unavailable') logError(routePath(c, -1), error.cause);
  return answerProblem(error);
});

export default {
  fetch: (request: Request, env: Env, ctx: ExecutionContext) => app.fetch(request, env, ctx),
  async scheduled(_: ScheduledController, env: Env) {
    const { sessions, rows, isDone } = await openMailbox(env).sweep();
    logJob('sweep', { sessions, rows, isDone });
  },
} satisfies ExportedHandler<Env>;

async function connectToHub(c: RelayContext): Promise<Response> {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    return problem('relay/upgrade-required', { Upgrade: 'websocket' });
  }
  await admitSocket(c);
  // Without the query, which may hold an access key: nobody behind this needs it.
  const { origin, pathname } = new URL(c.req.url);
  return hubOf(c.env, c.req.param('session')).fetch(new Request(origin + pathname, c.req.raw));
}

/** Whether a person's browser is to show what is answered, and asks for no file. */
function isNavigation({ req }: RelayContext): boolean {
  const isFile = /\.\w+$/.test(req.path);
  return req.method === 'GET' && req.header('Sec-Fetch-Mode') === 'navigate' && !isFile;
}

/** The client is one page; what it shows, it decides itself. */
async function serveClient(c: RelayContext, found: 200 | 404): Promise<Response> {
  const page = await c.env.ASSETS.fetch(new Request(new URL('/', c.req.url), c.req.raw));
  if (page.status === 404) return problem('relay/not-found');
  const status = page.status === 200 ? found : page.status;
  const response = new Response(page.body, { status, headers: page.headers });
  response.headers.set('Cache-Control', 'no-cache');
  return response;
}
