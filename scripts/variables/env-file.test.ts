import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { unstable_getVarsForDev as getVarsForDev } from 'wrangler';
import { formatEnvFile, writeEnvFile } from './env-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-env-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What wrangler makes of a file beside its configuration. */
function readBack(path: string): Record<string, string> {
  const bindings = getVarsForDev(join(folder, 'wrangler.json'), [path], {}, undefined, true);
  return Object.fromEntries(Object.entries(bindings).map(([name, { value }]) => [name, String(value)]));
}

function throughFile(variables: Readonly<Record<string, string>>): Record<string, string> {
  const file = writeEnvFile(variables);
  try {
    return readBack(file.path);
  } finally {
    file.remove();
  }
}

it.each([
  'sk-1234',
  '',
  ' spaces ',
  'a#b # c',
  '$HOME ${HOME} ${A:-b} $$ $1 \\$x \\\\$',
  '[{"name":"a","baseUrl":"http://localhost:1/v1","models":["b"]}]',
  'two\nlines\n\nand=more\n',
  String.raw`C:\new\reply "quoted"`,
  `it's`,
  "`it's`",
  "'` \\t \\x\n$A",
  'ä👋\u2028b',
])('wrangler reads %j back', (value) => {
  expect(throughFile({ A: value, B: 'after' })).toEqual({ A: value, B: 'after' });
});

it.each(['a\rb', 'a\\', '\'`"', "'`\\n", "'`\\r"])('%j cannot be written', (value) => {
  expect(() => formatEnvFile({ A: 'a', B: value })).toThrow('B has to be free of');
});

const value = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...'a \n\r\t\\$#=\'"`{}:-nr0A_B', '${A}', '\\n', 'ä', '👋'),
    maxLength: 12,
  }),
  fc.string({ unit: 'binary' }),
  fc.json(),
);

it('wrangler reads back whatever can be written, and of what cannot the name is told', () => {
  const variables = fc.dictionary(fc.constantFrom('A', 'B', 'LLM_API_KEY', 'lower_1'), value, { minKeys: 1 });
  fc.assert(
    fc.property(variables, (given) => {
      const names = Object.keys(given).filter((name) => isUnwritable(given[name] ?? ''));
      if (names.length > 0) expect(() => formatEnvFile(given)).toThrow(`${names[0]} has to be free of`);
      else expect(throughFile(given)).toEqual({ ...given });
    }),
    { numRuns: 500 },
  );
});

/** The three ways in which a value can be of no use to wrangler. */
function isUnwritable(value: string): boolean {
  const isQuoted = ["'", '`'].every((mark) => value.includes(mark)) && /"|\\[nr]/.test(value);
  return value.includes('\r') || value.endsWith('\\') || isQuoted;
}

it('nobody else can read the file, and it can be removed', () => {
  const { path, remove } = writeEnvFile({ A: 'a' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  remove();
  expect(existsSync(dirname(path))).toBe(false);
  remove();
});

it('with a file that is empty, nothing is taken from wrangler’s own places', () => {
  writeFileSync(join(folder, '.dev.vars'), 'A=a');
  writeFileSync(join(folder, '.env'), 'B=b');
  expect(throughFile({})).toEqual({});
});
