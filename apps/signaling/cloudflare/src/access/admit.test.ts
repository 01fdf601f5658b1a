import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { encodeAppend, mailboxTopic } from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Author, RELAY_ORIGIN } from '../../test/author.ts';
import { RelaySocket } from '../../test/relay-socket.ts';
import worker from '../worker.ts';

const SESSION = 'AAAAAAAAAAAAAAAAAAAA-_';
const KEY = 'a-key-of-some-people';

/** The answer of a Worker with these variables and bindings. */
async function ask(bindings: object, path: string, init: RequestInit = {}): Promise<Response> {
  const ctx = createExecutionContext();
  const response = await worker.fetch(
    new Request(`${RELAY_ORIGIN}${path}`, init),
    { ...env, ...bindings },
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return response;
}

const upgrade = (bindings: object, path: string, headers: Record<string, string> = {}) =>
  ask(bindings, path, { headers: { Upgrade: 'websocket', ...headers } });

async function expectProblem(response: Response, code: ProblemCode): Promise<void> {
  expect(await response.json()).toMatchObject({ code });
  expect(response.status).toBe(PROBLEMS[code].status);
  expect(response.webSocket).toBeNull();
}

/** Hubs that note who asks them for what. */
function watchedHubs() {
  const asked: string[] = [];
  const hub = (name: string) => ({
    fetch: async ({ url }: Request) => {
      asked.push(`${name} ${url}`);
      return new Response();
    },
    publish: async (topic: string) => void asked.push(`${name} ${topic}`),
  });
  return { asked, HUB: { idFromName: (name: string) => name, get: hub } };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('access keys', () => {
  const RELAY_ACCESS_KEYS = `${KEY},another-key-of-others`;

  it('[HB36] a private relay wants one of a WebSocket, and passes it on to nobody', async () => {
    const { HUB, asked } = watchedHubs();
    const bindings = { RELAY_ACCESS_KEYS, HUB };
    for (const path of ['/signaling', '/signaling?access=', `/signaling/${SESSION}?access=${KEY}x`]) {
      await expectProblem(await upgrade(bindings, path), 'access/key-refused');
    }
    expect(asked).toEqual([]);
    await upgrade(bindings, `/signaling/${SESSION}?access=${KEY}`);
    await upgrade(bindings, '/signaling', { 'x-parley-access': 'another-key-of-others' });
    expect(asked).toEqual([
      `global-signaling ${RELAY_ORIGIN}/signaling/${SESSION}`,
      `global-signaling ${RELAY_ORIGIN}/signaling`,
    ]);
  });

  it('[HB36] a WebSocket that brings one is open', async () => {
    const { webSocket } = await upgrade({ RELAY_ACCESS_KEYS }, `/signaling?access=${KEY}`);
    if (!webSocket) throw new Error('no WebSocket');
    const ada = new RelaySocket(webSocket, true);
    await ada.subscribe('room');
  });

  it.each(['/api/ice', `/api/sessions/${SESSION}/log`])(
    '[HB36] so does %s, in a header; a preflight brings none',
    async (path) => {
      await expectProblem(await ask({ RELAY_ACCESS_KEYS }, path), 'access/key-refused');
      await expectProblem(await ask({ RELAY_ACCESS_KEYS }, `${path}?access=${KEY}`), 'access/key-refused');
      const headers = { 'x-parley-access': KEY };
      await expectProblem(await ask({ RELAY_ACCESS_KEYS }, path, { headers }), 'access/token-missing');
      const preflight = await ask({ RELAY_ACCESS_KEYS, ALLOWED_ORIGINS: 'https://a.example' }, path, {
        method: 'OPTIONS',
        headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('x-parley-access');
    },
  );

  it('[HB36] health and the client are there for all', async () => {
    for (const path of ['/health', `/session/${SESSION}`]) {
      expect((await ask({ RELAY_ACCESS_KEYS }, path)).status).toBe(200);
    }
  });

  it('[HB36] keys that cannot be meant open nothing, and are not logged', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await upgrade({ RELAY_ACCESS_KEYS: 'secret' }, '/signaling?access=secret');
    await expectProblem(response, 'relay/internal-error');
    const line = String(log.mock.calls[0]?.[0]);
    expect(line).toContain('RELAY_ACCESS_KEYS has to be keys of 16');
    expect(line).not.toContain('secret');
  });
});

describe('who connects', () => {
  it('[HB37] where origins are named, pages of others open no WebSocket', async () => {
    const { HUB } = watchedHubs();
    const from = (Origin: string) =>
      upgrade({ HUB, ALLOWED_ORIGINS: 'https://a.example' }, '/signaling', { Origin });
    for (const origin of ['https://a.example', RELAY_ORIGIN]) expect((await from(origin)).status).toBe(200);
    await expectProblem(await from('https://b.example'), 'access/origin-refused');
  });

  it('[HB40] an IP prefix that connects too often is told when to come back', async () => {
    const { HUB, asked } = watchedHubs();
    const limit = vi.fn(async () => ({ success: asked.length < 1 }));
    const from = (address: string) =>
      upgrade({ HUB, CONNECTIONS: { limit } }, '/signaling', { 'CF-Connecting-IP': address });
    expect((await from('192.0.2.7')).status).toBe(200);
    const refused = await from('192.0.2.8');
    expect(refused.headers.get('Retry-After')).toBe('60');
    await expectProblem(refused, 'relay/too-many-connections');
    expect(limit.mock.calls).toEqual([[{ key: '192.0.2.0/24' }], [{ key: '192.0.2.0/24' }]]);
    // Everybody on one's own machine is the same person.
    expect((await from('127.0.0.1')).status).toBe(200);
    expect(limit).toHaveBeenCalledTimes(2);
  });

  it('[HB40] the binding itself lets people in', async () => {
    const headers = { 'CF-Connecting-IP': '192.0.2.7' };
    expect((await upgrade({}, '/signaling', headers)).status).toBe(101);
  });
});

describe('shards', () => {
  it('[HB41] a session’s sockets and what its mailbox tells them are in one shard', async () => {
    const { HUB, asked } = watchedHubs();
    const author = await Author.create();
    const bindings = { HUB, SIGNALING_SHARDS: '4' };
    await upgrade(bindings, `/signaling/${author.sessionId}`);
    const appended = await ask(bindings, `/api/sessions/${author.sessionId}/log`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${await author.token('writer')}` },
      body: encodeAppend([await author.update()]),
    });
    expect(appended.status).toBe(200);
    const [socket = '', notification = ''] = asked;
    expect(socket).toMatch(/^signaling-[0-3] /);
    expect(notification).toBe(`${socket.split(' ')[0]} ${mailboxTopic(author.sessionId)}`);
    await upgrade(bindings, '/signaling');
    expect(asked[2]).toMatch(/^global-signaling /);
  });

  it('[HB41] shards are hubs like the one', async () => {
    const connect = async () => {
      const { webSocket } = await upgrade({ SIGNALING_SHARDS: '4' }, `/signaling/${SESSION}`);
      if (!webSocket) throw new Error('no WebSocket');
      return new RelaySocket(webSocket, true);
    };
    const [ada, bob] = [await connect(), await connect()];
    await ada.subscribe('room');
    await bob.subscribe('room');
    ada.send({ type: 'publish', topic: 'room' });
    expect(await bob.next()).toEqual({ type: 'publish', topic: 'room', clients: 2 });
  });

  it.each(['0', 'many', '1001'])('[HB41] %s shards are a mistake', async (SIGNALING_SHARDS) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await expectProblem(await upgrade({ SIGNALING_SHARDS }, `/signaling/${SESSION}`), 'relay/internal-error');
    expect(String(log.mock.calls[0]?.[0])).toContain('SIGNALING_SHARDS has to be a whole number');
  });
});
