import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from '@playwright/test';

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chrome',
  'microsoft-edge',
];
const places = [
  ...(process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name))),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * The path of a Chromium or Chrome: PARLEY_BROWSER, else one that is installed, else Playwright's own.
 * If there is none it is installed: by Playwright, or, where its download is blocked, by apt-get as root.
 *
 * @throws {Error} when there is none and none can be installed; it says what to do
 */
export function findBrowser(): string {
  const wanted = process.env['PARLEY_BROWSER'];
  if (wanted) return wanted;
  const found = installedBrowser();
  if (found) return found;
  console.log('No Chrome or Chromium found. Installing one.');
  for (const [command, ...options] of [
    ['npx', 'playwright', 'install', '--with-deps', 'chromium'],
    ['npx', 'playwright', 'install', 'chromium'],
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
  ] as const) {
    if (command === 'apt-get' && process.getuid?.() !== 0) continue;
    try {
      execFileSync(command, options, { stdio: 'ignore', timeout: 10 * 60_000 });
    } catch (error) {
      console.log(`  ${command} ${options.join(' ')}: ${String((error as Error).message).split('\n')[0]}`);
    }
    const installed = installedBrowser();
    if (installed) return installed;
  }
  throw new Error(
    'The end-to-end tests need Chrome or Chromium. Install one, or set PARLEY_BROWSER to its path.',
  );
}

function installedBrowser(): string | undefined {
  return [...places, chromium.executablePath()].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
