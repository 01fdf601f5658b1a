/** Takes the pictures of the documentation from a running app: `node scripts/pictures.ts`. The results are committed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from '@playwright/test';
import { findBrowser } from './browser.ts';
import { buildClient } from './build.ts';
import { startRelay } from './relay.ts';

const images = fileURLToPath(new URL('../docs/images/', import.meta.url));
const state = mkdtempSync(join(tmpdir(), 'parley-pictures-'));
const relay = await startRelay({ port: 8791, state, version: buildClient() });
const browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox'] });
try {
  const link = await furnish(await open(browser, 'light', 1440, 900));
  for (const scheme of ['light', 'dark'] as const) {
    for (const [name, width, height] of [
      ['', 1440, 900],
      ['-phone', 390, 844],
    ] as const) {
      const page = await open(browser, scheme, width, height);
      await page.goto(link);
      await page.getByText('Storm season').waitFor();
      if (width > 640) await page.getByText('The port authority').click({ position: { x: 120, y: 10 } });
      // The names of cursors show for a moment after they have moved.
      await page.waitForTimeout(1_000);
      await page.screenshot({ path: `${images}session${name}-${scheme}.png` });
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await relay.stop();
  rmSync(state, { recursive: true, force: true });
}

async function open(
  chrome: Browser,
  colorScheme: 'light' | 'dark',
  width: number,
  height: number,
): Promise<Page> {
  const context = await chrome.newContext({ colorScheme, viewport: { width, height } });
  return context.newPage();
}

/** Fills a session with something to look at and stays in it, so that the others receive it. */
async function furnish(page: Page): Promise<string> {
  await page.goto(relay.url);
  await page.getByRole('button', { name: 'New session' }).click();
  const plan = page.getByRole('textbox', { name: 'Plan' });
  await plan.waitFor();
  await page
    .getByRole('textbox', { name: 'Session title' })
    .fill('Harbour expansion: what we decide by June');
  await page.getByRole('textbox', { name: 'Your name' }).fill('Mara Lindqvist');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Page title' }).fill('Open questions');
  await plan.click();
  await page.keyboard.type(
    'The council votes on 12 June. Until then we need **three answers**, and nobody outside this room should read our drafts.\n' +
      '## Who pays for the breakwater?\n' +
      'The port authority offers 60 %, the region *perhaps* 20 %. See [the 2024 report](https://example.org/report).\n' +
      '[x] Call Mara at the ministry\nAsk the insurer about the north wall\nCompare with the Gdynia contract\n\n' +
      '## Risks\n- Storm season begins in October\nThe dredger is booked until March\n\n' +
      '> We do not sign before the soil survey is in.',
  );
  for (const title of ['Budget', 'Timeline until the council votes']) {
    await page.getByRole('button', { name: 'Add page' }).click();
    await page.keyboard.type(title);
  }
  await page.getByRole('button', { name: 'Open questions', exact: true }).click();
  await page.getByText('Storm season').click();
  await page.getByRole('button', { name: 'Share' }).click();
  const link = await page.getByRole('textbox', { name: 'Edit link' }).inputValue();
  await page.keyboard.press('Escape');
  await page.getByText('Storm season').click();
  return link;
}
