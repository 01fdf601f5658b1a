import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeAppend, encodeLog, type LogHeader } from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { deriveEditKeys } from '../../session/keys.ts';
import { MailboxRefusal } from './ports.ts';
import { TokenSource } from './token.ts';
import { HttpTransport } from './transport.ts';

const keys = await deriveEditKeys(new Uint8Array(32));
const epoch = 'e'.repeat(22);
const header: LogHeader = {
  writer: 'w'.repeat(43),
  epoch,
  head: 2,
  current: null,
  tombstone: null,
  snapshot: null,
  first: 1,
  entries: [3, 1],
};
const log = encodeLog(header, [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly access: string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What the server does next; the last one is repeated. */
let answers: ((response: ServerResponse, seen: Seen) => void)[] = [];
let seen: Seen[] = [];

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const one = {
    method: request.method ?? '',
    path: request.url ?? '',
    access: request.headers['x-parley-access']?.toString() ?? null,
    token: (request.headers.authorization ?? '').replace('Bearer ', ''),
    body: new Uint8Array(Buffer.concat(parts)),
  };
  seen.push(one);
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  answer?.(response, one);
}

const server = createServer((request, response) => void serve(request, response));
let relay = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
});

function open({
  now = () => Date.now(),
  patience = 5_000,
  at = relay,
  access = (): string | null => null,
} = {}): HttpTransport {
  const tokens = new TokenSource({
    sessionId: keys.sessionId,
    relay,
    writer: keys.writer,
    reader: keys.view.reader,
    now,
  });
  return new HttpTransport({ relay: at, sessionId: keys.sessionId, tokens, access, now, patience });
}

const send =
  (body: Uint8Array | string, status = 200, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers).end(body);
  };

const refuse = (code: ProblemCode, headers: Record<string, string> = {}) =>
  send(JSON.stringify({ ...PROBLEMS[code], code }), PROBLEMS[code].status, {
    'Content-Type': 'application/problem+json',
    ...headers,
  });

async function refusalOf(promise: Promise<unknown>): Promise<MailboxRefusal> {
  const outcome: unknown = await promise.then(
    () => 'no refusal',
    (error: unknown) => error,
  );
  if (!(outcome instanceof MailboxRefusal)) throw new Error(`expected a refusal, got ${String(outcome)}`);
  return outcome;
}

describe('what is asked', () => {
  test('[MB8] a pull names seq and epoch, and shows a token', async () => {
    answers = [send(log)];
    const answer = await open().pull(7, epoch);
    expect(answer.entries).toEqual([
      { seq: 1, bytes: Uint8Array.of(1, 2, 3) },
      { seq: 2, bytes: Uint8Array.of(4) },
    ]);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      path: `/api/sessions/${keys.sessionId}/log?after=7&epoch=${epoch}`,
    });
    expect(decodeJwt(seen[0]?.token ?? '')).toMatchObject({ aud: relay, sub: keys.sessionId });
    await open().pull(0, null);
    expect(seen[1]?.path).toBe(`/api/sessions/${keys.sessionId}/log?after=0`);
  });

  test('[SY25] every request brings the access key that this device has at that moment, in a header and nowhere else', async () => {
    let key: string | null = null;
    const transport = open({ access: () => key });
    answers = [send(log)];
    await transport.pull(0, null);
    key = 'a-key-of-some-people';
    await transport.pull(0, null);
    answers = [send(JSON.stringify({ epoch, head: 3, seqs: [3] }))];
    await transport.append([Uint8Array.of(1)]);
    expect(seen.map(({ access }) => access)).toEqual([null, key, key]);
    expect(seen.map(({ path }) => path).join(' ')).not.toContain(key);
  });

  test('[MB5] an append sends the envelopes as they are, in their order', async () => {
    answers = [send(JSON.stringify({ epoch, head: 9, seqs: [8, 9] }))];
    const envelopes = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    expect(await open().append(envelopes)).toEqual({ epoch, head: 9, seqs: [8, 9] });
    expect(seen[0]).toMatchObject({ method: 'POST', path: `/api/sessions/${keys.sessionId}/log` });
    expect(decodeAppend(seen[0]?.body ?? new Uint8Array())).toEqual(envelopes);
  });

  test('[MB13] a snapshot is put as it is, however large', async () => {
    const current = { id: 's'.repeat(22), covers: 4 };
    answers = [send(JSON.stringify({ epoch, head: 4, current }))];
    const snapshot = new Uint8Array(5_000_000).fill(7);
    expect(await open().putSnapshot(snapshot)).toEqual({ epoch, head: 4, current });
    expect(seen[0]?.body.length).toBe(5_000_000);
  });

  test('[SY24] what is prepared needs no more time until it is asked', async () => {
    const sign = vi.spyOn(crypto.subtle, 'sign');
    const transport = open();
    transport.prepare();
    await vi.waitFor(() => expect(sign).toHaveBeenCalledOnce());
    await sign.mock.results[0]?.value;
    const fetch = vi.spyOn(globalThis, 'fetch');
    answers = [send(JSON.stringify({ epoch, head: 3, seqs: [3] }))];
    const appended = transport.append([Uint8Array.of(1)]);
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    expect(fetch).toHaveBeenCalledOnce();
    await appended;
    expect(sign).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
  });
});

describe('what the relay refuses', () => {
  test.each(Object.keys(PROBLEMS).filter((code) => code !== 'access/token-expired') as ProblemCode[])(
    'its own code comes through: %s',
    async (code) => {
      answers = [refuse(code)];
      expect(await refusalOf(open().append([Uint8Array.of(1)]))).toMatchObject({ code, retryAfter: null });
      expect(seen).toHaveLength(1);
    },
  );

  test.each([
    [{ 'Retry-After': '7' }, 7_000],
    [{ 'Retry-After': '0' }, 0],
    [{ 'Retry-After': 'Sat, 21 Nov 2026 12:02:00 GMT', Date: 'Sat, 21 Nov 2026 12:00:30 GMT' }, 90_000],
    [{ 'Retry-After': 'Sat, 21 Nov 2026 11:00:00 GMT', Date: 'Sat, 21 Nov 2026 12:00:30 GMT' }, 0],
    [{ 'Retry-After': 'soon' }, null],
    [{ 'Retry-After': '-5' }, null],
    [{ 'Retry-After': '1e9' }, null],
  ])('[SY17] how long it asks to wait: %j', async (headers, retryAfter) => {
    answers = [refuse('mailbox/too-fast', headers as Record<string, string>)];
    expect(await refusalOf(open().pull(0, null))).toMatchObject({ code: 'mailbox/too-fast', retryAfter });
  });

  test('[MB1] an expired token is replaced once, by the clock of the refusal', async () => {
    // This device believes in 2001.
    const now = () => Date.UTC(2001, 0, 1);
    const then = 'Sat, 21 Nov 2026 12:00:00 GMT';
    answers = [refuse('access/token-expired', { Date: then }), send(log, 200, { Date: then })];
    const transport = open({ now });
    expect((await transport.pull(0, null)).header.head).toBe(2);
    expect(seen.map(({ token }) => decodeJwt(token).iat)).toEqual([
      Date.UTC(2001, 0, 1) / 1000,
      Date.parse(then) / 1000,
    ]);
    // And from then on at the first try.
    await transport.pull(2, epoch);
    expect(seen).toHaveLength(3);
  });

  test('[MB1] what is refused twice stays refused', async () => {
    answers = [refuse('access/token-expired')];
    expect(await refusalOf(open().pull(0, null))).toMatchObject({ code: 'access/token-expired' });
    expect(seen).toHaveLength(2);
  });
});

describe('a relay that misbehaves', () => {
  const problem = { 'Content-Type': 'application/problem+json' };

  test.each<[string, (response: ServerResponse) => void]>([
    ['a page of a proxy', send('<h1>Bad gateway</h1>', 502, { 'Content-Type': 'text/html' })],
    ['a captive portal that says 200', send('<html>Welcome to the hotel</html>')],
    ['a captive portal that redirects', send('', 302, { Location: '/login' })],
    ['a problem of another type', send(JSON.stringify({ code: 'mailbox/deleted' }), 410)],
    ['a code nobody knows', send(JSON.stringify({ code: 'mailbox/whim' }), 400, problem)],
    ['a code that every object has', send(JSON.stringify({ code: 'constructor' }), 400, problem)],
    ['a problem that is no JSON', send('{', 400, problem)],
    ['a problem that is null', send('null', 400, problem)],
    ['no content', send('', 204)],
    ['an empty answer', send('')],
    ['JSON of another kind', send('{"head":1}')],
    ['a log with something behind it', send(new Uint8Array([...log, 0]))],
    ['a log that is shorter than it says', send(log.subarray(0, -1))],
  ])('%s is nonsense', async (_what, answer) => {
    answers = [answer];
    expect(await refusalOf(open().pull(0, null))).toMatchObject({ code: 'relay/nonsense' });
    expect(await refusalOf(open().append([Uint8Array.of(1)]))).toMatchObject({ code: 'relay/nonsense' });
    expect(await refusalOf(open().putSnapshot(Uint8Array.of(1)))).toMatchObject({ code: 'relay/nonsense' });
  });

  test('[SY19] an answer for another number of envelopes acknowledges nothing', async () => {
    answers = [send(JSON.stringify({ epoch, head: 9, seqs: [9] }))];
    const refusal = await refusalOf(open().append([Uint8Array.of(1), Uint8Array.of(2)]));
    expect(refusal.code).toBe('relay/nonsense');
  });

  test('a body that is cut off is no answer', async () => {
    answers = [
      (response) => {
        response.writeHead(200, { 'Content-Length': log.length }).write(log.subarray(0, 10));
        response.destroy();
      },
    ];
    expect(await refusalOf(open().pull(0, null))).toMatchObject({ code: 'relay/unreachable' });
  });

  test('silence before the answer ends in a time-out', async () => {
    answers = [() => undefined];
    const refusal = await refusalOf(open({ patience: 50 }).pull(0, null));
    expect(refusal.code).toBe('relay/unreachable');
    expect(refusal.cause).toMatchObject({ name: 'TimeoutError' });
  });

  test('silence within the answer ends in a time-out', async () => {
    answers = [(response) => void response.writeHead(200).write(log.subarray(0, 10))];
    const refusal = await refusalOf(open({ patience: 50 }).pull(0, null));
    expect(refusal.cause).toMatchObject({ name: 'TimeoutError' });
  });

  test('a slow answer that goes on is waited for, however long it takes in all', async () => {
    const patience = 1_000;
    let started = 0;
    answers = [
      (response) => {
        started = performance.now();
        response.writeHead(200);
        let at = 0;
        const drip = setInterval(() => {
          response.write(log.subarray(at, at + 20));
          at += 20;
          if (at < log.length) return;
          clearInterval(drip);
          response.end();
        }, 150);
      },
    ];
    await open({ patience }).pull(0, null);
    // Otherwise it was not slow enough to prove anything.
    expect(performance.now() - started).toBeGreaterThan(patience);
  });

  test('[SY23] what is under way is given up, and what is asked afterwards is not', async () => {
    const transport = open();
    answers = [() => transport.giveUp(), send(log)];
    expect(await refusalOf(transport.pull(0, null))).toMatchObject({
      code: 'relay/unreachable',
      cause: { name: 'AbortError' },
    });
    expect((await transport.pull(0, null)).entries).toHaveLength(2);
  });

  test('a relay that is not there is unreachable', async () => {
    const at = 'http://127.0.0.1:1';
    expect(await refusalOf(open({ at }).pull(0, null))).toMatchObject({ code: 'relay/unreachable' });
  });
});
