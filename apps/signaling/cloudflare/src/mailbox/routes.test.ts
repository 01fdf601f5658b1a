import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { encodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_LIMIT, parseEnvelope } from '@parley/signaling/envelope';
import { decodeLog, encodeAppend, MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Author, newId, RELAY_ORIGIN } from '../../test/author.ts';
import { RelaySocket } from '../../test/relay-socket.ts';
import worker from '../worker.ts';

type Role = 'writer' | 'reader';

const address = (author: Author, path: string) => `${RELAY_ORIGIN}/api/sessions/${author.sessionId}/${path}`;

const bearer = async (author: Author, role: Role = 'writer') => ({
  Authorization: `Bearer ${await author.token(role)}`,
});

async function send(
  author: Author,
  path: string,
  init: RequestInit = {},
  role: Role = 'writer',
): Promise<Response> {
  const headers = { ...(await bearer(author, role)), ...(init.headers as Record<string, string>) };
  return exports.default.fetch(address(author, path), { ...init, headers });
}

const append = (author: Author, ...envelopes: Uint8Array[]) =>
  send(author, 'log', { method: 'POST', body: encodeAppend(envelopes) });

/** The answer of a Worker to which something else is bound. */
async function sendWith(
  bindings: object,
  author: Author,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const ctx = createExecutionContext();
  const headers = { ...(await bearer(author)), ...(init.headers as Record<string, string>) };
  const request = new Request(address(author, path), { ...init, headers });
  const response = await worker.fetch(request, { ...env, ...bindings }, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

async function expectProblem(response: Response, code: ProblemCode): Promise<void> {
  const { status, title, detail } = PROBLEMS[code];
  expect(await response.json()).toEqual({ type: 'about:blank', title, status, detail, code });
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
}

const readLog = async (response: Response) => decodeLog(new Uint8Array(await response.arrayBuffer()));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the routes', () => {
  it('[MB5] [MB8] an append is answered with seqs, and a pull with the format of the protocol', async () => {
    const author = await Author.create();
    const envelopes = [await author.update(), await author.update(1_000_000)];
    const response = await append(author, ...envelopes);
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const answer = await response.json<{ epoch: string }>();
    expect(answer).toEqual({ epoch: expect.stringMatching(/^[\w-]{22}$/), head: 2, seqs: [1, 2] });

    const pulled = await send(author, 'log');
    expect(pulled.headers.get('Cache-Control')).toBe('no-store');
    expect(pulled.headers.get('Content-Type')).toBe('application/octet-stream');
    expect((await readLog(pulled))?.entries).toEqual([
      { seq: 1, bytes: envelopes[0] },
      { seq: 2, bytes: envelopes[1] },
    ]);
    const rest = await readLog(await send(author, `log?after=1&epoch=${answer.epoch}`, {}, 'reader'));
    expect(rest?.entries).toEqual([{ seq: 2, bytes: envelopes[1] }]);
  });

  it('[MB5] appends that meet are all taken, though only one at a time can be committed', async () => {
    const author = await Author.create();
    const envelopes = await Promise.all(Array.from({ length: 20 }, () => author.update()));
    const answers = await Promise.all(
      envelopes.map(async (envelope) => (await append(author, envelope)).json<{ seqs: number[] }>()),
    );
    expect(answers.flatMap(({ seqs }) => seqs).sort((a, b) => a - b)).toEqual(envelopes.map((_, i) => i + 1));
  });

  it('[MB13] [MB15] snapshots are put, listed and read', async () => {
    const author = await Author.create();
    await append(author, await author.update());
    const snapshot = await author.snapshot(null, 1, 1_500_000);
    const { id } = parseEnvelope(snapshot).header;
    const put = await send(author, 'snapshot', { method: 'PUT', body: snapshot });
    expect(await put.json()).toEqual({ epoch: expect.any(String), head: 1, current: { id, covers: 1 } });
    const listed = await send(author, 'snapshots', {}, 'reader');
    expect(await listed.json()).toEqual({
      snapshots: [{ id, covers: 1, size: snapshot.length, at: expect.any(Number) }],
    });
    const read = await send(author, `snapshots/${id}`, {}, 'reader');
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(snapshot);
    await expectProblem(await send(author, `snapshots/${newId()}`), 'mailbox/not-found');
  });

  it.each([
    ['log?after=-1', {}],
    ['log?after=1.5', {}],
    ['log?after=99999999999999999', {}],
    ['log?epoch=x', {}],
    ['log', { method: 'POST', body: 'what' }],
    ['log', { method: 'POST' }],
    ['snapshot', { method: 'PUT', body: 'what' }],
    ['snapshot', { method: 'PUT' }],
  ])('[MB12] %s with %j is malformed', async (path, init) => {
    const author = await Author.create();
    await append(author, await author.update());
    await expectProblem(await send(author, path, init), 'mailbox/malformed');
  });

  it('[MB20] a request is refused by what was read of it, not by what it claims', async () => {
    const author = await Author.create();
    let sent = 0;
    const piece = new Uint8Array(1_000_000);
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          sent += 1;
          controller.enqueue(piece);
        },
      });
    for (const [method, path, limit] of [
      ['POST', 'log', MAILBOX_LIMITS.requestBytes],
      ['PUT', 'snapshot', ENVELOPE_LIMIT],
    ] as const) {
      sent = 0;
      const response = await sendWith({}, author, path, { method, body: endless() });
      await expectProblem(response, 'mailbox/too-large');
      expect(sent).toBeLessThan(limit / piece.length + 5);
    }
    const liar = {
      method: 'POST',
      body: encodeAppend([await author.update()]),
      headers: { 'Content-Length': '99999999' },
    };
    expect((await sendWith({}, author, 'log', liar)).status).toBe(200);
  });

  it('[RL6] what is not there is not found, whatever the method', async () => {
    const author = await Author.create();
    for (const [method, path] of [
      ['PUT', 'log'],
      ['DELETE', 'log'],
      ['POST', 'snapshot'],
      ['GET', 'snapshot'],
      ['POST', 'snapshots'],
      ['GET', 'else'],
      ['GET', 'snapshots/x'],
    ] as const) {
      await expectProblem(await send(author, path, { method }), 'relay/not-found');
    }
    const elsewhere = await exports.default.fetch(`${RELAY_ORIGIN}/api/sessions/${author.sessionId}x/log`);
    await expectProblem(elsewhere, 'relay/not-found');
  });

  it('[RL7] answers have the security headers', async () => {
    const { headers } = await send(await Author.create(), 'log');
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
  });
});

describe('access', () => {
  it.each<[ProblemCode, string, () => Promise<Record<string, string>>]>([
    ['access/token-missing', 'Bearer', async () => ({})],
    ['access/token-malformed', 'Bearer error="invalid_token"', async () => ({ Authorization: 'Bearer x' })],
  ])('[MB1] %s', async (code, challenge, headers) => {
    const author = await Author.create();
    const response = await exports.default.fetch(address(author, 'log'), { headers: await headers() });
    expect(response.headers.get('WWW-Authenticate')).toBe(challenge);
    await expectProblem(response, code);
  });

  it('[MB1] a token for another session opens nothing', async () => {
    const [author, other] = [await Author.create(), await Author.create()];
    await append(other, await other.update());
    const response = await exports.default.fetch(address(author, 'log'), { headers: await bearer(other) });
    await expectProblem(response, 'access/token-audience');
  });

  it('[MB3] an unknown session, a wrong key and a bad signature are one answer', async () => {
    const author = await Author.create();
    const other = await Author.create();
    await append(author, await author.update());
    const tokens = [
      // Nobody wrote this session.
      [other, await other.token('writer')],
      [other, await other.token('reader')],
      // A key that is not the session's.
      [author, await other.token('reader', { sub: author.sessionId })],
      [author, await other.token('writer', { sub: author.sessionId })],
      // Somebody else's signature.
      [author, await author.token('writer', {}, { key: other.writer.privateKey })],
    ] as const;
    const ask = async (of: Author, path: string, token: string, init: RequestInit = {}) => {
      const response = await exports.default.fetch(address(of, path), {
        ...init,
        headers: { Authorization: `Bearer ${token}` },
      });
      return { status: response.status, headers: [...response.headers], body: await response.text() };
    };
    const answers = await Promise.all(tokens.map(([of, token]) => ask(of, 'log', token)));
    // What is wrong with the body is told to the writer only, who may write where nobody has written, too.
    for (const [of, token] of tokens.slice(1)) {
      answers.push(await ask(of, 'log', token, { method: 'POST', body: 'what' }));
      answers.push(await ask(of, 'snapshot', token, { method: 'PUT', body: 'what' }));
    }
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const forged = await author.seal({ kind: 'update' }, 5, author.reader.privateKey);
    const response = await append(author, forged);
    expect({ status: response.status, headers: [...response.headers], body: await response.text() }).toEqual(
      answers[0],
    );
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ code: 'mailbox/not-found' });
  });

  it.each(['POST log', 'PUT snapshot'])(
    '[MB3] who may not write is told so before the body is read: %s',
    async (route) => {
      const [method = '', path = ''] = route.split(' ');
      const author = await Author.create();
      await append(author, await author.update());
      const stranger = await Author.create();
      for (const [token, code] of [
        [await stranger.token('reader', { sub: author.sessionId }), 'mailbox/not-found'],
        [await author.token('reader'), 'access/scope'],
      ] as const) {
        let sent = 0;
        const body = new ReadableStream({
          pull(controller) {
            sent += 1;
            controller.enqueue(new Uint8Array(1_000));
          },
        });
        const headers = { Authorization: `Bearer ${token}` };
        await expectProblem(await sendWith({}, author, path, { method, body, headers }), code);
        // A stream has its first piece ready before anybody reads.
        expect(sent).toBeLessThanOrEqual(1);
      }
    },
  );

  it('[MB2] [MB4] a reader’s token reads, and writes nothing, whatever its scope says', async () => {
    const author = await Author.create();
    const update = await author.update();
    await append(author, update);
    expect((await send(author, 'log', {}, 'reader')).status).toBe(200);
    const posted = await send(author, 'log', { method: 'POST', body: encodeAppend([update]) }, 'reader');
    expect(posted.headers.get('WWW-Authenticate')).toBe('Bearer error="insufficient_scope"');
    await expectProblem(posted, 'access/scope');
    const junk = await send(author, 'snapshot', { method: 'PUT', body: 'what' }, 'reader');
    await expectProblem(junk, 'access/scope');
  });
});

describe('other origins', () => {
  const preflight = (author: Author, origin: string, allowed?: string) =>
    sendWith({ ALLOWED_ORIGINS: allowed }, author, 'log', {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    });

  it('[RL9] those that are allowed may ask, and read the Date and Retry-After', async () => {
    const author = await Author.create();
    const allowed = 'https://a.example https://b.example';
    const before = await preflight(author, 'https://b.example', allowed);
    expect(before.status).toBe(204);
    expect(before.headers.get('Access-Control-Allow-Origin')).toBe('https://b.example');
    expect(before.headers.get('Access-Control-Allow-Headers')).toMatch(/Authorization/i);
    expect(before.headers.get('Access-Control-Allow-Methods')).toBe('GET,POST,PUT');
    expect(before.headers.get('Vary')).toContain('Origin');
    const response = await sendWith({ ALLOWED_ORIGINS: allowed }, author, 'log', {
      headers: { Origin: 'https://b.example' },
    });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://b.example');
    expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Date,Retry-After');
  });

  it.each([undefined, '', 'https://a.example', 'https://c.example.evil'])(
    '[RL9] nobody else may: %j',
    async (allowed) => {
      const author = await Author.create();
      const before = await preflight(author, 'https://c.example', allowed);
      expect(before.headers.get('Access-Control-Allow-Origin')).toBeNull();
      const empty = await preflight(author, '', allowed);
      expect(empty.headers.get('Access-Control-Allow-Origin')).toBeNull();
    },
  );
});

describe('telling', () => {
  it('[MB11] [HB27] an append and a new snapshot reach those who listen, with small envelopes', async () => {
    const author = await Author.create();
    const topic = `parley/mailbox/${author.sessionId}`;
    const bob = await RelaySocket.connect();
    bob.send({ type: 'subscribe', topics: [topic], token: await author.token() });
    expect(await bob.settle()).toEqual([]);
    const envelope = await author.update();
    const { epoch } = await (await append(author, envelope)).json<{ epoch: string }>();
    const told = { type: 'mailbox', topic, epoch, head: 1, current: null };
    expect(await bob.next()).toEqual({ ...told, envelopes: [encodeBase64url(envelope)] });
    const snapshot = await author.snapshot(null, 1);
    await send(author, 'snapshot', { method: 'PUT', body: snapshot });
    const { id } = parseEnvelope(snapshot).header;
    expect(await bob.next()).toEqual({ ...told, current: { id, covers: 1 }, envelopes: [] });
  });

  it('[MB11] nobody is told what was there already', async () => {
    const author = await Author.create();
    const published: string[] = [];
    const hub = { publish: async (topic: string) => void published.push(topic) };
    const HUB = { idFromName: () => 'id', get: () => hub };
    const body = encodeAppend([await author.update()]);
    const snapshot = await author.snapshot(null, 1);
    for (let times = 1; times <= 2; times++) {
      await sendWith({ HUB }, author, 'log', { method: 'POST', body });
      await sendWith({ HUB }, author, 'snapshot', { method: 'PUT', body: snapshot });
      expect(published).toHaveLength(2);
    }
  });

  it('[MB11] a hub that fails does not fail the append', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const author = await Author.create();
    const hub = { publish: () => Promise.reject(new Error('secret-detail')) };
    const HUB = { idFromName: () => 'id', get: () => hub };
    const body = encodeAppend([await author.update()]);
    const response = await sendWith({ HUB }, author, 'log', { method: 'POST', body });
    expect(response.status).toBe(200);
    expect(log).toHaveBeenCalledOnce();
    expect(String(log.mock.calls[0]?.[0])).not.toContain('secret');
  });
});

describe('trouble', () => {
  it('[MB10] [MB23] a database that fails is told as such, and logged without details', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const author = await Author.create();
    const DB = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: () => Promise.reject(new Error(`D1_ERROR: secret-detail ${author.sessionId}`)),
    };
    await expectProblem(await sendWith({ DB }, author, 'log'), 'relay/unavailable');
    expect(log).toHaveBeenCalledOnce();
    const line = String(log.mock.calls[0]?.[0]);
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      error: 'Error',
      route: expect.stringContaining('log'),
    });
    expect(line).not.toMatch(new RegExp(`secret|${author.sessionId}`));
  });

  it('[MB18] too many envelopes are told with Retry-After', async () => {
    const author = await Author.create();
    const body = encodeAppend([await author.update(), await author.update()]);
    const response = await sendWith({ SESSION_ENVELOPES_PER_MINUTE: '1' }, author, 'log', {
      method: 'POST',
      body,
    });
    const seconds = Number(response.headers.get('Retry-After'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    await expectProblem(response, 'mailbox/too-fast');
  });

  it('[MB19] an IP prefix uses its own share', async () => {
    const post = async (address: string) => {
      const author = await Author.create();
      const body = encodeAppend([await author.update()]);
      const headers = { 'CF-Connecting-IP': address };
      return sendWith({ DAILY_SESSIONS: '1000000' }, author, 'log', { method: 'POST', body, headers });
    };
    expect((await post('203.0.113.7')).status).toBe(200);
    const rows = await env.DB.prepare('SELECT sessions, prefix FROM budget_prefixes').all();
    expect(rows.results).toEqual([{ sessions: 1, prefix: expect.stringMatching(/^[\w-]{43}$/) }]);
    expect((await post('203.0.113.99')).status).toBe(200);
    const after = await env.DB.prepare('SELECT sessions FROM budget_prefixes').all();
    expect(after.results).toEqual([{ sessions: 2 }]);
  });

  it('[RL8] a variable that is no limit is named in the log, and nothing else is told', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const author = await Author.create();
    await expectProblem(await sendWith({ DAILY_ROWS: 'many' }, author, 'log'), 'relay/internal-error');
    expect(String(log.mock.calls[0]?.[0])).toContain('DAILY_ROWS has to be a whole number');
  });
});

it('[MB22] [MB23] the hourly job deletes what nobody visits, and logs numbers only', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const author = await Author.create();
  await append(author, await author.update());
  await env.DB.prepare('UPDATE sessions SET visited_day = visited_day - 180 WHERE id = ?')
    .bind(author.sessionId)
    .run();
  await worker.scheduled(createScheduledController(), env);
  await expectProblem(await send(author, 'log'), 'mailbox/not-found');
  expect(log).toHaveBeenCalledOnce();
  expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toEqual({
    ...{ level: 'info', job: 'sweep', sessions: 1, rows: expect.any(Number), isDone: true },
  });
});
