import type { Answer } from './ask-provider.ts';
import type { LlmProblemCode } from './llm-problem.ts';

/** How an answer ended: as it should, by the client, or by a problem. */
export type AnswerEnd = 'done' | 'gone' | LlmProblemCode;

/** What bounds an answer ([LLM5]). */
export interface AnswerBounds {
  /** Milliseconds for each piece. */
  readonly silence: number;
  /** Milliseconds for all of it. */
  readonly lifetime: number;
  readonly bytes: number;
}

/**
 * The bytes of an answer as they come, and no sooner than the client takes them ([LLM3]).
 *
 * @param client aborted when the client goes, which may be told by cancelling the stream as well
 * @param read is told of each piece
 * @param tell what is sent where the answer ends with a problem
 * @param ended is called once, with the bytes that were passed on
 */
export function pipeAnswer(
  { first, rest, close }: Answer,
  { silence, lifetime, bytes: most }: AnswerBounds,
  {
    client,
    read,
    tell,
    ended,
  }: {
    client: AbortSignal;
    read: (piece: Uint8Array) => void;
    tell: (code: LlmProblemCode) => Uint8Array;
    ended: (end: AnswerEnd, bytes: number) => void;
  },
): ReadableStream<Uint8Array> {
  let bytes = 0;
  let isOver = false;
  let next: Uint8Array | null = first;

  let forget: () => void = () => undefined;

  const finish = (end: AnswerEnd) => {
    isOver = true;
    forget();
    if (end !== 'done') close();
    ended(end, bytes);
  };
  const breakOff = (controller: ReadableStreamDefaultController<Uint8Array>, code: LlmProblemCode) => {
    if (isOver) return;
    finish(code);
    controller.enqueue(tell(code));
    controller.close();
  };
  const passOn = (controller: ReadableStreamDefaultController<Uint8Array>, piece: Uint8Array) => {
    if (bytes + piece.length > most) {
      breakOff(controller, 'llm/answer-too-long');
      return;
    }
    bytes += piece.length;
    read(piece);
    controller.enqueue(piece);
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Also while nobody reads.
        const timer = setTimeout(() => breakOff(controller, 'llm/answer-too-long'), lifetime);
        const leave = () => {
          finish('gone');
          controller.close();
        };
        client.addEventListener('abort', leave);
        forget = () => {
          clearTimeout(timer);
          client.removeEventListener('abort', leave);
        };
        // An aborted signal tells nobody any more.
        if (client.aborted) leave();
      },
      async pull(controller) {
        if (next) {
          const piece = next;
          next = null;
          passOn(controller, piece);
          return;
        }
        const timer = setTimeout(() => breakOff(controller, 'llm/upstream-silent'), silence);
        try {
          const { done, value } = await rest.read();
          if (isOver) return;
          if (!done) passOn(controller, value);
          else {
            finish('done');
            controller.close();
          }
        } catch {
          // What it says may hold the provider's address. Where the answer is over, this is its end.
          breakOff(controller, 'llm/upstream-cut');
        } finally {
          clearTimeout(timer);
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
  const stream = pipeAnswer(answer, bounds, {
    client,
    read: () => undefined,
    tell: () => new Uint8Array(),
    ended: (how) => (end = how),
  });
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return end === 'done' ? bytes : end;
}
