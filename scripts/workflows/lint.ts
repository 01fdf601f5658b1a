/** Part of `pnpm check`: actionlint, and this project's own rules, over everything in .github/workflows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { findBreaches } from './rules.ts';

const root = join(import.meta.dirname, '../..');
const folder = '.github/workflows';

/**
 * What this build of actionlint, 1.6.22, has not heard of. The registry has a later one only as a program that is downloaded when it is
 * first run, which a test must not need, and as a fork of 1.7.7 of no known source, whose module cannot be imported.
 */
const NEWER = [/^label "ubuntu-24\.04" is unknown/, /^undefined variable "vars"/];

const lint = await createLinter();
let faults = 0;
for (const name of readdirSync(join(root, folder))) {
  const file = `${folder}/${name}`;
  const source = readFileSync(join(root, file), 'utf8');
  const found = lint(source, file).filter(({ message }) => !NEWER.some((words) => words.test(message)));
  const lines = [
    ...found.map(({ line, column, message, kind }) => `${file}:${line}:${column}: ${message} [${kind}]`),
    ...findBreaches(source).map((breach) => `${file}: ${breach}`),
  ];
  for (const line of lines) console.error(line);
  faults += lines.length;
}
process.exit(faults === 0 ? 0 : 1);
