/**
 * `pnpm test`: everything. Checks, unit tests, the Worker's tests inside workerd, and end-to-end tests in a real
 * browser against the real Worker. It says what it does, and counts at the end.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.ts';
import { buildClient } from './build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'parley-test-'));
let passed = 0;
let failed = 0;
let skipped = 0;

try {
  step('Checks: format, lint, types, unused code', () => run('node', ['scripts/check.ts']));
  step('Build of the client', () => console.log(`  version ${buildClient()}`));
  step('Unit tests, and the Worker inside workerd', () => {
    const report = join(reports, 'vitest.json');
    const ok = attempt('vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    const counts = readReport<{ numPassedTests: number; numFailedTests: number; numPendingTests: number }>(
      report,
    );
    passed += counts.numPassedTests;
    failed += counts.numFailedTests;
    skipped += counts.numPendingTests;
    // A file that does not even load has no test that failed.
    if (!ok && counts.numFailedTests === 0) failed += 1;
  });
  step('End to end: a real browser, the real Worker', () => {
    const browser = findBrowser();
    console.log(`  with ${browser}`);
    const report = join(reports, 'playwright.json');
    const ok = attempt('playwright', ['test', '--config', 'apps/client/playwright.config.ts'], {
      PARLEY_BROWSER: browser,
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
    });
    const { stats } = readReport<{
      stats: { expected: number; unexpected: number; flaky: number; skipped: number };
    }>(report);
    passed += stats.expected;
    failed += stats.unexpected + stats.flaky;
    skipped += stats.skipped;
    if (!ok && stats.unexpected + stats.flaky === 0) failed += 1;
  });
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  failed += 1;
} finally {
  rmSync(reports, { recursive: true, force: true });
}

console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

function step(name: string, work: () => void): void {
  console.log(`\n── ${name}`);
  const started = performance.now();
  work();
  console.log(`   ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

/** Runs a command of the project's own and says whether it succeeded. */
function attempt(command: string, options: string[], environment: Record<string, string> = {}): boolean {
  const program = command === 'node' ? process.execPath : join(root, 'node_modules/.bin', command);
  const { status } = spawnSync(program, options, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  return status === 0;
}

function run(command: string, options: string[]): void {
  if (!attempt(command, options)) throw new Error(`${command} ${options.join(' ')} failed.`);
}

function readReport<Report>(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}
