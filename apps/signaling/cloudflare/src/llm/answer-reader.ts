import * as z from 'zod/mini';
import type { Usage } from './prices.ts';

/** The longest line of a stream that is held back and looked at, in bytes, without its end. */
const LINE = 262_144;

const NEWLINE = 0x0a;

const NOTHING = new Uint8Array();

/** What OpenAI's streams end with. */
const DONE = '[DONE]';

const QUOTE = 0x22;
const BRACKET = 0x5b;
const [USAGE, ERROR, END] = ['"usage"', '"error"', DONE].map((mark) => new TextEncoder().encode(mark)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** What may stand between a name and its value, and the beginning of `null`. */
const [SPACE, COLON, NULL] = [0x20, 0x3a, 0x6e] as const;

const count = z.int().check(z.nonnegative());

const reported = z.object({
  usage: z.object({ prompt_tokens: count.check(z.positive()), completion_tokens: count }),
});

const withError = z.object({ error: z.custom((error) => error !== null && error !== undefined) });

/** Some gateways tell it of the choice that failed. */
const failed = z.union([
  withError,
  z.object({ choices: z.array(z.unknown()).check(z.refine((choices) => choices.some(hasError))) }),
]);

function hasError(value: unknown): boolean {
  return withError.safeParse(value).success;
}

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
    let end = piece.length;
    while (end > 0 && piece[end - 1] !== NEWLINE) end--;
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
    // Nearly all of a stream has none, and need not be taken apart.
    if (!hasMark(lines)) return lines;
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

/**
 * Whether something there may tell usage, an error or the end. Byte by byte, since making a text of each small piece takes longer than all else
 * that is done with it; and `null` is nothing, which some providers tell in each piece.
 */
function hasMark(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === BRACKET) {
      if (isAt(bytes, at, END)) return true;
    } else if (byte === QUOTE && bytes[at + USAGE.length - 1] === QUOTE) {
      if (!isAt(bytes, at, USAGE) && !isAt(bytes, at, ERROR)) continue;
      let value = at + USAGE.length;
      while (bytes[value] === SPACE || bytes[value] === COLON) value++;
      if (bytes[value] !== NULL) return true;
    }
  }
  return false;
}

function isAt(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  for (let index = 0; index < mark.length; index++) {
    if (bytes[at + index] !== mark[index]) return false;
  }
  return true;
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
