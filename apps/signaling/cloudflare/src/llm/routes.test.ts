import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import type { RelayProblemCode } from '../catalogue.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addressOf, Asker, expectProblem, PROVIDER_KEY, seenBy, withProviders } from '../../test/asker.ts';
import { Author, RELAY_ORIGIN } from '../../test/author.ts';
import type { Env } from '../env.ts';

const KEY = 'advisor-key-of-the-people';
const OTHER_KEY = 'another-key-of-the-relay';
const OWNER_KEY = 'owner-key-0123456789';

const at = async (name: string, more: Partial<Env> = {}) => Asker.create({ ...withProviders(name), ...more });

const withKey = (key: string) => ({ headers: { 'x-parley-access': key } });

const owner = (key = OWNER_KEY) => ({ headers: { Authorization: `Bearer ${key}` } });

afterEach(() => void vi.restoreAllMocks());

describe('tokens', () => {
  const refused: readonly [
    RelayProblemCode,
    string,
    (author: Author, other: Author) => Promise<string> | string,
  ][] = [
    ['access/token-missing', 'none', () => ''],
    ['access/token-malformed', 'an OpenAI key', () => 'sk-proj-abcdef0123456789'],
    ['access/token-malformed', 'no JWT', () => 'a.b.c'],
    [
      'access/token-malformed',
      'one for longer than ten minutes',
      (author) => author.token('writer', { scope: undefined, exp: Math.floor(Date.now() / 1000) + 3_600 }),
    ],
    [
      'access/token-expired',
      'an expired one',
      (author) => author.token('writer', { scope: undefined, iat: 1, exp: 601 }),
    ],
    [
      'access/token-audience',
      'one for another relay',
      (author) => author.token('writer', { scope: undefined, aud: 'https://other.example' }),
    ],
    ['access/scope', 'one for mailboxes', (author) => author.token('writer', { scope: 'read write' })],
    ['access/scope', 'one for nothing', (author) => author.token('writer', { scope: '' })],
    ['mailbox/not-found', 'a viewer’s', (author) => author.token('reader', { scope: undefined })],
    ['mailbox/not-found', 'a viewer’s that claims it', (author) => author.token('reader', { scope: 'llm' })],
    [
      'mailbox/not-found',
      'one for another session',
      (author, other) => author.token('writer', { scope: undefined, sub: other.sessionId }),
    ],
    [
      'mailbox/not-found',
      'one with another’s signature',
      (author, other) => author.token('writer', { scope: undefined }, { key: other.writer.privateKey }),
    ],
  ];

  it.each(refused)('[LLM10] %s for %s', async (code, _, makeToken) => {
    const asker = await at('good-tokens-refused');
    const token = await makeToken(asker.author, await Author.create());
    const headers = { Authorization: token === '' ? '' : `Bearer ${token}` };
    await expectProblem(await asker.ask({}, { headers }), code);
    await expectProblem(await asker.send(null, { headers, method: 'GET', path: '/v1/models' }), code);
    await expectProblem(await asker.send(null, { headers, method: 'GET', path: '/usage' }), code);
    expect(await seenBy('good-tokens-refused')).toEqual([]);
  });

  it.each([undefined, 'llm', 'read write ice llm'])(
    '[LLM10] a writer’s with the scope %s opens it',
    async (scope) => {
      const asker = await at('good-scope');
      const token = await asker.author.token('writer', { scope });
      const response = await asker.ask({}, { headers: { Authorization: `Bearer ${token}` } });
      expect(response.status).toBe(200);
    },
  );

  it('[LLM10] one without a scope opens nothing else', async () => {
    const asker = await at('good-nothing-else');
    const headers = { Authorization: `Bearer ${await asker.token()}` };
    for (const path of ['/api/ice', `/api/sessions/${asker.author.sessionId}/log`]) {
      const response = await exports.default.fetch(`${RELAY_ORIGIN}${path}`, { headers });
      expect(await response.json()).toMatchObject({ code: 'access/scope' });
    }
  });
});

describe('the owner’s rule', () => {
  const asks = async (asker: Asker, key?: string) =>
    (await asker.ask({}, key === undefined ? {} : withKey(key))).status;

  it('[LLM10] what costs money takes a key unless the owner says otherwise, and without any is closed', async () => {
    const asker = await at('good-rule', { ADVISOR_ACCESS: '' });
    await expectProblem(await asker.ask(), 'llm/key-refused');
    await expectProblem(await asker.ask({}, withKey(KEY)), 'llm/key-refused');
    const keyed = asker.at({ ADVISOR_ACCESS_KEYS: `${OTHER_KEY},${KEY}` });
    await expectProblem(await keyed.ask(), 'llm/key-refused');
    await expectProblem(await keyed.ask({}, withKey(`${KEY}x`)), 'llm/key-refused');
    await expectProblem(await keyed.ask({}, withKey(KEY.slice(1))), 'llm/key-refused');
    expect(await asks(keyed, KEY)).toBe(200);
    expect(await asks(keyed, OTHER_KEY)).toBe(200);
    expect(await asks(asker.at({ ADVISOR_ACCESS: 'open' }))).toBe(200);
  });

  it('[LLM10] the relay’s own keys do where the advisor has none', async () => {
    const asker = await at('good-rule', { ADVISOR_ACCESS: 'key', RELAY_ACCESS_KEYS: KEY });
    expect(await asks(asker, KEY)).toBe(200);
    expect(await asks(asker)).toBe(403);
    const apart = asker.at({ ADVISOR_ACCESS_KEYS: OTHER_KEY });
    expect(await asks(apart, KEY)).toBe(403);
    expect(await asks(apart, OTHER_KEY)).toBe(200);
  });

  it('[LLM10] open is open to whom the relay is', async () => {
    const asker = await at('good-rule', { ADVISOR_ACCESS: 'open', RELAY_ACCESS_KEYS: KEY });
    await expectProblem(await asker.ask(), 'llm/key-refused');
    expect(await asks(asker, KEY)).toBe(200);
  });

  it('[LLM10] without a cost it is open', async () => {
    const asker = await Asker.create({ LLM_BASE_URL: addressOf('good-free'), LLM_MODELS: 'model' });
    expect(await asks(asker)).toBe(200);
    expect((await asker.usage()).usd).toBe(0);
  });

  it('[LLM10] off is off', async () => {
    const asker = await at('good-off', { ADVISOR_ACCESS: 'off' });
    await expectProblem(await asker.ask(), 'llm/off');
    await expectProblem(await asker.send(null, { method: 'GET', path: '/v1/models' }), 'llm/off');
    expect(await seenBy('good-off')).toEqual([]);
  });
});

describe('settings', () => {
  it('[LLM2] without a provider, the answer says what to set', async () => {
    const response = await (await Asker.create({})).ask();
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.clone().text()).toMatch(/LLM_BASE_URL, LLM_MODELS .* LLM_API_KEY/);
    await expectProblem(response, 'llm/not-configured');
  });

  it.each([
    ['LLM_UPSTREAMS', { LLM_UPSTREAMS: `[{"apiKey":"${PROVIDER_KEY}"` }],
    ['ADVISOR_ACCESS', { ADVISOR_ACCESS: PROVIDER_KEY }],
    ['ADVISOR_ACCESS_KEYS', { ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: 'sk-canary' }],
    ['LLM_DAILY_USD', { LLM_DAILY_USD: PROVIDER_KEY }],
    ['RELAY_ACCESS_KEYS', { RELAY_ACCESS_KEYS: 'sk-canary' }],
    ['ALLOWED_ORIGINS', { ALLOWED_ORIGINS: PROVIDER_KEY }],
  ])('[LLM2] a %s of no use is named in the log, and not shown', async (variable, variables) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await expectProblem(await (await at('good-settings', variables)).ask(), 'llm/misconfigured');
    expect(String(log.mock.calls[0]?.[0])).toContain(`${variable} has to be `);
    expect(String(log.mock.calls[0]?.[0])).not.toContain('sk-canary');
  });

  it('[LLM2] an OWNER_KEY of no use is named in the log, and opens nothing', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const asker = await at('good-owner-key', { OWNER_KEY: 'sk-canary' });
    for (const [method, path, body] of [
      ['GET', '/usage', null],
      ['PUT', '/switch', '{"isOff":true}'],
    ] as const) {
      await expectProblem(
        await asker.send(body, { method, path, ...owner('sk-canary') }),
        'llm/misconfigured',
      );
    }
    expect(log).toHaveBeenCalledTimes(2);
    expect(String(log.mock.calls[0]?.[0])).toContain('OWNER_KEY has to be ');
    expect(String(log.mock.calls[0]?.[0])).not.toContain('sk-canary');
    expect((await asker.ask()).status).toBe(200);
  });
});

describe('bad input', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const question = (more: object) =>
    JSON.stringify({ model: 'model', messages: [{ role: 'user', content: 'Hello' }], ...more });
  const tool = (index: number) => ({ type: 'function', function: { name: `tool_${index}` } });
  const image = (url: string) =>
    question({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

  it.each<readonly [RelayProblemCode, string | undefined, string, () => BodyInit]>([
    ['llm/too-large', undefined, '10 MB', () => new Uint8Array(10_000_000).fill(0x20)],
    ['llm/malformed', undefined, 'nothing', () => ''],
    ['llm/malformed', undefined, 'no UTF-8', () => bytes(0x7b, 0xff, 0xfe, 0x7d)],
    ['llm/malformed', undefined, 'no JSON', () => '{"model":'],
    ['llm/malformed', undefined, 'a million brackets', () => '['.repeat(1_000_000)],
    [
      'llm/malformed',
      undefined,
      '65 levels',
      () =>
        question({ metadata: { a: 'b' }, x: JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`) as unknown }),
    ],
    [
      'llm/malformed',
      undefined,
      '60,000 values that are wrong',
      () => question({ metadata: Object.fromEntries(Array.from({ length: 60_000 }, (_, at_) => [at_, 0])) }),
    ],
    [
      'llm/malformed',
      undefined,
      '60,000 of them deep inside',
      () => question({ messages: Array(240).fill({ role: 'user', content: Array(250).fill({}) }) }),
    ],
    ['llm/parameter', undefined, 'a list', () => '[]'],
    ['llm/parameter', 'messages', 'no messages', () => '{}'],
    [
      'llm/parameter',
      'messages',
      '1,001 messages',
      () => question({ messages: Array(1_001).fill({ role: 'user', content: '' }) }),
    ],
    [
      'llm/parameter',
      'tools',
      '1,000 tools',
      () => question({ tools: Array.from({ length: 1_000 }, (_, at_) => tool(at_)) }),
    ],
    ['llm/parameter', 'max_tokens', 'a negative length', () => question({ max_tokens: -1 })],
    ['llm/parameter', 'max_tokens', 'a length of zero', () => question({ max_tokens: 0 })],
    ['llm/parameter', 'n', 'three answers at once', () => question({ n: 3 })],
    ['llm/parameter', 'store', 'storing at the provider', () => question({ store: true })],
    [
      'llm/parameter',
      'web_search_options',
      'a parameter that costs extra',
      () => question({ web_search_options: {} }),
    ],
    ['llm/parameter', 'base_url', 'an address', () => question({ base_url: 'https://evil.example' })],
    ['llm/unknown-model', 'model', 'an unknown model', () => question({ model: '../../other' })],
    [
      'llm/image-refused',
      'messages.0.content.0',
      'an address of an image',
      () => image('https://inside.example/secret.png'),
    ],
    ['llm/image-refused', 'messages.0.content.0', 'an image', () => image('data:image/png;base64,AAAA')],
  ])('[LLM8] %s, with the parameter %s, for %s', async (code, parameter, _, body) => {
    const asker = await at('good-bad-input');
    await expectProblem(await asker.send(body()), code, parameter);
    expect(await asker.usage()).toMatchObject({ tokens: 0, questions: 0 });
    expect(await seenBy('good-bad-input')).toEqual([]);
  });

  it('[LLM8] images are taken where the owner allows them, addresses where he allows these', async () => {
    const inline = await at('good-images', { LLM_IMAGES: 'inline' });
    expect((await inline.send(image('data:image/png;base64,AAAA'))).status).toBe(200);
    await expectProblem(
      await inline.send(image('https://inside.example/x.png')),
      ...(['llm/image-refused', 'messages.0.content.0'] as const),
    );
    const any = inline.at({ LLM_IMAGES: 'any' });
    expect((await any.send(image('https://inside.example/x.png'))).status).toBe(200);
    for (const url of ['http://inside.example/x.png', 'file:///etc/passwd', 'javascript:alert(1)']) {
      await expectProblem(await any.send(image(url)), 'llm/image-refused', 'messages.0.content.0');
    }
  });

  it.each(['GET', 'PUT', 'DELETE'])('[RL6] %s is nothing that questions know', async (method) => {
    const response = await (await at('good-method')).send(null, { method });
    expect(await response.json()).toMatchObject({ code: 'relay/not-found' });
  });
});

describe('other origins', () => {
  it('[LLM1] [RL9] pages of the origins that the relay names may use it, with what OpenAI’s client sends', async () => {
    const asker = await at('good-cors', { ALLOWED_ORIGINS: 'https://plan.example' });
    const wanted = 'authorization,content-type,x-stainless-lang,x-parley-access,x-parley-cache';
    const preflight = (origin: string) =>
      asker.pass(
        new Request(`${RELAY_ORIGIN}/api/llm/v1/chat/completions`, {
          ...{ method: 'OPTIONS' },
          headers: {
            ...{ Origin: origin, 'Access-Control-Request-Method': 'POST' },
            'Access-Control-Request-Headers': wanted,
          },
        }),
      );
    const allowed = await preflight('https://plan.example');
    expect(allowed.headers.get('Access-Control-Allow-Origin')).toBe('https://plan.example');
    expect(allowed.headers.get('Access-Control-Allow-Headers')?.split(',')).toEqual(wanted.split(','));
    expect((await preflight('https://evil.example')).headers.get('Access-Control-Allow-Origin')).toBeNull();
    const answer = await asker.ask({}, { headers: { Origin: 'https://plan.example' } });
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://plan.example');
    expect(answer.headers.get('Access-Control-Expose-Headers')).toMatch(/x-request-id.*x-parley-provider/);
  });
});

describe('usage', () => {
  it('[LLM15] a session is told its own figures, and what is left for it', async () => {
    const asker = await at('good-figures', { LLM_SESSION_TOKENS: '20000', LLM_SESSION_USD: '2.5' });
    await (await asker.ask()).text();
    await asker.settled();
    const response = await asker.send(null, { method: 'GET', path: '/usage' });
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toEqual({
      ...{ day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), resetsIn: expect.any(Number), isOff: false },
      session: {
        questions: 1,
        tokens: { taken: 13, allowed: 20_000 },
        usd: { taken: 0.000185, allowed: 2.5 },
        streams: { taken: 0, allowed: 4 },
      },
      left: { tokens: 19_987, usd: 2.499815, streams: 4 },
    });
    const other = await at('good-figures');
    expect(await other.usage()).toMatchObject({ tokens: 0, questions: 0 });
  });

  it('[LLM15] the owner is told the relay’s, and nobody else is', async () => {
    const asker = await at('good-owner', { OWNER_KEY });
    await (await asker.ask()).text();
    await asker.settled();
    const response = await asker.send(null, { method: 'GET', path: '/usage', ...owner() });
    const { relay } = await response.json<{ relay: { questions: number; tokens: { taken: number } } }>();
    expect(relay.questions).toBeGreaterThan(0);
    expect(relay.tokens.taken).toBeGreaterThanOrEqual(13);
    // Also when there is no provider any more.
    const without = await Asker.create({ OWNER_KEY });
    expect((await without.send(null, { method: 'GET', path: '/usage', ...owner() })).status).toBe(200);
    for (const key of [`${OWNER_KEY}x`, OWNER_KEY.slice(1), '-']) {
      const refused = await asker.send(null, { method: 'GET', path: '/usage', ...owner(key) });
      await expectProblem(refused, 'access/token-malformed');
    }
  });
});

describe('the switch', () => {
  const turn = (asker: Asker, body: string, key?: string) =>
    asker.send(body, { method: 'PUT', path: '/switch', ...owner(key) });

  it('[LLM16] the owner switches the advisor off and on, for all, at once', async () => {
    const asker = await at('good-switch', { OWNER_KEY });
    expect((await asker.ask()).status).toBe(200);
    expect(await (await turn(asker, '{"isOff":true}')).json()).toEqual({ isOff: true });
    await expectProblem(await asker.ask(), 'llm/off');
    await expectProblem(await (await at('good-switch')).stream(), 'llm/off');
    expect(await seenBy('good-switch')).toHaveLength(1);
    await turn(asker, '{"isOff":false}');
    expect((await asker.ask()).status).toBe(200);
  });

  it('[LLM16] nobody else does, and nothing else does', async () => {
    const asker = await at('good-switch', { OWNER_KEY });
    await expectProblem(await turn(asker, '{"isOff":true}', 'not-the-owners-key-at-all'), 'relay/not-found');
    await expectProblem(await turn(asker, '{"isOff":true}', await asker.token()), 'relay/not-found');
    const keyless = asker.at({ OWNER_KEY: '' });
    await expectProblem(await turn(keyless, '{"isOff":true}'), 'relay/not-found');
    for (const body of ['', '{}', '{"isOff":1}', '{"isOff":true,"more":1}', '[true]']) {
      await expectProblem(await turn(asker, body), 'llm/parameter', 'isOff');
    }
    expect((await asker.ask()).status).toBe(200);
  });
});

describe('equal questions', () => {
  const session = { headers: { 'x-parley-cache': 'session' } };

  it('[LLM17] are asked once, and paid once, in one session', async () => {
    const asker = await at('good-equal');
    const first = await asker.ask({}, session);
    expect(first.headers.get('x-parley-cache')).toBe('new');
    await asker.settled();
    const again = await asker.ask({}, session);
    expect(again.headers.get('x-parley-cache')).toBe('hit');
    expect(await again.text()).toBe(await first.text());
    expect(await seenBy('good-equal')).toHaveLength(1);
    expect(await asker.usage()).toMatchObject({ tokens: 13, questions: 1 });
    const other = await at('good-equal');
    expect((await other.ask({}, session)).headers.get('x-parley-cache')).toBe('new');
    expect((await asker.ask({ temperature: 0.5 }, session)).headers.get('x-parley-cache')).toBe('new');
    expect(await seenBy('good-equal')).toHaveLength(3);
  });

  it('[LLM17] at the same time wait for the one answer', async () => {
    const asker = await at('good-together');
    const responses = await Promise.all(Array.from({ length: 5 }, () => asker.ask({}, session)));
    expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
    expect(await seenBy('good-together')).toHaveLength(1);
  });

  it('[LLM17] without the header, and in streams, are asked each time; another value is refused', async () => {
    const asker = await at('good-unequal');
    for (let times = 0; times < 2; times++) await (await asker.ask()).text();
    for (let times = 0; times < 2; times++) await (await asker.stream({}, session)).text();
    expect(await seenBy('good-unequal')).toHaveLength(4);
    const all = { headers: { 'x-parley-cache': 'all' } };
    await expectProblem(await asker.ask({}, all), 'llm/parameter', 'x-parley-cache');
  });

  it('[LLM17] a failure is not kept', async () => {
    const asker = await at('refusing-equal');
    for (let times = 0; times < 2; times++) {
      await expectProblem(await asker.ask({}, session), 'llm/upstream-refused');
    }
    expect(await seenBy('refusing-equal')).toHaveLength(2);
  });
});

describe('what is left behind', () => {
  const WORDS = 'canary-words-of-the-question';
  const CANARIES = [WORDS, PROVIDER_KEY, 'canary-tool', KEY, OWNER_KEY, '192.0.2.77'];

  it('[LLM7] [LLM14] [LLM18] no key, no address and no text stands in any log, table or answer', async () => {
    const logged: string[] = [];
    for (const level of ['log', 'error', 'warn', 'info', 'debug'] as const) {
      vi.spyOn(console, level).mockImplementation(
        (...lines) => void logged.push(lines.map(String).join(' ')),
      );
    }
    const answered: string[] = [];
    const sessions: string[] = [];
    const behaviours = [
      ...[
        'good',
        'tooling',
        'failing',
        'refusing',
        'unauthorised',
        'poor',
        'busy60',
        'cutearly',
        'cut',
        'erring',
      ],
      ...['malformed', 'webpage', 'redirecting', 'toolong', 'lying0', 'modelless', 'empty'],
    ];
    for (const behaviour of behaviours) {
      const asker = await at(`${behaviour}-canary`, {
        ...{ ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: KEY, OWNER_KEY },
      });
      sessions.push(asker.author.sessionId);
      const headers = {
        'CF-Connecting-IP': '192.0.2.77',
        'x-parley-access': KEY,
        'x-parley-cache': 'session',
      };
      for (const stream of [true, false]) {
        const body = {
          ...{ stream, messages: [{ role: 'user', content: WORDS }] },
          tools: [{ type: 'function', function: { name: 'canary-tool' } }],
        };
        for (const response of [
          await asker.ask(body, { headers }),
          await asker.ask({ ...body, n: WORDS }, { headers }),
        ]) {
          // What the model itself says may quote the question.
          const text = await response.text().catch(() => '');
          answered.push(
            JSON.stringify([...response.headers]),
            response.ok ? text.replaceAll(WORDS, '').replaceAll('canary-tool', '') : text,
          );
        }
      }
      await asker.settled();
    }
    const budget = env.LLM_BUDGET.getByName('llm-budget');
    const tables = [
      await runInDurableObject(budget, (_, { storage }) => dump(storage.sql)),
      ...(await Promise.all(
        sessions.map((id) =>
          runInDurableObject(env.LLM_CACHE.getByName(id), async (_, { storage }) =>
            JSON.stringify([...(await storage.list())].map(([key, value]) => [key, latin1(value)])),
          ),
        ),
      )),
      await dumpD1(),
    ];
    const questions = logged.filter((line) => line.includes('"llm":{'));
    expect(questions.length).toBeGreaterThanOrEqual(4 * behaviours.length);
    expect(tables.join('').length).toBeGreaterThan(1_000);
    const everything = [...logged, ...answered, ...tables].join('\n');
    for (const canary of [...CANARIES, '127.0.0.1']) expect(everything).not.toContain(canary);
    // The cache is one object for each session, whose name is nobody's but the runtime's.
    for (const id of sessions) expect([...logged, ...answered, ...tables].join('\n')).not.toContain(id);
  });

  it('[LLM18] a question leaves one line, under the id of its answer', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const asker = await at('good-line');
    const response = await asker.stream();
    await response.text();
    await asker.settled();
    expect(log).toHaveBeenCalledOnce();
    const milliseconds = expect.any(Number);
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toEqual({
      level: 'info',
      llm: {
        ...{ id: response.headers.get('x-request-id'), route: '/api/llm/v1/chat/completions', status: 200 },
        ...{
          isStream: true,
          provider: 'good-line',
          model: 'model',
          attempts: 1,
          end: 'done',
          bytes: expect.any(Number),
        },
        ...{ usage: { input: 7, output: 6 }, charge: { tokens: 13, money: 185 }, isReported: true },
        ...{ reservedAfter: milliseconds, begunAfter: milliseconds, endedAfter: milliseconds },
      },
    });
  });
});

/** All tables but the runtime's own, which nobody may read. */
const TABLES = String.raw`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\_cf%' ESCAPE '\'`;

function dump(sql: SqlStorage): string {
  const tables = sql.exec<{ name: string }>(TABLES).toArray();
  return JSON.stringify(
    tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]),
    (_, value: unknown) => latin1(value),
  );
}

async function dumpD1(): Promise<string> {
  const { results } = await env.DB.prepare(TABLES).all<{ name: string }>();
  return JSON.stringify(
    await Promise.all(results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all())),
  );
}

/** Bytes as the characters that they would be. */
function latin1(value: unknown): unknown {
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  return bytes instanceof Uint8Array ? new TextDecoder('latin1').decode(bytes) : value;
}
