import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from './prices.ts';
import { AnswerReader, readUsage, tellsError } from './answer-reader.ts';

/** The longest line that is looked at, in bytes. */
const LINE = 262_144;

const usageOf = (input: unknown, output: unknown) => ({
  usage: { prompt_tokens: input, completion_tokens: output },
});
const event = (data: unknown, end = '\n\n') => `data: ${JSON.stringify(data)}${end}`;
const word = (content: string) => event({ choices: [{ delta: { content } }], usage: null });
const DONE = 'data: [DONE]\n\n';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function meterAll(pieces: Iterable<Uint8Array>): Usage | null {
  const meter = new AnswerReader();
  for (const piece of pieces) meter.read(piece);
  meter.finish();
  return meter.usage;
}

const meter = (text: string) => meterAll([bytesOf(text)]);

describe('an answer in one piece', () => {
  it('[LLM12] tells its usage', () => {
    expect(readUsage({ choices: [], ...usageOf(7, 5) })).toEqual({ input: 7, output: 5 });
    expect(readUsage(usageOf(7, 0))).toEqual({ input: 7, output: 0 });
  });

  it.each([
    ...[null, undefined, 5, 'usage', [], {}, { usage: null }, { usage: {} }, { usage: [7, 5] }],
    ...[usageOf(0, 5), usageOf(-7, 5), usageOf(7, -5), usageOf(7.5, 5), usageOf(7, 0.1), usageOf('7', 5)],
    ...[usageOf(7, null), usageOf(null, 5), usageOf(NaN, 5), usageOf(7, Infinity), usageOf(2 ** 53, 5)],
    { usage: { prompt_tokens: 7 } },
    { prompt_tokens: 7, completion_tokens: 5 },
  ])('[LLM12] %j is nonsense', (answer) => {
    expect(readUsage(answer)).toBeNull();
  });
});

describe('a stream', () => {
  const told = event({ choices: [], ...usageOf(7, 5) });

  it.each([
    ['in the last chunk, null in all before', word('Hello') + word('!') + told + DONE],
    ['along with words', event({ choices: [{ delta: { content: 'a' } }], ...usageOf(7, 5) }) + DONE],
    ['with more in it', event({ usage: { ...usageOf(7, 5).usage, total_tokens: 12, details: { a: null } } })],
    ['without a space after the colon', told.replace('data: ', 'data:')],
    ['with CR and LF', (word('Hello') + told + DONE).replaceAll('\n', '\r\n')],
    ['after a mark of UTF-8', `\u{feff}${told}`],
    ['after comments and other fields', `: ping\n\nevent: message\nid: 5\n${told}`],
    ['in a line that nothing ends', word('Hello') + told.trimEnd()],
    ['in a line that only CR ends', `${told.trimEnd()}\r`],
    ['and then nonsense', told + event(usageOf(-1, 5)) + event({ usage: 'a lot' }) + 'data: {"usage"\n\n'],
    ['and then null', told + word('') + event({ usage: null })],
    ['and before it less', event(usageOf(7, 1)) + event(usageOf(7, 3)) + told],
  ])('[LLM3] [LLM12] tells its usage %s', (_, text) => {
    expect(meter(text)).toEqual({ input: 7, output: 5 });
  });

  it.each([
    ['nothing', ''],
    ['none', word('Hello') + DONE],
    ['one that is cut', told.slice(0, -5)],
    ['one in the words of the answer', word(`data: ${JSON.stringify(usageOf(7, 5))}`)],
    ['one in a comment', `: ${told}`],
    ['one in another field', told.replace('data', 'event')],
  ])('[LLM12] tells %s', (_, text) => {
    expect(meter(text)).toBeNull();
  });

  it('[LLM12] tells it as soon as the line has come', () => {
    const reader = new AnswerReader();
    reader.read(bytesOf(told.slice(0, 20)));
    expect(reader.usage).toBeNull();
    reader.read(bytesOf(told.slice(20)));
    expect(reader.usage).toEqual({ input: 7, output: 5 });
  });
});

describe('however it is cut', () => {
  const line = fc.oneof(
    fc.constantFrom('', ': ping', DONE.trim(), 'data:', 'data: {"usage"', '\u{1f431}\u{e9}"usage"'),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => word(text).trimEnd()),
    fc.nat(9).map((output) => event(usageOf(1, output)).trimEnd()),
    fc.nat(9).map((output) => event({ cat: '\u{1f431}', ...usageOf(2, output) }).trimEnd()),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\n\n', '\r\n', '\r\n\r\n')), { maxLength: 20 })
    .map((lines) => lines.flat().join(''));

  function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
    const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    return at.slice(1).map((end, index) => bytes.slice(at[index], end));
  }

  it('[LLM3] [LLM12] a stream tells the same, also where characters and ends of lines are cut', () => {
    fc.assert(
      fc.property(stream, line, fc.array(fc.nat(), { maxLength: 30 }), (lines, last, places) => {
        const bytes = bytesOf(lines + last);
        const whole = meterAll([bytes]);
        expect(meterAll(cut(bytes, places))).toEqual(whole);
        expect(meterAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  /** A line of so many bytes that tells 9 tokens, between two that tell 1 and 2. */
  const withLine = (bytes: number) => {
    const short = event({ fill: '', ...usageOf(5, 9) }, '').length;
    const long = event({ fill: `\u{e9}${'x'.repeat(bytes - short - 2)}`, ...usageOf(5, 9) }, '\n');
    return [event(usageOf(5, 1)), long, event({ usage: null })].join('');
  };

  it.each([
    ['a line of the longest length', LINE, 9],
    ['a longer one', LINE + 1, 1],
    ['one of megabytes', 3_000_000, 1],
  ])('[LLM12] %s tells the same in one piece as in many', (_, length, output) => {
    const bytes = bytesOf(withLine(length));
    const expected = { input: 5, output };
    expect(meterAll([bytes])).toEqual(expected);
    for (const size of [length - 1, length, LINE, LINE + 1, 65_536, 1_000]) {
      const places = Array.from(
        { length: Math.floor(bytes.length / size) },
        (__, index) => (index + 1) * size,
      );
      expect(meterAll(cut(bytes, places))).toEqual(expected);
    }
  });

  it('[LLM12] a long line is forgotten with its end, and the next one tells', () => {
    const long = `data: ${'x'.repeat(LINE)}`;
    const next = event(usageOf(7, 5));
    const expected = { input: 7, output: 5 };
    expect(meterAll([bytesOf(long), bytesOf(`"usage"\n${next}`)])).toEqual(expected);
    expect(meterAll([bytesOf(long), bytesOf('more'), bytesOf('\n'), bytesOf(next)])).toEqual(expected);
    expect(meterAll([bytesOf(long), bytesOf(`x\n${long}`), bytesOf(`\n${next.trimEnd()}`)])).toEqual(
      expected,
    );
    // What ends it does not begin another one.
    expect(meterAll([bytesOf(long), bytesOf(next)])).toBeNull();
    expect(meterAll([bytesOf(long), bytesOf(next.trimEnd())])).toBeNull();
  });

  it('[LLM12] a line without end is not kept: it may be longer than any text can be', () => {
    const reader = new AnswerReader();
    const piece = new Uint8Array(4_000_000).fill(0x78);
    for (let count = 0; count < 140; count++) reader.read(piece);
    reader.read(bytesOf(`\n${event(usageOf(7, 5))}`));
    expect(reader.usage).toEqual({ input: 7, output: 5 });
  });
});

/** What a reader gives back for these pieces, together, and what it noticed. */
function passOn(pieces: Iterable<Uint8Array>) {
  const reader = new AnswerReader();
  const passed = [];
  for (const piece of pieces) {
    passed.push(reader.read(piece));
    if (reader.hasFailed) return { text: textOf(passed), hasFailed: true };
  }
  passed.push(reader.finish());
  return { text: textOf(passed), hasFailed: reader.hasFailed };
}

const textOf = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString('latin1');

it('[LLM12] the end of a stream is told by its own line, and by nothing that somebody says', () => {
  const isDone = (text: string) => {
    const reader = new AnswerReader();
    reader.read(bytesOf(text));
    return reader.isDone;
  };
  for (const text of [DONE, 'data:[DONE]\r\n', word('Hello') + DONE]) expect(isDone(text)).toBe(true);
  for (const text of [word('data: [DONE]'), ': data: [DONE]\n', 'event: [DONE]\n', 'data: [DONE]']) {
    expect(isDone(text)).toBe(false);
  }
});

describe('what is passed on', () => {
  it('[LLM3] is all, byte for byte, whatever the bytes are and wherever they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array(), fc.constant(bytesOf('\n'))), { maxLength: 40 }),
        (pieces) => {
          expect(passOn(pieces)).toEqual({ text: textOf(pieces), hasFailed: false });
        },
      ),
    );
    const long = [bytesOf(`data: ${'x'.repeat(LINE)}`), bytesOf('y'), bytesOf('z\nend'), bytesOf('less')];
    expect(passOn(long)).toEqual({ text: textOf(long), hasFailed: false });
  });

  it('[LLM3] is whole lines at once, and the beginning of one with its end', () => {
    const reader = new AnswerReader();
    const read = (text: string) => textOf([reader.read(bytesOf(text))]);
    expect(read('data: 1\n\nda')).toBe('data: 1\n\n');
    expect(read('ta:')).toBe('');
    expect(read(' 2\r\n')).toBe('data: 2\r\n');
    expect(read('end')).toBe('');
    expect(textOf([reader.finish()])).toBe('end');
  });

  it.each([
    ['first', { error: { message: 'secret', code: 502 } }],
    ['text', { error: 'secret' }],
    [
      'choice',
      { choices: [{ delta: { content: '' }, finish_reason: 'error', error: { message: 'secret' } }] },
    ],
    ['last', { id: 'a', choices: [{ delta: { content: 'secret' } }], error: { message: 'secret' } }],
  ])('[LLM7] ends before an event that tells an error (%s), wherever that is cut', (_, data) => {
    const before = word('Hello');
    const bytes = bytesOf(before + event(data) + word('more'));
    for (let at = 0; at <= bytes.length; at++) {
      expect(passOn([bytes.subarray(0, at), bytes.subarray(at)])).toEqual({ text: before, hasFailed: true });
    }
    expect(passOn(Array.from(bytes, (byte) => Uint8Array.of(byte))).text).toBe(before);
    // Without an end of line, too.
    expect(passOn([bytesOf(before + event(data).trimEnd())])).toEqual({ text: before, hasFailed: true });
  });

  it.each([
    event({ choices: [], error: null }),
    word('"error": {"message": "said"}'),
    ': {"error": 1}\n',
    'event: "error"\n\n',
    'data: {"error": \n\n',
  ])('[LLM3] goes on where %j tells none', (text) => {
    expect(passOn([bytesOf(text + word('more'))])).toEqual({
      ...{ text: textOf([bytesOf(text + word('more'))]), hasFailed: false },
    });
  });

  it('[LLM7] an answer in one piece tells an error, or none', () => {
    for (const answer of [
      { error: {} },
      { error: 'a' },
      { error: 0, choices: [] },
      { choices: [{}, { error: 1 }] },
    ]) {
      expect(tellsError(answer)).toBe(true);
    }
    for (const answer of [
      { error: null },
      {},
      { choices: [{ error: null }] },
      { choices: 'error' },
      null,
      'error',
      [],
    ]) {
      expect(tellsError(answer)).toBe(false);
    }
  });
});
