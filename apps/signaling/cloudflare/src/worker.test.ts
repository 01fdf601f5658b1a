import { createExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RelaySocket } from '../test/relay-socket.ts';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import worker from './worker.ts';

const SESSION = 'AAAAAAAAAAAAAAAAAAAA-_';

const request = (path: string, init?: RequestInit) =>
  exports.default.fetch(`https://relay.example${path}`, init);

/** The answer of a Worker to which something else is bound. */
const requestWith = (bindings: object, path: string, init?: RequestInit) =>
  worker.fetch(
    new Request(`https://relay.example${path}`, init),
    { ...env, ...bindings },
    createExecutionContext(),
  );

async function expectProblem(response: Response, code: ProblemCode): Promise<void> {
  const { status, title, detail } = PROBLEMS[code];
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(await response.json()).toEqual({ type: 'about:blank', title, status, detail, code });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('health', () => {
  it('[RL1] tells that the relay is up, and its version', async () => {
    const response = await request('/health');
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ok', version: 'development' });
  });
});

describe('signaling', () => {
  it.each(['/signaling', `/signaling/${SESSION}`])(
    '[RL2] %s opens a WebSocket to the one hub',
    async (path) => {
      const [ada, bob] = [await RelaySocket.connect(path), await RelaySocket.connect()];
      await ada.subscribe(path);
      await bob.subscribe(path);
      bob.send({ type: 'publish', topic: path });
      expect(await ada.next()).toEqual({ type: 'publish', topic: path, clients: 2 });
    },
  );

  it.each(['/signaling', `/signaling/${SESSION}`])(
    '[RL3] %s answers anything but an upgrade with 426',
    async (path) => {
      for (const headers of [{}, { Upgrade: 'h2c' }]) {
        const response = await request(path, { headers });
        expect(response.headers.get('Upgrade')).toBe('websocket');
        await expectProblem(response, 'relay/upgrade-required');
      }
    },
  );

  it.each([
    SESSION.slice(1),
    `${SESSION}A`,
    `${SESSION.slice(1)}=`,
    `${SESSION.slice(1)}%2F`,
    `${SESSION}/x`,
  ])('[RL4] a session id that cannot be one is not found: %s', async (id) => {
    const response = await request(`/signaling/${id}`, { headers: { Upgrade: 'websocket' } });
    await expectProblem(response, 'relay/not-found');
  });
});

describe('client', () => {
  it.each([`/session/${SESSION}`, `/session/${SESSION}?x=1`, '/session/any/thing'])(
    '[RL5] %s is the client’s page, with the policy that the page brings',
    async (path) => {
      const response = await request(path);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('<title>The client</title>');
      expect(response.headers.get('Content-Type')).toContain('text/html');
      expect(response.headers.get('Cache-Control')).toBe('no-cache');
      expect(response.headers.get('Content-Security-Policy')).toContain("'sha256-client'");
      expect(response.headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
      expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    },
  );

  it('[RL5] HEAD of a session’s page has the headers and no body', async () => {
    const response = await request(`/session/${SESSION}`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
    expect(await response.text()).toBe('');
  });

  it('[RL5] a page that the browser has already is not sent again', async () => {
    const etag = (await request(`/session/${SESSION}`)).headers.get('ETag') ?? '';
    const response = await request(`/session/${SESSION}`, { headers: { 'If-None-Match': etag } });
    expect(response.status).toBe(304);
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
  });

  it('[RL5] [RL7] a page that brings no headers gets strict ones, and is asked for anew every time', async () => {
    const page = {
      fetch: () => new Response('page', { headers: { 'Cache-Control': 'public, max-age=60' } }),
    };
    const { headers } = await requestWith({ ASSETS: page }, `/session/${SESSION}`);
    expect(headers.get('Cache-Control')).toBe('no-cache');
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
  });

  it('[RL5] a relay without a client says that there is nothing', async () => {
    const nothing = { fetch: () => new Response('<h1>404</h1>', { status: 404 }) };
    const response = await requestWith({ ASSETS: nothing }, `/session/${SESSION}`);
    await expectProblem(response, 'relay/not-found');
  });
});

describe('everything else', () => {
  it.each([
    '/nothing',
    '/session',
    '/session/',
    '/_app/immutable/gone.js',
    '/health/more',
    '//evil.example',
    '/%ff',
  ])('[RL6] %s is not found, and that is not cached', async (path) => {
    await expectProblem(await request(path), 'relay/not-found');
  });

  it.each(['/session', '/session/', `/sesion/${SESSION}`, '/nothing'])(
    '[RL6] a browser that goes to %s gets the client, which says it in words; the status stays 404',
    async (path) => {
      const response = await request(path, { headers: { 'Sec-Fetch-Mode': 'navigate' } });
      expect(response.status).toBe(404);
      expect(await response.text()).toContain('<title>The client</title>');
      expect(response.headers.get('Cache-Control')).toBe('no-cache');
      await expectProblem(
        await request(path, { headers: { 'Sec-Fetch-Mode': 'navigate' }, method: 'POST' }),
        'relay/not-found',
      );
    },
  );

  it('[RL6] a file that is not there is no page for a browser either', async () => {
    const headers = { 'Sec-Fetch-Mode': 'navigate' };
    await expectProblem(await request('/_app/immutable/gone.js', { headers }), 'relay/not-found');
  });

  it.each(['/health', '/signaling', `/session/${SESSION}`])(
    '[RL6] %s is there to be read only',
    async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        await expectProblem(await request(path, { method }), 'relay/not-found');
      }
    },
  );

  it.each(['/health', '/signaling', '/nothing', `/session/${SESSION}`])(
    '[RL7] %s is answered with all security headers',
    async (path) => {
      const { headers } = await request(path);
      expect(headers.get('Content-Security-Policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
      expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
      expect(headers.get('Permissions-Policy')).toContain('geolocation=()');
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      expect(headers.get('Strict-Transport-Security')).toBe('max-age=31536000');
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    },
  );

  it('[RL8] a mistake of the relay is answered without its details, and logged without the request’s', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const broken = {
      fetch: () => {
        throw new RangeError('secret-detail');
      },
    };
    const response = await requestWith({ ASSETS: broken }, `/session/${SESSION}?secret-query`, {
      headers: { 'CF-Connecting-IP': '192.0.2.1' },
    });
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    await expectProblem(response, 'relay/internal-error');
    expect(log).toHaveBeenCalledOnce();
    const line = String(log.mock.calls[0]?.[0]);
    expect(JSON.parse(line)).toEqual({
      level: 'error',
      route: '/session/:path{.+}',
      error: 'RangeError',
      stack: expect.arrayContaining([expect.stringContaining('worker.test.ts')]),
    });
    expect(line).not.toMatch(new RegExp(`secret|192\\.0\\.2\\.1|${SESSION}`));
  });
});
