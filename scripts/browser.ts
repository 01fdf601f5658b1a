import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const root = fileURLToPath(new URL('..', import.meta.url));

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chrome',
  'microsoft-edge',
  // Chromium without its windows: what Playwright itself takes by default, and a fifth faster.
  'chromium-headless-shell',
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
  const playwright = [process.execPath, 'node_modules/@playwright/test/cli.js'] as const;
  const isRoot = process.getuid?.() === 0;
  for (const [command, ...options] of [
    [...playwright, 'install', 'chromium'],
    // Anybody but root would be asked for a password.
    ...(isRoot
      ? ([
          [...playwright, 'install-deps', 'chromium'],
          ['apt-get', 'update'],
          ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium-headless-shell'],
        ] as const)
      : []),
  ] as const) {
    try {
      execFileSync(command, options, { cwd: root, stdio: 'ignore', timeout: 10 * 60_000 });
    } catch (error) {
      console.log(`  ${options.join(' ')}: ${String((error as Error).message).split('\n')[0]}`);
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
      // One that is there may still lack its libraries, or be a stub that only offers to install it.
      execFileSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 });
      return true;
    } catch {
      return false;
    }
  });
}
