import { Hono, type Context } from 'hono';
import { routePath } from 'hono/route';
import type { Env } from './env.ts';
import { logError } from './operations/log.ts';
import { problem } from './problems.ts';
import { securityHeaders } from './security-headers.ts';

export { Hub } from './hub/durable-object.ts';

type RelayContext = Context<{ Bindings: Env }>;

const app = new Hono<{ Bindings: Env }>();

app.use(securityHeaders);
app.get('/health', (c) =>
  c.json({ status: 'ok', version: c.env.VERSION }, 200, { 'Cache-Control': 'no-store' }),
);
app.get('/signaling', connectToHub);
// The session id: 22 characters of base64url. One hub serves them all, until it is spread over several.
app.get('/signaling/:session{[A-Za-z0-9_-]{22}}', connectToHub);
app.get('/session/:path{.+}', serveClient);
app.notFound(() => problem('relay/not-found'));
app.onError((error, c) => {
  logError(routePath(c, -1), error);
  return problem('relay/internal-error');
});

export default app;

function connectToHub(c: RelayContext): Response | Promise<Response> {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    return problem('relay/upgrade-required', { Upgrade: 'websocket' });
  }
  return c.env.HUB.get(c.env.HUB.idFromName('global-signaling')).fetch(c.req.raw);
}

/** The client is one page; what it shows, it decides itself. */
async function serveClient(c: RelayContext): Promise<Response> {
  const page = await c.env.ASSETS.fetch(new Request(new URL('/', c.req.url), c.req.raw));
  if (page.status === 404) return problem('relay/not-found');
  const response = new Response(page.body, page);
  response.headers.set('Cache-Control', 'no-cache');
  return response;
}
