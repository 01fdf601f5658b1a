import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  pipeAnswer,
  readAnswer,
  type AnswerBounds,
  type AnswerEnd,
  type AnswerWatch,
} from './pipe-answer.ts';

const BOUNDS: AnswerBounds = { silence: 1_000, lifetime: 10_000, bytes: 100, now: () => Date.now() };

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets go on whatever can, without time going by. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** A provider's answer, which says what it is told to, to whom asks. */
class Upstream {
  readonly close = vi.fn(() => {
    this.isClosed = true;
    this.#waiting?.resolve({ done: true, value: undefined });
  });
  reads = 0;
  isClosed = false;
  readonly #said: (Uint8Array | Error | null)[] = [];
  #waiting: PromiseWithResolvers<ReadableStreamReadResult<Uint8Array>> | null = null;

  readonly rest: ReadableStreamDefaultReader<Uint8Array> = {
    read: async () => {
      this.reads += 1;
      this.#waiting = Promise.withResolvers();
      const { promise } = this.#waiting;
      this.#answer();
      return promise;
    },
    cancel: async () => this.close(),
    closed: Promise.resolve(undefined),
    releaseLock: () => undefined,
  };

  /** Says something, breaks, or ends. */
  say(piece: string | Error | null): void {
    this.#said.push(typeof piece === 'string' ? bytesOf(piece) : piece);
    this.#answer();
  }

  #answer(): void {
    if (!this.#waiting) return;
    const piece = this.isClosed ? null : this.#said.shift();
    if (piece === undefined) return;
    if (piece instanceof Error) this.#waiting.reject(piece);
    else this.#waiting.resolve(piece ? { done: false, value: piece } : { done: true, value: undefined });
    this.#waiting = null;
  }
}

/** Sees all and holds nothing back, unless said otherwise. */
function pipe(first = 'one,', bounds: Partial<AnswerBounds> = {}, watch: Partial<AnswerWatch> = {}) {
  const upstream = new Upstream();
  const client = new AbortController();
  const seen: string[] = [];
  const ended = vi.fn<(end: AnswerEnd, bytes: number) => void>();
  const open = () =>
    pipeAnswer(
      { first: bytesOf(first), rest: upstream.rest, close: upstream.close },
      { ...BOUNDS, ...bounds },
      {
        read: (piece) => {
          seen.push(textOf(piece));
          return piece;
        },
        finish: () => bytesOf(''),
        hasFailed: false,
        ...watch,
      },
      { client: client.signal, ended, tell: (code) => bytesOf(`<${code}>`) },
    );
  return { upstream, client, seen, ended, open };
}

type Piped = ReturnType<typeof pipe>;

/** Nothing goes on after an answer: no timer, no listener, one end. */
function expectOver({ client, ended, upstream }: Piped, end: AnswerEnd, bytes: number): void {
  expect(ended.mock.calls).toEqual([[end, bytes]]);
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(client.signal, 'abort')).toEqual([]);
  expect(upstream.close).toHaveBeenCalledTimes(end === 'done' ? 0 : 1);
}

/** All that is left of a stream. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += textOf(value);
  }
}

describe('an answer', () => {
  it('[LLM3] has exactly the bytes that come, piece by piece', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    for (const piece of ['two,', '', 'three', null]) piped.upstream.say(piece);
    const pieces: string[] = [];
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      pieces.push(textOf(value));
    }
    expect(pieces).toEqual(['one,', 'two,', 'three']);
    expect(piped.seen).toEqual(['one,', 'two,', '', 'three']);
    expectOver(piped, 'done', 13);
  });

  it('[LLM3] passes the same bytes on, and no copy', async () => {
    const { upstream, open } = pipe();
    const reader = open().getReader();
    await reader.read();
    const piece = bytesOf('two');
    vi.spyOn(upstream.rest, 'read').mockResolvedValueOnce({ done: false, value: piece });
    expect((await reader.read()).value).toBe(piece);
    await reader.cancel();
  });

  it('[LLM3] is read no sooner than the client reads', async () => {
    const piped = pipe();
    for (const piece of ['two,', 'three,', 'four']) piped.upstream.say(piece);
    const reader = piped.open().getReader();
    await settle();
    expect([piped.upstream.reads, piped.seen]).toEqual([0, []]);
    for (const reads of [0, 1, 2, 3]) {
      await reader.read();
      await settle();
      expect(piped.upstream.reads).toBe(reads);
    }
    await reader.cancel();
    expectOver(piped, 'gone', 18);
  });
});

describe('what is held back', () => {
  it('[LLM3] comes when it may, the last of it at the end; until then the provider is asked on', async () => {
    const held: string[] = [];
    const watch = {
      read: (piece: Uint8Array) => {
        held.push(textOf(piece));
        return bytesOf(held.length % 3 === 0 ? held.splice(0).join('') : '');
      },
      finish: () => bytesOf(held.join('')),
    };
    const piped = pipe('one,', {}, watch);
    for (const piece of ['two,', 'three,', 'four,', null]) piped.upstream.say(piece);
    const reader = piped.open().getReader();
    expect(textOf((await reader.read()).value)).toBe('one,two,three,');
    expect(textOf((await reader.read()).value)).toBe('four,');
    expect(await drain(reader)).toBe('');
    expectOver(piped, 'done', 19);
  });

  it('[LLM5] counts: what is only held back is bounded too', async () => {
    const piped = pipe('one,', { bytes: 10 }, { read: () => bytesOf('') });
    for (const piece of ['two,', 'three,']) piped.upstream.say(piece);
    expect(await drain(piped.open().getReader())).toBe('<llm/answer-too-long>');
    expectOver(piped, 'llm/answer-too-long', 8);
  });

  it.each([false, true])(
    '[LLM7] ends with the problem where the provider tells an error (at its end: %s)',
    async (atEnd) => {
      let hasFailed = false;
      const fail = (text: string) => {
        hasFailed = true;
        return bytesOf(text);
      };
      const watch = {
        read: (piece: Uint8Array) => (textOf(piece) === 'bad' && !atEnd ? fail('good,') : piece),
        finish: () => (atEnd ? fail('good,') : bytesOf('')),
        get hasFailed() {
          return hasFailed;
        },
      };
      const upstream = new Upstream();
      const ended = vi.fn<(end: AnswerEnd, bytes: number) => void>();
      const client = new AbortController();
      const answer = { first: bytesOf('one,'), rest: upstream.rest, close: upstream.close };
      for (const piece of atEnd ? [null] : ['bad', 'more', null]) upstream.say(piece);
      const stream = pipeAnswer(answer, BOUNDS, watch, {
        ...{ client: client.signal, ended, tell: (code) => bytesOf(`<${code}>`) },
      });
      expect(await drain(stream.getReader())).toBe('one,good,<llm/upstream-failed>');
      expect(ended.mock.calls).toEqual([['llm/upstream-failed', atEnd ? 4 : 7]]);
      expect(upstream.close).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});

describe('silence', () => {
  it('[LLM5] ends it with the problem, and closes the connection', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    const next = reader.read();
    await vi.advanceTimersByTimeAsync(BOUNDS.silence - 1);
    expect(piped.ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(textOf((await next).value)).toBe('<llm/upstream-silent>');
    expect(await drain(reader)).toBe('');
    expectOver(piped, 'llm/upstream-silent', 4);
  });

  it('[LLM5] is counted for each piece', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    for (let count = 0; count < 5; count++) {
      const next = reader.read();
      await vi.advanceTimersByTimeAsync(BOUNDS.silence - 1);
      piped.upstream.say('a');
      expect(textOf((await next).value)).toBe('a');
    }
    piped.upstream.say(null);
    expect(await drain(reader)).toBe('');
    expectOver(piped, 'done', 9);
  });

  it('[LLM5] is none of the provider’s while nobody reads', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    await vi.advanceTimersByTimeAsync(5 * BOUNDS.silence);
    for (const piece of ['two', null]) piped.upstream.say(piece);
    expect(await drain(reader)).toBe('two');
    expectOver(piped, 'done', 7);
  });
});

describe('bounds', () => {
  it('[LLM5] it ends in time though nobody reads; then the problem is all that is left', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await vi.advanceTimersByTimeAsync(BOUNDS.lifetime - 1);
    expect(piped.ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expectOver(piped, 'llm/answer-too-long', 0);
    expect(await drain(reader)).toBe('<llm/answer-too-long>');
    expectOver(piped, 'llm/answer-too-long', 0);
  });

  it('[LLM5] it ends in time though pieces come', async () => {
    const piped = pipe('1', { bytes: 1_000 });
    const reader = piped.open().getReader();
    const all = drain(reader);
    for (let count = 0; count < 25; count++) {
      await vi.advanceTimersByTimeAsync(BOUNDS.lifetime / 20);
      piped.upstream.say('a');
    }
    expect(await all).toBe(`1${'a'.repeat(19)}<llm/answer-too-long>`);
    expectOver(piped, 'llm/answer-too-long', 20);
  });

  it('[LLM5] as many bytes as it may have are passed on, and no piece that has more', async () => {
    const whole = pipe('one,', { bytes: 8 });
    for (const piece of ['two,', null]) whole.upstream.say(piece);
    expect(await drain(whole.open().getReader())).toBe('one,two,');
    expectOver(whole, 'done', 8);

    const piped = pipe('one,', { bytes: 8 });
    for (const piece of ['two', 'xy', 'z']) piped.upstream.say(piece);
    expect(await drain(piped.open().getReader())).toBe('one,two<llm/answer-too-long>');
    expect(piped.seen).toEqual(['one,', 'two']);
    expectOver(piped, 'llm/answer-too-long', 7);
  });

  it('[LLM5] also the first piece may be too large', async () => {
    const piped = pipe('x'.repeat(101));
    expect(await drain(piped.open().getReader())).toBe('<llm/answer-too-long>');
    expect(piped.upstream.reads).toBe(0);
    expectOver(piped, 'llm/answer-too-long', 0);
  });

  it('[LLM5] [LLM7] a provider that breaks off is told of without its words', async () => {
    const piped = pipe();
    piped.upstream.say(new TypeError('https://secret.example'));
    expect(await drain(piped.open().getReader())).toBe('one,<llm/upstream-cut>');
    expectOver(piped, 'llm/upstream-cut', 4);
  });
});

describe('a client that goes', () => {
  it('[LLM4] by cancelling, closes the connection at once', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    await reader.cancel();
    expectOver(piped, 'gone', 4);
  });

  it('[LLM4] by cancelling while a piece is waited for, also', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    const next = reader.read();
    await settle();
    expect(piped.upstream.reads).toBe(1);
    await reader.cancel();
    expect((await next).done).toBe(true);
    await settle();
    expectOver(piped, 'gone', 4);
  });

  it('[LLM4] before it begins, is told nothing', async () => {
    const piped = pipe();
    piped.client.abort();
    const reader = piped.open().getReader();
    expectOver(piped, 'gone', 0);
    expect(await drain(reader)).toBe('');
    expect(piped.seen).toEqual([]);
  });

  it('[LLM4] while nobody reads, closes the connection at once', () => {
    const piped = pipe();
    piped.open();
    piped.client.abort();
    expectOver(piped, 'gone', 0);
  });

  it('[LLM4] while a piece is waited for, ends it there', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await reader.read();
    const next = reader.read();
    await settle();
    piped.client.abort();
    piped.upstream.say('two');
    expect((await next).done).toBe(true);
    await settle();
    expectOver(piped, 'gone', 4);
  });

  it('[LLM4] after the end, changes nothing', async () => {
    const piped = pipe();
    piped.upstream.say(null);
    const reader = piped.open().getReader();
    expect(await drain(reader)).toBe('one,');
    piped.client.abort();
    await reader.cancel();
    expectOver(piped, 'done', 4);
  });

  it('[LLM4] after a problem, changes nothing', async () => {
    const piped = pipe();
    const reader = piped.open().getReader();
    await vi.advanceTimersByTimeAsync(BOUNDS.lifetime);
    piped.client.abort();
    await reader.cancel();
    expectOver(piped, 'llm/answer-too-long', 0);
  });
});

it('[LLM3] [LLM4] [LLM5] in whatever order things happen, an answer ends once, and leaves nothing', async () => {
  const event = fc.constantFrom(
    ...(['read', 'read', 'read', 'say', 'say', 'say much', 'say nothing', 'end', 'break'] as const),
    ...(['abort', 'cancel', 'silence', 'half', 'lifetime'] as const),
  );
  const steps = fc.array(fc.tuple(event, fc.boolean()), { maxLength: 12 });
  const ends = new Set<AnswerEnd>();
  await fc.assert(
    fc.asyncProperty(steps, async (orders) => {
      const piped = pipe('first,', { bytes: 40 });
      const reader = piped.open().getReader();
      const reads: Promise<ReadableStreamReadResult<Uint8Array>>[] = [];
      const act = {
        read: () => void reads.push(reader.read()),
        say: () => piped.upstream.say('piece,'),
        'say much': () => piped.upstream.say('x'.repeat(30)),
        'say nothing': () => piped.upstream.say(''),
        end: () => piped.upstream.say(null),
        break: () => piped.upstream.say(new TypeError('broken')),
        abort: () => piped.client.abort(),
        cancel: () => void reader.cancel(),
        silence: () => void vi.advanceTimersByTime(BOUNDS.silence),
        half: () => void vi.advanceTimersByTime(BOUNDS.silence / 2),
        lifetime: () => void vi.advanceTimersByTime(BOUNDS.lifetime),
      };
      for (const [order, isSettled] of orders) {
        act[order]();
        if (isSettled) await settle();
      }
      await vi.advanceTimersByTimeAsync(BOUNDS.lifetime);
      const got =
        (await Promise.all(reads)).map(({ value }) => textOf(value)).join('') + (await drain(reader));
      const [end, bytes] = piped.ended.mock.calls[0] ?? ['done', -1];
      ends.add(end);
      expectOver(piped, end, bytes);
      // What was passed on is what was seen, and after it the problem, unless the client had gone.
      expect(got.replace(/<.*/, '')).toBe(piped.seen.join(''));
      expect(bytes).toBe(piped.seen.join('').length);
      expect(['', `<${end}>`]).toContain(/<.*/.exec(got)?.[0] ?? '');
      if (end === 'done' || end === 'gone') expect(got).not.toContain('<');
    }),
    { numRuns: 1_000 },
  );
  expect([...ends].sort()).toEqual([
    ...['done', 'gone', 'llm/answer-too-long', 'llm/upstream-cut', 'llm/upstream-silent'],
  ]);
});

describe('an answer in one piece', () => {
  const read = ({ upstream, client }: Piped, bounds: Partial<AnswerBounds> = {}) =>
    readAnswer(
      { first: bytesOf('one,'), rest: upstream.rest, close: upstream.close },
      { ...BOUNDS, ...bounds },
      client.signal,
    );

  function expectNothingLeft({ client }: Piped): void {
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
  }

  it('[LLM3] is all of its bytes', async () => {
    const piped = pipe();
    for (const piece of ['two,', 'three', null]) piped.upstream.say(piece);
    expect(await read(piped)).toEqual(bytesOf('one,two,three'));
    expectNothingLeft(piped);
  });

  it('[LLM5] is nothing where it is too large, breaks off, or stops', async () => {
    const large = pipe();
    large.upstream.say('x'.repeat(97));
    expect(await read(large)).toBe('llm/answer-too-long');
    expectNothingLeft(large);

    const broken = pipe();
    broken.upstream.say(new TypeError('gone'));
    expect(await read(broken)).toBe('llm/upstream-cut');
    expectNothingLeft(broken);

    const silent = pipe();
    const answer = read(silent);
    await vi.advanceTimersByTimeAsync(BOUNDS.silence);
    expect(await answer).toBe('llm/upstream-silent');
    expectNothingLeft(silent);
  });

  it('[LLM4] is nothing when the client goes, and the connection closes', async () => {
    const before = pipe();
    before.client.abort();
    expect(await read(before)).toBe('gone');
    expectNothingLeft(before);

    const piped = pipe();
    const answer = read(piped);
    await settle();
    piped.client.abort();
    expect(await answer).toBe('gone');
    expect(piped.upstream.close).toHaveBeenCalledTimes(1);
    expectNothingLeft(piped);
  });
});
