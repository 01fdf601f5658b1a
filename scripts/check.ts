/** `pnpm check`: format, lint, types, unused code and workflows. CI runs nothing else and nothing less. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each line is one kind of check; the parts of a line run one after the other, the lines side by side. */
const checks = [
  ['format', [['.', 'prettier', '--check', '--log-level', 'warn', '.']]],
  ['lint', [['.', 'eslint', '--max-warnings', '0', '.']]],
  [
    'types',
    [
      ['.', 'tsc', '-p', '.'],
      ['.', 'tsc', '-p', 'apps/signaling'],
      ['.', 'tsc', '-p', 'apps/signaling/tsconfig.node.json'],
      ['.', 'tsc', '-p', 'apps/signaling/cloudflare'],
      ['.', 'tsc', '-p', 'apps/signaling/cloudflare/tsconfig.node.json'],
      ['.', 'tsc', '-p', 'bench'],
      ['apps/signaling', 'deno', 'check', '--quiet', '../../spikes/deno-signaling/main.ts'],
      ['apps/client', 'svelte-check', '--fail-on-warnings', '--output', 'human', '--threshold', 'warning'],
    ],
  ],
  ['unused', [['.', 'knip', '--no-progress']]],
  ['workflows', [['.', 'node', 'scripts/workflows/lint.ts']]],
] as const;

// SvelteKit writes the client's tsconfig, which types and unused code are read from.
const prepared = await run('apps/client', 'svelte-kit', ['sync']);
if (!prepared.ok) throw new Error(prepared.printed);

const outcomes = await Promise.all(
  checks.map(async ([name, parts]) => {
    const started = performance.now();
    let printed = '';
    for (const [folder, command, ...options] of parts) {
      const part = await run(folder, command, options);
      printed += part.printed;
      if (!part.ok) return { name, ok: false, printed };
    }
    console.log(`  ${name}: fine (${((performance.now() - started) / 1000).toFixed(0)} s)`);
    return { name, ok: true, printed };
  }),
);

const failed = outcomes.filter((outcome) => !outcome.ok);
for (const { name, printed } of failed) console.error(`\n  ${name}: not fine\n\n${printed}`);
process.exit(failed.length === 0 ? 0 : 1);

function run(
  folder: string,
  command: string,
  options: readonly string[],
): Promise<{ ok: boolean; printed: string }> {
  return new Promise((resolve) => {
    const cwd = `${root}${folder}`;
    const child = spawn(`${cwd}/node_modules/.bin/${command}`, options, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    }
    child.once('error', (error) => resolve({ ok: false, printed: `${printed}${error.message}\n` }));
    child.once('exit', (code) => resolve({ ok: code === 0, printed }));
  });
}
