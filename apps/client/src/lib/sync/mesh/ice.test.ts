import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EmbeddedJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DEFAULT_STUN_URL, type IceAnswer } from '@parley/signaling/ice';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { deriveEditKeys } from '../../session/keys.ts';
import { TokenSource } from '../mailbox/token.ts';
import { ManualClock } from '../manual-clock.ts';
import { IceSource } from './ice.ts';

const HOUR = 3_600_000;
const keys = await deriveEditKeys(new Uint8Array(32));
const noon = Date.UTC(2026, 10, 21, 12);
/** What the relay's clock says. */
const AT_NOON = { Date: new Date(noon).toUTCString() };
const STUN = { urls: ['stun:stun.example'] };
const TURN = { urls: ['turn:turn.example?transport=udp'], username: 'ada', credential: 'secret' };
const FALLBACK = { iceServers: [{ urls: [DEFAULT_STUN_URL] }] };

interface Seen {
  readonly line: string;
  readonly token: string;
  readonly access: string | undefined;
}

/** What the relay does next; the last one is repeated. */
let answers: ((response: ServerResponse) => void)[] = [];
let seen: Seen[] = [];
let clock: ManualClock;
let relay = '';

const server = createServer(({ method, url, headers }, response) => {
  seen.push({
    line: `${method} ${url}`,
    token: (headers.authorization ?? '').replace('Bearer ', ''),
    access: headers['x-parley-access']?.toString(),
  });
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  answer?.(response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answers = [];
  seen = [];
  clock = new ManualClock();
  clock.now = noon;
});

/** @param random the part of a span that pauses take */
function open({ at = relay, random = 1, access = (): string | null => null } = {}): IceSource {
  const now = () => clock.now;
  return new IceSource({
    relay: at,
    tokens: new TokenSource({
      sessionId: keys.sessionId,
      relay: at,
      writer: keys.writer,
      reader: keys.view.reader,
      now,
    }),
    access,
    surroundings: { now, after: clock.after, random: () => random },
    fetch: globalThis.fetch,
  });
}

const send =
  (body: string, status = 200, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { Date: new Date(clock.now).toUTCString(), ...headers }).end(body);
  };

const give = (answer: Partial<IceAnswer>, headers: Record<string, string> = {}) =>
  send(JSON.stringify({ iceServers: [STUN], expires: null, ...answer }), 200, headers);

const refuse = (code: ProblemCode, headers: Record<string, string> = {}) =>
  send(JSON.stringify({ ...PROBLEMS[code], code }), PROBLEMS[code].status, {
    'Content-Type': 'application/problem+json',
    ...headers,
  });

const claimsOf = async (token: string) =>
  (await jwtVerify(token, EmbeddedJWK, { currentDate: new Date(noon) })).payload;

describe('what is asked', () => {
  test('[IC7] nothing, before a connection wants to know', () => {
    answers = [give({})];
    open();
    expect(seen).toEqual([]);
    expect(clock.isIdle).toBe(true);
  });

  test('[IC7] [IC10] the relay, once for all who want to know, with a token for nothing else', async () => {
    answers = [give({ iceServers: [STUN, TURN] })];
    const source = open();
    const all = await Promise.all([source.configuration(false), source.configuration(false)]);
    for (const one of all) expect(one).toEqual({ iceServers: [STUN, TURN] });
    expect(seen.map(({ line }) => line)).toEqual(['GET /api/ice']);
    expect(await claimsOf(seen[0]?.token ?? '')).toMatchObject({
      ...{ scope: 'ice', sub: keys.sessionId, aud: relay },
    });
    expect(clock.isIdle).toBe(true);
  });

  test('[SY25] with the access key that this device has at that moment', async () => {
    answers = [refuse('access/key-refused'), give({})];
    let key: string | null = null;
    const ice = open({ access: () => key });
    await ice.configuration(false);
    expect(seen.map(({ access }) => access)).toEqual([undefined]);
    key = 'a-key-of-some-people';
    // During the pause nobody asks.
    await ice.configuration(false);
    expect(seen).toHaveLength(1);
    ice.retry();
    expect(await ice.configuration(false)).toEqual({ iceServers: [STUN] });
    expect(seen.map(({ access }) => access)).toEqual([undefined, key]);
  });

  test('[IC7] what ends is used for five sixths of its life, and what does not end for good', async () => {
    answers = [give({ iceServers: [TURN], expires: noon + 6 * HOUR }), give({})];
    const source = open();
    await source.configuration(false);
    clock.pass(5 * HOUR - 1);
    expect(await source.configuration(false)).toEqual({ iceServers: [TURN] });
    expect(seen).toHaveLength(1);
    clock.pass(1);
    expect(await source.configuration(false)).toEqual({ iceServers: [STUN] });
    clock.pass(1_000 * HOUR);
    expect(await source.configuration(false)).toEqual({ iceServers: [STUN] });
    expect(seen).toHaveLength(2);
  });

  test('[IC7] how long that is the relay’s clock says, however wrong the device’s is', async () => {
    for (const wrong of [Date.UTC(2001, 0, 1), Date.UTC(2040, 0, 1)]) {
      seen = [];
      clock.now = wrong;
      answers = [give({ iceServers: [TURN], expires: noon + 6 * HOUR }, AT_NOON)];
      const source = open();
      await source.configuration(false);
      clock.pass(5 * HOUR - 1);
      await source.configuration(false);
      expect(seen).toHaveLength(1);
      clock.pass(1);
      await source.configuration(false);
      expect(seen).toHaveLength(2);
    }
  });

  test('[IC7] an answer that is over already is used for a minute, and not asked for with every connection', async () => {
    answers = [give({ iceServers: [TURN], expires: 0 })];
    const source = open();
    expect(await source.configuration(false)).toEqual({ iceServers: [TURN] });
    clock.pass(59_999);
    expect(await source.configuration(false)).toEqual({ iceServers: [TURN] });
    expect(seen).toHaveLength(1);
    clock.pass(1);
    await source.configuration(false);
    expect(seen).toHaveLength(2);
  });

  test('[IC7] a clock that is set back makes no answer last longer', async () => {
    answers = [give({ expires: noon + 6 * HOUR })];
    const source = open();
    await source.configuration(false);
    clock.now -= HOUR;
    await source.configuration(false);
    expect(seen).toHaveLength(2);
  });

  test('[IC7] [MB1] an expired token is replaced once, by the clock of the refusal', async () => {
    clock.now = Date.UTC(2001, 0, 1);
    answers = [refuse('access/token-expired', AT_NOON), give({}, AT_NOON)];
    expect(await open().configuration(false)).toEqual({ iceServers: [STUN] });
    expect(await claimsOf(seen[1]?.token ?? '')).toMatchObject({ iat: noon / 1000 });
  });

  test('[IC7] a token that is refused for another reason is replaced once, too', async () => {
    const refuseLater = (response: ServerResponse) => {
      clock.pass(1_000);
      refuse('access/token-malformed')(response);
    };
    answers = [refuseLater];
    expect(await open().configuration(false)).toEqual(FALLBACK);
    expect(seen).toHaveLength(2);
    expect(seen[1]?.token).not.toBe(seen[0]?.token);
  });
});

describe('a relay that does not answer', () => {
  const many = JSON.stringify({ iceServers: [STUN], expires: null, more: 'x'.repeat(100_000) });

  test.each<[string, (response: ServerResponse) => void]>([
    ['refuses', refuse('mailbox/not-found')],
    ['is out of order', refuse('relay/unavailable')],
    ['is older', refuse('relay/not-found')],
    ['is a captive portal that says 200', send('<html>Welcome to the hotel</html>')],
    ['says that it failed', send(JSON.stringify({ iceServers: [STUN], expires: null }), 500)],
    ['has no content', send('', 204)],
    ['says null', send('null')],
    ['forgets when it ends', send(JSON.stringify({ iceServers: [STUN] }))],
    ['names what makes a browser throw', give({ iceServers: [{ urls: ['turn:turn.example'] }] })],
    ['names what is no server', give({ iceServers: [{ urls: ['https://a.example'] }] })],
    ['says too much', send(many)],
    ['breaks off', (response) => void response.writeHead(200).write('{', () => response.destroy())],
  ])('[IC8] where it %s there is the default', async (_what, answer) => {
    answers = [answer];
    expect(await open().configuration(false)).toEqual(FALLBACK);
  });

  test('[IC8] where a captive portal redirects nobody follows', async () => {
    answers = [send('', 302, { Location: '/login' }), give({})];
    expect(await open().configuration(false)).toEqual(FALLBACK);
    expect(seen).toHaveLength(1);
  });

  test('[IC8] where there is none there is the default', async () => {
    expect(await open({ at: 'http://127.0.0.1:1' }).configuration(false)).toEqual(FALLBACK);
  });

  test('[IC8] it is asked again after a pause that grows, and meanwhile nobody waits', async () => {
    answers = [refuse('relay/unavailable')];
    const source = open();
    for (const [times, pause] of [1_000, 2_000, 4_000].entries()) {
      await source.configuration(false);
      clock.pass(pause - 1);
      expect(await source.configuration(false)).toEqual(FALLBACK);
      expect(seen).toHaveLength(times + 1);
      clock.pass(1);
    }
    answers = [give({ expires: noon })];
    expect(await source.configuration(false)).toEqual({ iceServers: [STUN] });
    // An answer forgives what was before it.
    clock.pass(HOUR);
    answers = [refuse('relay/unavailable')];
    await source.configuration(false);
    clock.pass(1_000);
    await source.configuration(false);
    expect(seen).toHaveLength(6);
  });

  test('[IC8] a connection waits three seconds; what comes later is for the next one', async () => {
    let held: ServerResponse | undefined;
    answers = [(response) => void (held = response)];
    const source = open();
    const asked = source.configuration(false);
    await vi.waitFor(() => expect(held).toBeDefined());
    let hasAnswer = false;
    void asked.then(() => (hasAnswer = true));
    clock.pass(2_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasAnswer).toBe(false);
    clock.pass(1);
    expect(await asked).toEqual(FALLBACK);
    // Who wants to know while it is still under way has waited already.
    expect(await source.configuration(false)).toEqual(FALLBACK);
    if (held) give({})(held);
    await vi.waitFor(async () => expect(await source.configuration(false)).toEqual({ iceServers: [STUN] }));
    expect(seen).toHaveLength(1);
  });

  test('[IC8] what has not come after 15 seconds does not come any more', async () => {
    let held: ServerResponse | undefined;
    answers = [(response) => void (held = response), give({})];
    const source = open();
    const asked = source.configuration(false);
    await vi.waitFor(() => expect(held).toBeDefined());
    const gone = new Promise<void>((resolve) => held?.once('close', () => resolve()));
    clock.pass(14_999);
    expect(await asked).toEqual(FALLBACK);
    clock.pass(1);
    await gone;
    await vi.waitFor(() => expect(clock.isIdle).toBe(false));
    clock.pass(1_000);
    expect(await source.configuration(false)).toEqual({ iceServers: [STUN] });
  });

  test('[IC8] the last answer is used until it ends', async () => {
    answers = [give({ iceServers: [TURN], expires: noon + 6 * HOUR }), refuse('relay/unavailable')];
    const source = open();
    await source.configuration(false);
    clock.pass(6 * HOUR - 1);
    expect(await source.configuration(false)).toEqual({ iceServers: [TURN] });
    clock.pass(1);
    expect(await source.configuration(false)).toEqual(FALLBACK);
  });
});

describe('who does not want to show an address', () => {
  test('[IC9] connects through TURN alone', async () => {
    answers = [give({ iceServers: [STUN, TURN] })];
    expect(await open().configuration(true)).toEqual({ iceServers: [TURN], iceTransportPolicy: 'relay' });
  });

  test('[IC9] connects to nobody where there is none', async () => {
    answers = [give({ iceServers: [STUN] })];
    expect(await open().configuration(true)).toBeNull();
    answers = [refuse('relay/unavailable')];
    expect(await open().configuration(true)).toBeNull();
  });
});
