import type { Charge, Reservation, ReserveRequest, Verdict } from '../access/llm-budget.ts';
import { askProvider, ClientGone, type Answer, type CallProvider } from './ask-provider.ts';
import { longestAttempts, pauseBefore, planAttempts, restFor, type Resting } from './attempts.ts';
import { bodyFor, type ChatRequest } from './chat-request.ts';
import type { Failure } from './failures.ts';
import { LlmProblem } from './llm-problem.ts';
import { problemEvent } from './openai-error.ts';
import { pipeAnswer, readAnswer, type AnswerBounds } from './pipe-answer.ts';
import { chargeFor, type Usage } from './prices.ts';
import type { Provider } from './providers.ts';
import type { LlmRecorder } from './record.ts';
import { priceAt, type LlmSettings } from './settings.ts';
import { AnswerReader, readUsage, tellsError } from './answer-reader.ts';

/** Milliseconds that an answer may take in all ([LLM5]). */
const LIFETIME = 600_000;

const STREAM_BYTES = 8_000_000;
const WHOLE_BYTES = 1_000_000;

/** What a question needs besides itself. */
export interface ChatWorld {
  readonly settings: LlmSettings;
  readonly call: CallProvider;
  readonly budget: {
    reserve(request: ReserveRequest): Promise<Verdict>;
    settle(id: Reservation['id'], charge: Charge): Promise<void>;
  };
  readonly resting: Resting;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Ends when the signal is aborted, too. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Lets something go on after the answer. */
  readonly later: (work: Promise<void>) => void;
  /** Keeps the request alive, also when its client has gone, until what this returns is called. */
  readonly hold: () => () => void;
}

/** Who asks. */
export interface Asker {
  readonly sessionId: string;
  readonly prefix: string | null;
  /** Aborted when the client goes. */
  readonly signal: AbortSignal;
}

/** An answer, and who gave it. */
export interface Given<Body> {
  readonly provider: string;
  readonly body: Body;
}

/** A provider's answer that has begun, and what was reserved for it. */
interface Begun {
  readonly provider: Provider;
  readonly answer: Answer;
  readonly reservation: Reservation['id'];
  /** See {@link ChatWorld.hold}. */
  readonly letGo: () => void;
}

/**
 * Answers a question with a stream ([LLM3]).
 *
 * @throws {LlmProblem} as long as nothing has come
 * @throws {ClientGone}
 */
export async function streamChat(
  world: ChatWorld,
  request: ChatRequest,
  asker: Asker,
  recorder: LlmRecorder,
): Promise<Given<ReadableStream<Uint8Array>>> {
  const begun = await beginAnswer(world, request, asker, recorder);
  const reader = new AnswerReader();
  const body = pipeAnswer(begun.answer, boundsOf(world, STREAM_BYTES), reader, {
    client: asker.signal,
    tell: problemEvent,
    ended(end, bytes) {
      recorder.note({ end, bytes });
      // What was reported on the way is not what the rest took.
      const reported = end === 'done' || reader.isDone ? reader.usage : null;
      settleAnswer(world, begun, request, recorder, reported, countBytes(request, bytes));
      recorder.write();
    },
  });
  return { provider: begun.provider.name, body };
}

/**
 * Answers a question in one piece.
 *
 * @returns the provider's bytes, which are a chat completion
 * @throws {LlmProblem}
 * @throws {ClientGone}
 */
export async function completeChat(
  world: ChatWorld,
  request: ChatRequest,
  asker: Asker,
  recorder: LlmRecorder,
): Promise<Given<Uint8Array<ArrayBuffer>>> {
  const begun = await beginAnswer(world, request, asker, recorder);
  const bytes = await readAnswer(begun.answer, boundsOf(world, WHOLE_BYTES), asker.signal);
  const completion = typeof bytes === 'string' ? null : parse(bytes);
  // Without streaming a provider works on, and wants its money, though nobody listens.
  settleAnswer(world, begun, request, recorder, readUsage(completion), request.worst);
  recorder.note({ end: typeof bytes === 'string' ? bytes : 'done' });
  if (bytes === 'gone') throw new ClientGone(true);
  if (typeof bytes === 'string') throw new LlmProblem(bytes);
  recorder.note({ bytes: bytes.length });
  if (tellsError(completion)) throw new LlmProblem('llm/upstream-failed');
  if (!isCompletion(completion)) throw new LlmProblem('llm/upstream-nonsense');
  return { provider: begun.provider.name, body: bytes };
}

/** Holds the request until the answer is settled: ended before, it would leave a reservation that nobody settles. */
async function beginAnswer(
  world: ChatWorld,
  request: ChatRequest,
  asker: Asker,
  recorder: LlmRecorder,
): Promise<Begun> {
  const letGo = world.hold();
  try {
    return { ...(await askInTurn(world, request, asker, recorder)), letGo };
  } catch (error) {
    letGo();
    throw error;
  }
}

/** Asks one provider after the other until an answer begins ([LLM6]), with the most that it can take reserved ([LLM11]). */
async function askInTurn(
  world: ChatWorld,
  request: ChatRequest,
  asker: Asker,
  recorder: LlmRecorder,
): Promise<Omit<Begun, 'letGo'>> {
  const { settings, resting, now } = world;
  const plan = planAttempts(settings.providers, request.model, resting, now());
  if (!('turns' in plan)) throw new LlmProblem('llm/upstream-busy', plan);
  const { turns } = plan;
  let reservation: string | null = null;
  for (const [turn, provider] of turns.entries()) {
    reservation ??= await reserve(world, request, asker, turns);
    recorder.note({ provider: provider.name, attempts: turn + 1, reservedAfter: recorder.elapsed() });
    let asked: Answer | Failure;
    try {
      asked = await askProvider(world.call, provider, bodyFor(request, provider), {
        ...{ client: asker.signal, startWithin: settings.startWithin, now },
      });
    } catch (error) {
      const isFree = error instanceof ClientGone && !error.wasAsked;
      settleAs(world, reservation, isFree ? NOTHING : worstOf(world, request, [provider]));
      throw error;
    }
    if ('rest' in asked) {
      recorder.note({ begunAfter: recorder.elapsed() });
      return { provider, answer: asked, reservation };
    }
    restFor(resting, provider, asked, now());
    const pause = pauseBefore(turns[turn + 1], provider, asked, world.random());
    // What may have cost counts, and the next turn takes a reservation of its own.
    if (asked.mayCost || pause === null) {
      settleAs(world, reservation, asked.mayCost ? worstOf(world, request, [provider]) : NOTHING);
      reservation = null;
    }
    if (pause === null) throw new LlmProblem(asked.code, asked);
    if (pause > 0) await world.pause(pause, asker.signal);
  }
  throw new Error('the last turn has no next one');
}

/** @throws {LlmProblem} `llm/off`, and those of the allowances */
async function reserve(
  { settings, budget }: ChatWorld,
  request: ChatRequest,
  { sessionId, prefix }: Asker,
  turns: readonly Provider[],
): Promise<Reservation['id']> {
  const verdict = await budget.reserve({
    ...{ sessionId, prefix, limits: settings.limits },
    lifetime: longestAttempts(turns.length, settings.startWithin) + LIFETIME,
    worst: worstOf({ settings }, request, turns),
  });
  if ('id' in verdict) return verdict.id;
  const { refusal } = verdict;
  if (refusal.of === 'switch') throw new LlmProblem('llm/off');
  const { by, of, retryAfter } = refusal;
  throw new LlmProblem(of === 'streams' ? `llm/${by}-too-busy` : `llm/${by}-${of}-spent`, { retryAfter });
}

/** The most that a question can take at the dearest of these. */
function worstOf(
  { settings }: Pick<ChatWorld, 'settings'>,
  { model, worst }: ChatRequest,
  providers: readonly Provider[],
): Charge {
  const charges = providers.map((provider) => chargeFor(worst, priceAt(settings, model, provider)));
  return { tokens: worst.input + worst.output, money: Math.max(...charges.map(({ money }) => money)) };
}

/** Settles with what the provider reported, or else with what is counted instead ([LLM12]). */
function settleAnswer(
  world: ChatWorld,
  { provider, reservation, letGo }: Begun,
  { model }: ChatRequest,
  recorder: LlmRecorder,
  reported: Usage | null,
  counted: Usage,
): void {
  const usage = reported ?? counted;
  const charge = chargeFor(usage, priceAt(world.settings, model, provider));
  recorder.note({ usage, charge, isReported: reported !== null });
  settleAs(world, reservation, charge);
  letGo();
}

function settleAs({ budget, later }: ChatWorld, reservation: Reservation['id'], charge: Charge): void {
  later(budget.settle(reservation, charge));
}

/** A token is at least one byte of what came. */
function countBytes({ worst }: ChatRequest, bytes: number): Usage {
  return { input: worst.input, output: Math.min(worst.output, bytes) };
}

function boundsOf({ settings: { silence }, now }: ChatWorld, bytes: number): AnswerBounds {
  return { silence, lifetime: LIFETIME, bytes, now };
}

/** What the bytes hold as JSON; null for nothing that is any. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function isCompletion(answer: unknown): boolean {
  return (
    typeof answer === 'object' && answer !== null && 'choices' in answer && Array.isArray(answer.choices)
  );
}

const NOTHING: Charge = { tokens: 0, money: 0 };
