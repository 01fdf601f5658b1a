import type { LlmProblemCode } from '@parley/signaling/llm-problems';
import type { Answer } from './ask-provider.ts';

/** How an answer ended: as it should, by the client, or by a problem. */
export type AnswerEnd = 'done' | 'gone' | LlmProblemCode;

/** What bounds an answer ([LLM5]). */
export interface AnswerBounds {
  /** Milliseconds for each piece. */
  readonly silence: number;
  /** Milliseconds for all of it. */
  readonly lifetime: number;
  readonly bytes: number;
  /** Milliseconds since any time. */
  readonly now: () => number;
}

/** Looks at what comes. */
export interface AnswerWatch {
  /** @returns what of it may be passed on now */
  readonly read: (piece: Uint8Array) => Uint8Array;
  /** @returns what may still be passed on at the end */
  readonly finish: () => Uint8Array;
  /** Whether the provider has told an error: then nothing more is passed on. */
  readonly hasFailed: boolean;
}

/**
 * The bytes of an answer as they come, and no sooner than the client takes them ([LLM3]).
 *
 * @param watch sees each piece
 * @param client aborted when the client goes, which may be told by cancelling the stream as well
 * @param tell what is sent where the answer ends with a problem
 * @param ended is called once, with the bytes that came
 */
export function pipeAnswer(
  { first, rest, close }: Answer,
  { silence, lifetime, bytes: most, now }: AnswerBounds,
  watch: AnswerWatch,
  {
    client,
    tell,
    ended,
  }: {
    client: AbortSignal;
    tell: (code: LlmProblemCode) => Uint8Array;
    ended: (end: AnswerEnd, bytes: number) => void;
  },
): ReadableStream<Uint8Array> {
  type Controller = ReadableStreamDefaultController<Uint8Array>;
  let bytes = 0;
  let isOver = false;
  let next: Uint8Array | null = first;
  /** Since when the provider is waited for. */
  let waitingSince: number | null = null;
  let forget: () => void = () => undefined;

  const finish = (end: AnswerEnd) => {
    isOver = true;
    forget();
    if (end !== 'done') close();
    ended(end, bytes);
  };
  const breakOff = (controller: Controller, code: LlmProblemCode) => {
    if (isOver) return;
    finish(code);
    controller.enqueue(tell(code));
    controller.close();
  };
  /** Whether that was something for the client. */
  const passOn = (controller: Controller, piece: Uint8Array): boolean => {
    if (piece.length > 0) controller.enqueue(piece);
    if (watch.hasFailed) breakOff(controller, 'llm/upstream-failed');
    return piece.length > 0;
  };
  const readNext = async (): Promise<Uint8Array | null> => {
    if (next) {
      const piece = next;
      next = null;
      return piece;
    }
    waitingSince = now();
    const { done, value } = await rest.read();
    waitingSince = null;
    return done ? null : value;
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Also while nobody reads.
        const lifeTimer = setTimeout(() => breakOff(controller, 'llm/answer-too-long'), lifetime);
        // One timer that is set again when it is over: one for each piece would cost more than all else that is done with it.
        const listen = () => {
          const waited = waitingSince === null ? 0 : now() - waitingSince;
          if (waited >= silence) breakOff(controller, 'llm/upstream-silent');
          else silenceTimer = setTimeout(listen, silence - waited);
        };
        let silenceTimer = setTimeout(listen, silence);
        const leave = () => {
          finish('gone');
          controller.close();
        };
        client.addEventListener('abort', leave);
        forget = () => {
          clearTimeout(lifeTimer);
          clearTimeout(silenceTimer);
          client.removeEventListener('abort', leave);
        };
        // An aborted signal tells nobody any more.
        if (client.aborted) leave();
      },
      async pull(controller) {
        try {
          // A piece may be nothing to pass on yet, and nobody asks again before there is something.
          for (let hasPassed = false; !isOver && !hasPassed;) {
            const piece = await readNext();
            if (isOver) return;
            if (!piece) {
              passOn(controller, watch.finish());
              if (isOver) return;
              finish('done');
              controller.close();
            } else if (bytes + piece.length > most) breakOff(controller, 'llm/answer-too-long');
            else {
              bytes += piece.length;
              hasPassed = passOn(controller, watch.read(piece));
            }
          }
        } catch {
          // What it says may hold the provider's address. Where the answer is over, this is its end.
          breakOff(controller, 'llm/upstream-cut');
        }
      },
      cancel() {
        if (!isOver) finish('gone');
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * All of an answer that does not stream.
 *
 * @returns its bytes; or why it has none
 */
export async function readAnswer(
  answer: Answer,
  bounds: AnswerBounds,
  client: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | Exclude<AnswerEnd, 'done'>> {
  let end = 'gone' as AnswerEnd;
  const stream = pipeAnswer(answer, bounds, BLIND, {
    client,
    tell: () => new Uint8Array(),
    ended: (how) => (end = how),
  });
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return end === 'done' ? bytes : end;
}

/** Sees nothing before all of it has come. */
const BLIND: AnswerWatch = { read: (piece) => piece, finish: () => new Uint8Array(), hasFailed: false };
