import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VariableError } from '../../apps/signaling/src/variables.ts';

/** A file with variables, which only this user can read. */
export interface EnvFile {
  readonly path: string;
  /** Does nothing when it is gone already. */
  remove(): void;
}

/**
 * Puts variables where `wrangler dev --env-file` reads them: everybody on the machine can see a command line.
 *
 * @throws {VariableError} what {@link formatEnvFile} throws
 */
export function writeEnvFile(variables: Readonly<Record<string, string>>): EnvFile {
  const text = formatEnvFile(variables);
  const folder = mkdtempSync(join(tmpdir(), 'parley-variables-'));
  const path = join(folder, 'env');
  writeFileSync(path, text, { mode: 0o600 });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Variables as wrangler reads them back from a file, to the letter.
 *
 * @throws {VariableError} names the first one whose value cannot be written
 */
export function formatEnvFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(name, value)}\n`)
    .join('');
}

/**
 * wrangler reads with dotenv, whose quotes cannot be escaped, and then with dotenv-expand, which puts other variables in the
 * place of `$NAME` unless a backslash stands before it.
 */
function quote(name: string, value: string): string {
  // Between double quotes \n and \r would become line ends; the first two quotes leave everything as it is.
  const mark = ["'", '`', '"'].find(
    (mark) => !value.includes(mark) && !(mark === '"' && /\\[nr]/.test(value)),
  );
  // A carriage return is read as a line end, and a backslash before the last quote goes on with the value in the next line.
  if (mark === undefined || value.includes('\r') || value.endsWith('\\')) {
    throw new VariableError(
      name,
      'free of carriage returns, of a backslash at its end, and of one at least of the quotes \', ` and "',
    );
  }
  return `${mark}${value.replaceAll('$', String.raw`\$`)}${mark}`;
}
