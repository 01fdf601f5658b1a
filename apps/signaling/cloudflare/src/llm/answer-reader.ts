import * as z from 'zod/mini';
import type { Usage } from './prices.ts';

/** The longest line of a stream that is held back and looked at, in bytes, without its end. */
const LINE = 262_144;

const NEWLINE = 0x0a;
const NOTHING = new Uint8Array();

/** What OpenAI's streams end with. */
const DONE = '[DONE]';

/** What a part of a stream has that says something to the relay. */
const MARKS = ['"usage"', '"error"', DONE];

const count = z.int().check(z.nonnegative());

const reported = z.object({
  usage: z.object({ prompt_tokens: count.check(z.positive()), completion_tokens: count }),
});

const failed = z.object({ error: z.custom((error) => error !== null && error !== undefined) });

/** The usage of an answer; null where it tells none that can be. */
export function readUsage(answer: unknown): Usage | null {
  const { data } = reported.safeParse(answer);
  return data ? { input: data.usage.prompt_tokens, output: data.usage.completion_tokens } : null;
}

/** Whether an answer, or an event of one, tells an error, in words of its provider. */
export function tellsError(answer: unknown): boolean {
  return failed.safeParse(answer).success;
}

/**
 * Reads along with a stream of server-sent events, cut anywhere ([LLM3]). It gives back what may be passed on: all of it, in whole lines, of
 * which a client can use no less; but no error in a provider's words ([LLM7]). On the way it finds the usage that is reported ([LLM12]):
 * of several reports the last one counts, since some providers add up.
 */
export class AnswerReader {
  readonly #decoder = new TextDecoder();
  /** The beginning of a line. */
  #held: Uint8Array[] = [];
  #heldLength = 0;
  /** Whether what comes next belongs to a line that is too long to be looked at. */
  #isLong = false;
  #usage: Usage | null = null;
  #hasFailed = false;
  #isDone = false;

  /** What was reported until now. */
  get usage(): Usage | null {
    return this.#usage;
  }

  /** Whether the provider told an error. What came before it was given back. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether the provider said that this is all, after which some clients leave at once. */
  get isDone(): boolean {
    return this.#isDone;
  }

  read(piece: Uint8Array): Uint8Array {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#hold(piece);
      if (this.#heldLength <= LINE && !this.#isLong) return NOTHING;
      this.#isLong = true;
      return this.#release();
    }
    this.#hold(piece.subarray(0, end));
    const lines = this.#release();
    if (end < piece.length) this.#hold(piece.subarray(end));
    return this.#look(lines);
  }

  /** The last line, which may lack its end. */
  finish(): Uint8Array {
    return this.#look(this.#release());
  }

  #hold(piece: Uint8Array): void {
    this.#held.push(piece);
    this.#heldLength += piece.length;
  }

  #release(): Uint8Array {
    const [only = NOTHING, ...more] = this.#held;
    const whole = more.length === 0 ? only : new Uint8Array(this.#heldLength);
    if (more.length > 0) {
      let at = 0;
      for (const piece of this.#held) {
        whole.set(piece, at);
        at += piece.length;
      }
    }
    this.#held = [];
    this.#heldLength = 0;
    return whole;
  }

  #look(lines: Uint8Array): Uint8Array {
    const isInLine = this.#isLong;
    this.#isLong = false;
    const text = this.#decoder.decode(lines);
    // Nearly all of a stream has none of these, and need not be taken apart.
    if (!MARKS.some((mark) => text.includes(mark))) return lines;
    for (let start = isInLine ? endOfLine(lines, 0) : 0; start < lines.length;) {
      const end = endOfLine(lines, start);
      const line = this.#decoder.decode(lines.subarray(start, end));
      // One that is too long is not looked at either when it comes in one piece: where a stream is cut changes nothing.
      if (end - start <= LINE + 1 && line.startsWith('data:')) {
        const data = line.slice('data:'.length).trim();
        if (data === DONE) this.#isDone = true;
        const event = parse(data);
        if (tellsError(event)) {
          this.#hasFailed = true;
          return lines.subarray(0, start);
        }
        this.#usage = readUsage(event) ?? this.#usage;
      }
      start = end;
    }
    return lines;
  }
}

/** Behind the end of the line that begins here, or at the end of all. */
function endOfLine(lines: Uint8Array, start: number): number {
  return lines.indexOf(NEWLINE, start) + 1 || lines.length;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
