import * as z from 'zod/mini';
import type { Usage } from './prices.ts';

/** The longest line of a stream that is looked at, in characters: usage comes in one of some hundred. */
const LINE = 262_144;

const count = z.int().check(z.nonnegative());

const reported = z.object({
  usage: z.object({ prompt_tokens: count.check(z.positive()), completion_tokens: count }),
});

/** The usage of an answer without streaming; null where it tells none that can be. */
export function readUsage(answer: unknown): Usage | null {
  const { data } = reported.safeParse(answer);
  return data ? { input: data.usage.prompt_tokens, output: data.usage.completion_tokens } : null;
}

/**
 * Reads along with a stream of server-sent events, cut anywhere, and finds what the provider reports of usage ([LLM3], [LLM12]). Of several
 * reports the last one counts, since some providers add up on the way.
 */
export class UsageMeter {
  readonly #decoder = new TextDecoder();
  #rest = '';
  /** Whether the present line is too long to be looked at. */
  #isSkipping = false;
  #usage: Usage | null = null;

  /** What was reported until now. */
  get usage(): Usage | null {
    return this.#usage;
  }

  read(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf('\n');
    if (end === -1) {
      this.#keep(text);
      return;
    }
    const lines = this.#rest + text.slice(0, end);
    const start = this.#isSkipping ? lines.indexOf('\n') + 1 : 0;
    const isAllSkipped = this.#isSkipping && start === 0;
    this.#rest = '';
    this.#isSkipping = false;
    if (!isAllSkipped) this.#look(lines, start);
    this.#keep(text.slice(end + 1));
  }

  /** Looks at the last line, which may lack its end. */
  finish(): void {
    if (!this.#isSkipping) this.#look(this.#rest, 0);
    this.#rest = '';
  }

  #keep(text: string): void {
    if (this.#isSkipping) return;
    this.#rest += text;
    if (this.#rest.length <= LINE) return;
    this.#rest = '';
    this.#isSkipping = true;
  }

  #look(lines: string, start: number): void {
    // Nearly all of a stream has none, and need not be taken apart.
    if (!lines.includes('"usage"', start)) return;
    for (const line of lines.slice(start).split('\n')) {
      if (line.startsWith('data:') && line.includes('"usage"')) {
        this.#usage = readUsage(parse(line.slice('data:'.length))) ?? this.#usage;
      }
    }
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
