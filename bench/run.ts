/**
 * `pnpm bench`: what Parley costs against the floor and against its peers, as ratios within one run on one machine.
 * Writes the tables of docs/performance.md; `pnpm bench latency rooms` those of two sections only.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { format, resolveConfig } from 'prettier';
import { findBrowser } from '../scripts/browser.ts';
import { buildClient } from '../scripts/build.ts';
import { startRelay } from '../scripts/relay.ts';
import { bundle } from '../apps/client/e2e/bundle.ts';
import { meshModules } from '../apps/client/mesh-modules.ts';
import { measureCost } from './hours.ts';
import { measureLarge } from './large.ts';
import { measureLatency } from './latency.ts';
import { measureLlm } from './llm.ts';
import { measureOpening } from './opening.ts';
import { openPage } from './pages.ts';
import { startHocuspocus, startYWebsocket } from './peers/start.ts';
import { measureRooms } from './rooms.ts';
import { measureSignaling } from './signaling.ts';
import { measureSize, stockModules } from './size.ts';
import { replaceSection } from './table.ts';
import { readTrace } from './trace.ts';

const report = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const trace = readTrace('automerge-paper');
// The relay serves it, and does not start without one.
buildClient();
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
try {
  const relay = await startRelay({ port: 8931, state: join(folder, 'relay'), version: 'bench' });
  stops.unshift(() => relay.stop());
  const hocuspocus = await startHocuspocus(8932, folder);
  stops.unshift(() => hocuspocus.stop());
  const yWebsocket = await startYWebsocket(8933);
  stops.unshift(() => yWebsocket.stop());
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  stops.unshift(() => browser.close());
  const alias = {
    // Its ES module imports a file that is not in the package (0.7.16).
    'libsodium-wrappers': createRequire(import.meta.url).resolve('libsodium-wrappers'),
  };
  const pageCode = (file: string, name: string, modules: Readonly<Record<string, string>>) =>
    bundle(fileURLToPath(new URL(`page/${file}`, import.meta.url)), name, modules);
  const script = await pageCode('index.ts', 'bench', alias);
  const scripts = {
    parley: await pageCode('room/parley.ts', 'mesh', meshModules),
    stock: await pageCode('room/stock.ts', 'mesh', stockModules),
  };
  const urls = { hocuspocus: hocuspocus.url, yWebsocket: yWebsocket.url };
  const hub = `${relay.url.replace('http', 'ws')}/signaling`;
  // An address of the relay, so that pages are of its origin.
  const pages = { browser, script, url: `${relay.url}/health` };
  const page = await openPage(pages);

  const sections = new Map<string, string>();
  const only = process.argv.slice(2);
  const measure = async (name: string, action: () => Promise<string>) => {
    if (only.length > 0 && !only.includes(name)) return;
    const start = performance.now();
    const table = await action();
    sections.set(name, table);
    console.log(`\n${table}\n\n(${name}: ${Math.round((performance.now() - start) / 1_000)} s)`);
  };
  await measure('latency', () => measureLatency(page, urls, scripts));
  await measure('opening', () => measureOpening(page, trace, hocuspocus.url));
  await page.context().close();
  await measure('large', () => measureLarge({ ...pages, urls, scripts, hub }));
  await measure('rooms', () => measureRooms({ ...pages, scripts, hub }));
  await measure('size', () => measureSize());
  await measure('signaling', () => measureSignaling({ ...pages, scripts }));
  await measure('llm', () => measureLlm(folder));
  await measure('cost', () => measureCost(trace, readTrace('sveltecomponent')));
  let document = readFileSync(report, 'utf8');
  document = replaceSection(document, 'machine', machine(browser.version()));
  for (const [name, table] of sections) document = replaceSection(document, name, table);
  writeFileSync(report, await format(document, { ...(await resolveConfig(report)), filepath: report }));
} finally {
  for (const stop of stops) await stop();
}

function machine(browser: string): string {
  const [cpu] = cpus();
  return `${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, Node ${process.version}, Chromium ${browser}, workerd under \`wrangler dev\`.`;
}
