/** Draws the app's icons from their SVGs: `node scripts/icons.ts`. The results are committed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { findBrowser } from './browser.ts';

const icons = fileURLToPath(new URL('../apps/client/static/icons/', import.meta.url));
const browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox'] });
for (const [source, name, size] of [
  ['icon', '192', 192],
  ['icon', '512', 512],
  ['maskable', 'maskable-192', 192],
  ['maskable', 'maskable-512', 512],
  ['maskable', 'apple-touch', 180],
] as const) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const svg = readFileSync(`${icons}${source}.svg`).toString('base64');
  await page.setContent(
    `<style>body{margin:0}img{display:block}</style><img width=${size} src="data:image/svg+xml;base64,${svg}">`,
  );
  await page.screenshot({ path: `${icons}${name}.png`, omitBackground: true });
}
await browser.close();
