import type { Browser, Page } from '@playwright/test';

/** What it takes to open pages for a measurement. */
export interface Pages {
  readonly browser: Browser;
  /** An address of the relay's origin, without a page of its own. */
  readonly url: string;
  /** What is run in each: `page/index.ts`, as the global `bench`. */
  readonly script: string;
}

/** Opens a page in a browser profile of its own, and so in a process of its own. */
export async function openPage({ browser, url, script }: Pages): Promise<Page> {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(url);
  await page.evaluate(script);
  return page;
}
