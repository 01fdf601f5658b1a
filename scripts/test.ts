/**
 * `pnpm test`: everything. Checks, unit tests, the Worker's tests inside workerd, and end-to-end tests in a real
 * browser against the real Worker. It says what it does, and counts at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.ts';
import { buildClient } from './build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The project whose tests sit through an idle minute. */
const IDLING = 'relay under wrangler dev';
const reports = mkdtempSync(join(tmpdir(), 'parley-test-'));
let passed = 0;
let failed = 0;
let skipped = 0;

try {
  await step('Checks: format, lint, types, unused code', () => run('node', ['scripts/check.ts']));
  await step('Build of the client', () => console.log(`  version ${buildClient()}`));
  await step('Unit tests, and the Worker inside workerd', async () => {
    // One of them sits through an idle minute, which need not be idle for the others.
    await Promise.all([testUnits(`!${IDLING}`), testUnits(IDLING)]);
  });
  await step('End to end: a real browser, the real Worker', async () => {
    const browser = findBrowser();
    console.log(`  with ${browser}`);
    const report = join(reports, 'playwright.json');
    const ok = await attempt('playwright', ['test', '--config', 'apps/client/playwright.config.ts'], {
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

async function step(name: string, work: () => Promise<void> | void): Promise<void> {
  console.log(`\n── ${name}`);
  const started = performance.now();
  await work();
  console.log(`   ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

/** Runs the tests of vitest's projects of this name and counts them. */
async function testUnits(project: string): Promise<void> {
  const report = join(reports, `${encodeURIComponent(project)}.json`);
  // Otherwise one worker for two processors.
  const options = ['run', '--maxWorkers=100%', '--project', project, '--reporter=default', '--reporter=json'];
  const ok = await attempt('vitest', [...options, `--outputFile.json=${report}`]);
  const counts = readReport<{ numPassedTests: number; numFailedTests: number; numPendingTests: number }>(
    report,
  );
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  skipped += counts.numPendingTests;
  // A file that does not even load has no test that failed.
  if (!ok && counts.numFailedTests === 0) failed += 1;
}

/** Runs a command of the project's own and says whether it succeeded. */
async function attempt(
  command: string,
  options: string[],
  environment: Record<string, string> = {},
): Promise<boolean> {
  const program = command === 'node' ? process.execPath : join(root, 'node_modules/.bin', command);
  const child = spawn(program, options, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const [status] = await once(child, 'exit');
  return status === 0;
}

async function run(command: string, options: string[]): Promise<void> {
  if (!(await attempt(command, options))) throw new Error(`${command} ${options.join(' ')} failed.`);
}

function readReport<Report>(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}
