import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { iceAnswer, type IceAnswer } from '@parley/signaling/ice';
import { encodeAppend } from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { Author, RELAY_ORIGIN } from '../../test/author.ts';
import type { Env } from '../env.ts';
import { DAY } from '../mailbox/day.ts';
import worker from '../worker.ts';

const ADDRESS = `${RELAY_ORIGIN}/api/ice`;
const STUN = { urls: ['stun:stun.cloudflare.com:3478'] };
const TURN = {
  urls: [
    'turn:turn.cloudflare.com:3478?transport=udp',
    'turn:turn.cloudflare.com:80?transport=tcp',
    'turns:turn.cloudflare.com:443?transport=tcp',
  ],
  username: expect.stringMatching(/^user-\d+$/),
  credential: 'for-21600-seconds',
};

/** A Worker with a key of the TURN service. */
const withTurn = (keyId: string): Partial<Env> => ({
  ...{ TURN_API: inject('turnApi'), TURN_KEY_ID: keyId, TURN_KEY_TOKEN: 'turn-secret' },
});

/** The answer of a Worker to which something else is bound. */
async function send(bindings: Partial<Env>, init: RequestInit, address = ADDRESS): Promise<Response> {
  const ctx = createExecutionContext();
  const response = await worker.fetch(new Request(address, init), { ...env, ...bindings }, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** What an editor of a session that nobody has written is answered. */
async function ask(bindings: Partial<Env> = {}, headers: Record<string, string> = {}): Promise<IceAnswer> {
  const token = await (await Author.create()).token('writer', { scope: 'ice' });
  const response = await send(bindings, { headers: { ...bearer(token).headers, ...headers } });
  expect(response.status).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return iceAnswer.parse(await response.json());
}

async function expectProblem(response: Response, code: ProblemCode): Promise<void> {
  const { status, title, detail } = PROBLEMS[code];
  expect(await response.json()).toEqual({ type: 'about:blank', title, status, detail, code });
  expect(response.status).toBe(status);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
}

/** How often the TURN service was asked with this key, seen from one more question. */
async function timesAsked(keyId: string): Promise<number> {
  const { iceServers } = await ask(withTurn(keyId));
  return Number(iceServers[1]?.username?.replace('user-', '')) - 1;
}

const countPaid = async () => (await env.DB.prepare('SELECT turn FROM budgets').first<number>('turn')) ?? 0;

afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.batch([env.DB.prepare('DELETE FROM budgets'), env.DB.prepare('DELETE FROM budget_prefixes')]);
});

describe('access', () => {
  it('[IC1] an editor of a session that nobody has written is told the servers', async () => {
    const token = await (await Author.create()).token('writer', { scope: 'ice' });
    const response = await exports.default.fetch(ADDRESS, bearer(token));
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(await response.json()).toEqual({ iceServers: [STUN], expires: null });
  });

  it.each<[ProblemCode, (author: Author) => Promise<string>]>([
    ['access/scope', (author) => author.token('writer')],
    ['access/scope', (author) => author.token('writer', { scope: undefined })],
    ['access/scope', (author) => author.token('writer', { scope: 'read write llm' })],
    ['access/token-expired', (author) => author.token('writer', { scope: 'ice', iat: 1, exp: 2 })],
    [
      'access/token-audience',
      (author) => author.token('writer', { scope: 'ice', aud: 'https://other.example' }),
    ],
    ['access/token-malformed', (author) => author.token('writer', { scope: 'ice', sub: undefined })],
    ['access/token-malformed', async () => 'x'],
  ])('[IC1] %s', async (code, makeToken) => {
    await expectProblem(await send({}, bearer(await makeToken(await Author.create()))), code);
  });

  it('[IC1] no token, and one that is none, are told what is asked for', async () => {
    const response = await send({}, {});
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
    await expectProblem(response, 'access/token-missing');
    await expectProblem(await send({}, { headers: { Authorization: 'Basic x' } }), 'access/token-malformed');
  });

  it('[IC1] [MB3] the reader’s key, a stranger’s and a bad signature are one answer, and cost nothing', async () => {
    const [author, other] = [await Author.create(), await Author.create()];
    const ice = { scope: 'ice' };
    const tokens = [
      await author.token('reader', ice),
      await other.token('reader', { ...ice, sub: author.sessionId }),
      await other.token('writer', { ...ice, sub: author.sessionId }),
      await author.token('writer', ice, { key: other.writer.privateKey }),
    ];
    const answers = await Promise.all(
      tokens.map(async (token) => {
        const response = await send(withTurn('giving-access'), bearer(token));
        return { status: response.status, headers: [...response.headers], body: await response.text() };
      }),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ code: 'mailbox/not-found' });
    expect(await countPaid()).toBe(0);
    expect(await timesAsked('giving-access')).toBe(0);
  });

  it('[RL6] any other method or address is not found', async () => {
    const init = bearer(await (await Author.create()).token('writer', { scope: 'ice' }));
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      await expectProblem(await send({}, { ...init, method }), 'relay/not-found');
    }
    for (const path of ['/', '/x']) {
      await expectProblem(await send({}, init, `${ADDRESS}${path}`), 'relay/not-found');
    }
  });
});

describe('other origins', () => {
  const preflight = (origin: string, allowed?: string) =>
    send(allowed === undefined ? {} : { ALLOWED_ORIGINS: allowed }, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' },
    });

  it('[RL9] those that are allowed may ask, and read the Date', async () => {
    const response = await preflight('https://b.example', 'https://a.example https://b.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://b.example');
    expect(response.headers.get('Access-Control-Allow-Headers')).toMatch(/Authorization/i);
    expect(response.headers.get('Access-Control-Allow-Methods')).toBe('GET');
    const token = await (await Author.create()).token('writer', { scope: 'ice' });
    const headers = { ...bearer(token).headers, Origin: 'https://b.example' };
    const answer = await send({ ALLOWED_ORIGINS: 'https://b.example' }, { headers });
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://b.example');
    expect(answer.headers.get('Access-Control-Expose-Headers')).toBe('Date,Retry-After');
  });

  it.each([undefined, '', 'https://a.example'])('[RL9] nobody else may: %j', async (allowed) => {
    const response = await preflight('https://c.example', allowed);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('STUN', () => {
  it('[IC2] the relay’s owner says which servers', async () => {
    expect(await ask({ STUN_URLS: 'stun:a.example, stun:b.example' })).toEqual({
      ...{ iceServers: [{ urls: ['stun:a.example', 'stun:b.example'] }], expires: null },
    });
    expect(await ask({ STUN_URLS: '' })).toEqual({ iceServers: [], expires: null });
  });

  it('[IC2] [RL8] a variable that is of no use is named in the log, and nothing else is told', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const token = await (await Author.create()).token('writer', { scope: 'ice' });
    await expectProblem(await send({ STUN_URLS: 'nonsense' }, bearer(token)), 'relay/internal-error');
    await expectProblem(await send({ TURN_KEY_ID: 'id' }, bearer(token)), 'relay/internal-error');
    expect(String(log.mock.calls[0]?.[0])).toContain('STUN_URLS has to be STUN URLs');
    expect(String(log.mock.calls[1]?.[0])).toContain('TURN_KEY_TOKEN has to be set');
  });
});

describe('TURN', () => {
  it('[IC3] credentials are the asker’s own, and good for six hours', async () => {
    const before = Date.now();
    const { iceServers, expires } = await ask(withTurn('giving-own'));
    expect(iceServers).toEqual([STUN, TURN]);
    expect((expires ?? 0) - before).toBeGreaterThan(5.9 * 3_600_000);
    expect((expires ?? 0) - before).toBeLessThanOrEqual(6 * 3_600_000 + (Date.now() - before));
    const another = await ask(withTurn('giving-own'));
    expect(another.iceServers[1]?.username).not.toBe(iceServers[1]?.username);
  });

  it('[IC2] [IC3] without STUN servers there are TURN servers only', async () => {
    expect((await ask({ ...withTurn('giving-alone'), STUN_URLS: '' })).iceServers).toEqual([TURN]);
  });

  it.each(['refusing-r', 'failing-r', 'silent-r', 'chatting-r', 'endless-r'])(
    '[IC4] [IC6] where the service is %s there is STUN, and the log gets a code',
    async (keyId) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const before = Date.now();
      const { iceServers, expires } = await ask(withTurn(keyId), { 'CF-Connecting-IP': '192.0.2.1' });
      expect(iceServers).toEqual([STUN]);
      expect((expires ?? 0) - before).toBeGreaterThan(0);
      expect((expires ?? 0) - before).toBeLessThanOrEqual(600_000 + (Date.now() - before));
      expect(log).toHaveBeenCalledOnce();
      const line = String(log.mock.calls[0]?.[0]);
      expect(JSON.parse(line)).toEqual({
        ...{ level: 'error', route: 'turn', error: 'TurnError', stack: expect.any(Array) },
        message: expect.stringMatching(/^turn\/[a-z]+( \d{3})?$/),
      });
      expect(line).not.toMatch(/secret|192\.0\.2\.1|127\.0\.0\.1/);
    },
  );
});

describe('budgets', () => {
  it('[IC5] a day has so many credentials; then there is STUN until it ends, and the service is not asked', async () => {
    const limited = { ...withTurn('giving-day'), DAILY_TURN: '2' };
    expect((await ask(limited)).iceServers).toEqual([STUN, TURN]);
    expect((await ask(limited)).iceServers).toEqual([STUN, TURN]);
    const { iceServers, expires } = await ask(limited);
    expect(iceServers).toEqual([STUN]);
    expect((expires ?? 1) % DAY).toBe(0);
    expect(Math.abs((expires ?? 0) - Date.now())).toBeLessThanOrEqual(DAY);
    expect(await timesAsked('giving-day')).toBe(2);
  });

  it('[IC5] an IP prefix has half of them, and is kept as a hash', async () => {
    const limited = { ...withTurn('giving-prefix'), DAILY_TURN: '4' };
    const from = async (address: string) =>
      (await ask(limited, { 'CF-Connecting-IP': address })).iceServers.length === 2;
    expect(await from('192.0.2.1')).toBe(true);
    expect(await from('192.0.2.2')).toBe(true);
    expect(await from('192.0.2.3')).toBe(false);
    expect(await from('198.51.100.1')).toBe(true);
    const rows = await env.DB.prepare('SELECT turn, prefix FROM budget_prefixes ORDER BY turn').all();
    const prefix = expect.stringMatching(/^[\w-]{43}$/);
    expect(rows.results).toEqual([
      { turn: 1, prefix },
      { turn: 2, prefix },
    ]);
  });

  it('[IC5] who asks at the same time never gets more than there are', async () => {
    const limited = { ...withTurn('giving-race'), DAILY_TURN: '5' };
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(limited)));
    expect(answers.filter(({ iceServers }) => iceServers.length === 2)).toHaveLength(5);
    expect(await countPaid()).toBe(5);
  });

  it('[IC5] what the service did not give is paid for, too', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await ask(withTurn('failing-paid'));
    expect(await countPaid()).toBe(1);
  });

  it('[IC5] [MB19] the rows that it writes are paid for, and a day without any has no credentials', async () => {
    expect((await ask({ ...withTurn('giving-rows'), DAILY_ROWS: '2' })).iceServers).toEqual([STUN]);
    await ask({ ...withTurn('giving-rows'), DAILY_ROWS: '3' });
    expect(await env.DB.prepare('SELECT rows, turn FROM budgets').first()).toEqual({ rows: 3, turn: 1 });
  });

  it('[IC5] [MB19] fewer credentials than were given out already keep nobody from writing', async () => {
    const headers = { 'CF-Connecting-IP': '192.0.2.1' };
    for (let times = 0; times < 2; times++) await ask(withTurn('giving-fewer'), headers);
    const author = await Author.create();
    const response = await send(
      { DAILY_TURN: '1' },
      {
        method: 'POST',
        headers: { ...headers, ...bearer(await author.token()).headers },
        body: encodeAppend([await author.update()]),
      },
      `${RELAY_ORIGIN}/api/sessions/${author.sessionId}/log`,
    );
    expect(response.status).toBe(200);
  });

  it('[IC5] without TURN nothing is paid and the database is not asked', async () => {
    const DB = { prepare: env.DB.prepare, batch: () => Promise.reject(new Error('D1_ERROR')) };
    expect((await ask({ DB: DB as unknown as D1Database })).iceServers).toEqual([STUN]);
  });

  it('[IC5] [MB10] a database that fails is told as such: what is not paid for is not given', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const DB = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: () => Promise.reject(new Error('D1_ERROR')),
    } as unknown as D1Database;
    const token = await (await Author.create()).token('writer', { scope: 'ice' });
    await expectProblem(await send({ ...withTurn('giving-db'), DB }, bearer(token)), 'relay/unavailable');
    expect(await timesAsked('giving-db')).toBe(0);
  });
});
