import { ACCESS_HEADER } from '@parley/signaling/access-key';
import { VariableError } from '@parley/signaling/variables';
import { Hono, type Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import * as z from 'zod/mini';
import { isOwner, mayAsk } from '../access/advisor.ts';
import { allowOrigins } from '../access/allow-origins.ts';
import { identify } from '../access/identify.ts';
import { openLlmBudget } from '../access/open-llm-budget.ts';
import { readBearer } from '../access/token.ts';
import type { Env } from '../env.ts';
import type { Caller } from '../mailbox/mailbox.ts';
import { readBody } from '../mailbox/request-body.ts';
import { logError, logQuestion } from '../operations/log.ts';
import { answerProblem } from '../problems.ts';
import { RelayProblem } from '../relay-problem.ts';
import { completeChat, streamChat, type Asker } from './answer-chat.ts';
import { ClientGone } from './ask-provider.ts';
import { answerOnce } from './cache.ts';
import { encodeRequest, readChatRequest, REQUEST_BYTES } from './chat-request.ts';
import { LlmProblem } from './llm-problem.ts';
import { chatWorld, openAdvisor, type Advisor } from './open-advisor.ts';
import { openAiError } from './openai-error.ts';
import { LlmRecorder } from './record.ts';
import { answerOwner, answerSession } from './usage-answer.ts';

interface LlmEnv {
  Bindings: Env;
  Variables: { readonly recorder: LlmRecorder; readonly advisor: Advisor };
}

type LlmContext = Context<LlmEnv>;

const REQUEST_ID = 'x-request-id';
const CACHE = 'x-parley-cache';
const PROVIDER = 'x-parley-provider';

const switchPosition = z.strictObject({ isOff: z.boolean() });

/** Read by OpenAI's clients, which would otherwise try a 429 or a 5xx again. */
const SHOULD_RETRY = 'x-should-retry';

/** For the log, as nginx has it: nobody is there to read it. */
const GONE_STATUS = 499;

/** `/api/llm`: OpenAI's chat completions for a session's editors ([LLM1] to [LLM18]). */
export const llmRoutes = new Hono<LlmEnv>();

llmRoutes.onError((error, c) => {
  if (error instanceof ClientGone) {
    c.get('recorder').note({ end: 'gone' });
    return new Response(null, { status: GONE_STATUS });
  }
  const problem = problemOf(error);
  if (problem !== error) logError(routePath(c, -1), error);
  c.get('recorder').note({ problem: problem.code });
  const parameter = problem instanceof LlmProblem ? problem.parameter : null;
  const response = answerProblem(problem, {
    ...(parameter === null ? {} : { parameter }),
    error: openAiError(problem.code, parameter),
  });
  // A client that tries again at once gets nothing but the same, which may have its price again.
  const isLasting =
    /-spent$|^llm\/(?:answer-too-long|upstream-(?:account|model|nonsense|silent))$|configured$/.test(
      problem.code,
    );
  if (isLasting) response.headers.set(SHOULD_RETRY, 'false');
  return response;
});

llmRoutes.use(
  createMiddleware<LlmEnv>(async (c, next) => {
    const recorder = new LlmRecorder(`req_${crypto.randomUUID()}`, () => Date.now(), logQuestion);
    c.set('recorder', recorder);
    await next();
    const { status, headers } = c.res;
    recorder.note({ route: routePath(c, -1), status });
    c.res.headers.set(REQUEST_ID, recorder.id);
    // A stream writes when it ends.
    if (!headers.get('Content-Type')?.startsWith('text/event-stream')) recorder.write();
  }),
  // Behind the recorder: a setting that it cannot read is a problem like any other.
  allowOrigins(['GET', 'POST', 'PUT'], { sent: 'any', read: [REQUEST_ID, CACHE, PROVIDER] }),
);

/** Lets those ask whom the owner lets ([LLM10]). */
const requireAdvisor = createMiddleware<LlmEnv>(async (c, next) => {
  const advisor = openAdvisor(c.env);
  if (advisor.settings.providers.length === 0) throw new LlmProblem('llm/not-configured');
  if (advisor.access.rule === 'off') throw new LlmProblem('llm/off');
  if (!mayAsk(advisor.access, c.req.header(ACCESS_HEADER) ?? null)) throw new LlmProblem('llm/key-refused');
  c.set('advisor', advisor);
  await next();
});

llmRoutes.post('/v1/chat/completions', requireAdvisor, async (c) => {
  const asker = { ...(await identifyWriter(c)), signal: c.req.raw.signal };
  const codes = { tooLarge: 'llm/too-large', broken: 'llm/malformed' } as const;
  const bytes = await readBody(c.req.raw.body, REQUEST_BYTES, codes);
  const { settings } = c.get('advisor');
  const request = readChatRequest(bytes, settings);
  const recorder = c.get('recorder');
  const { model, isStream } = request;
  recorder.note({ model, isStream });
  const world = chatWorld(c.env, settings, c.executionCtx);
  if (isStream) {
    const { provider, body } = await streamChat(world, request, asker, recorder);
    return answerChat(body, 'text/event-stream; charset=utf-8', { [PROVIDER]: provider });
  }
  const cache = c.req.header(CACHE);
  if (cache === undefined) {
    const { provider, body } = await completeChat(world, request, asker, recorder);
    return answerChat(body, 'application/json', { [PROVIDER]: provider });
  }
  if (cache !== 'session') throw new LlmProblem('llm/parameter', { parameter: CACHE });
  const answer = await answerOnce({
    cache: c.env.LLM_CACHE.getByName(asker.sessionId),
    sessionId: asker.sessionId,
    request: encodeRequest(request),
    get: async () => ({ bytes: (await completeChat(world, request, asker, recorder)).body, keep: true }),
    later: world.later,
  });
  recorder.note({ cache: answer.source });
  return answerChat(answer.bytes, 'application/json', { [CACHE]: answer.source });
});

llmRoutes.get('/v1/models', requireAdvisor, async (c) => {
  await identifyWriter(c);
  const { models } = c.get('advisor').settings;
  return answerJson({ object: 'list', data: models.map((model) => describeModel(c, model)) });
});

llmRoutes.get('/v1/models/:model{.+}', requireAdvisor, async (c) => {
  await identifyWriter(c);
  const model = c.req.param('model');
  if (!c.get('advisor').settings.models.includes(model)) throw new LlmProblem('llm/unknown-model');
  return answerJson(describeModel(c, model));
});

llmRoutes.get('/usage', async (c, next) => {
  if (!isOwner(c.env.OWNER_KEY, readBearer(c.req.header('Authorization')))) return next();
  const { limits } = openAdvisor(c.env).settings;
  const usage = await openLlmBudget(c.env).usage({ sessionId: null, prefix: null });
  return answerJson(answerOwner(usage, limits, Date.now()));
});

llmRoutes.get('/usage', requireAdvisor, async (c) => {
  const usage = await openLlmBudget(c.env).usage(await identifyWriter(c));
  return answerJson(answerSession(usage, c.get('advisor').settings.limits, Date.now()));
});

llmRoutes.put('/switch', async (c) => {
  // To anybody but the owner there is nothing here.
  if (!isOwner(c.env.OWNER_KEY, readBearer(c.req.header('Authorization')))) {
    throw new RelayProblem('relay/not-found');
  }
  const { data } = switchPosition.safeParse(await c.req.json().catch(() => null));
  if (!data) throw new LlmProblem('llm/parameter', { parameter: 'isOff' });
  await openLlmBudget(c.env).turn(data.isOff);
  return answerJson(data);
});

/** What went wrong, for the client: of a setting that is of no use only the log tells the name ([LLM2]). */
function problemOf(error: Error): RelayProblem {
  if (error instanceof RelayProblem) return error;
  if (error instanceof VariableError) return new LlmProblem('llm/misconfigured');
  return new RelayProblem('relay/internal-error');
}

/** A model as OpenAI describes it; when it was made is nothing that the relay knows. */
function describeModel(c: LlmContext, model: string) {
  const { providers } = c.get('advisor').settings;
  const owner = providers.find(({ models }) => models.has(model));
  return { id: model, object: 'model', created: 0, owned_by: owner?.name ?? '' };
}

/** @throws {RelayProblem} what {@link identify} throws, and `mailbox/not-found` for any key but the writer's */
async function identifyWriter(c: LlmContext): Promise<Omit<Asker, 'signal'>> {
  const { role, sessionId, prefix }: Caller = await identify(c, 'llm');
  // The database need not be asked: the id certifies the key.
  if (role !== 'writer') throw new RelayProblem('mailbox/not-found');
  return { sessionId, prefix };
}

function answerChat(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
  type: string,
  headers: Record<string, string>,
): Response {
  // Compressed on the way, a stream would come in lumps.
  const cacheControl = 'no-store, no-transform';
  return new Response(body, {
    headers: { ...headers, 'Content-Type': type, 'Cache-Control': cacheControl },
  });
}

function answerJson(answer: object): Response {
  return Response.json(answer, { headers: { 'Cache-Control': 'no-store' } });
}
