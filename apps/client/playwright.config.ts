import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  // The relay, the browsers and the tests share the machine.
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env['CI'],
  // A test that passes at the second try has failed.
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ...(process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] ? ([['json']] as const) : [])],
  use: { trace: { mode: 'retain-on-failure', screenshots: false } },
});
