import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  test as base,
  chromium,
  expect,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from '@playwright/test';
import { MAILBOX_TOPIC_PREFIX } from '@parley/signaling/mailbox';
import { findBrowser } from '../../../scripts/browser.ts';
import { startRelay, type Relay, type RelayOptions } from '../../../scripts/relay.ts';

export { expect };

/** What the pill says when the last change is on the device and on the relay, whoever else has it. */
export const ON_RELAY = /On this device( · [^·]*)? · on the relay/;

/**
 * What Chromium does beside the tests: the pages that fill the suggestions of each window's address bar, which nobody sees, and what
 * Playwright turns off by a list of its own, which this one takes the place of.
 */
const disabledFeatures = [
  ...[
    'WebUIOmniboxPopup',
    'WebUIOmniboxAimPopup',
    'AimEnabled',
    'LensOverlay',
    'MediaRouter',
    'OptimizationHints',
  ],
  ...[
    'AvoidUnnecessaryBeforeUnloadCheckSync',
    'DestroyProfileOnBrowserClose',
    'HttpsUpgrades',
    'PaintHolding',
  ],
  ...['HttpsFirstBalancedModeAutoEnable', 'NetworkTimeServiceQuerying', 'ThirdPartyStoragePartitioning'],
];

/** Chromium refuses its sandbox to root; the rest keeps it from calling home. */
const browserOptions = {
  executablePath: findBrowser(),
  args: [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    `--disable-features=${disabledFeatures.join(',')}`,
  ],
};

/** A relay of one's own, which may be stopped and started again with the data it had. */
export class TestRelay {
  /** The folder in which Durable Objects and D1 keep their data. */
  readonly state = mkdtempSync(join(tmpdir(), 'parley-relay-'));
  readonly #options: Partial<RelayOptions>;
  #relay: Relay | undefined;
  #port = 0;
  #log = '';

  constructor(options: Partial<RelayOptions> = {}) {
    this.#options = options;
  }

  /** What was printed until it was last stopped. */
  get log(): string {
    return this.#log;
  }

  get url(): string {
    return `http://localhost:${this.#port}`;
  }

  /** @param vars variables of the Worker in the place of those that it was made with */
  async start(vars = this.#options.vars ?? {}): Promise<void> {
    this.#relay = await startRelay({
      // Any at first, and from then on the same.
      port: this.#port,
      state: this.state,
      version: 'test',
      ...this.#options,
      vars,
    });
    this.#port = Number(new URL(this.#relay.url).port);
  }

  async stop(): Promise<void> {
    await this.#relay?.stop();
    this.#log += this.#relay?.printed() ?? '';
    this.#relay = undefined;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Presses a key that moves the cursor, and waits until the editor knows: the browser tells it a moment later. */
export async function moveCursor(page: Page, key: string): Promise<void> {
  await page.keyboard.press(key);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
}

/** Somebody with a browser profile of their own: nothing is shared with anybody else. */
export class Guest {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly url: string;
  /** What went wrong inside the page: exceptions and refusals of the Content Security Policy. */
  readonly complaints: string[];

  constructor(context: BrowserContext, page: Page, url: string, complaints: string[] = []) {
    this.context = context;
    this.page = page;
    this.url = url;
    this.complaints = complaints;
    this.listen(page);
  }

  listen(page: Page): void {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.complaints.push(message.text());
    });
  }

  get plan() {
    return this.page.getByRole('textbox', { name: 'Plan' });
  }

  get title() {
    return this.page.getByRole('textbox', { name: 'Session title' });
  }

  get sync() {
    return this.page.getByRole('status', { name: 'Sync' });
  }

  /** What the Sync region says when it is clicked. It is there, unseen, before. */
  get syncDetails() {
    return this.page.locator('.details dl');
  }

  get people() {
    return this.page.getByRole('list', { name: 'People' }).getByRole('listitem');
  }

  /** Makes a session and waits until one can write into it. */
  async newSession(title = ''): Promise<void> {
    await this.page.goto(this.url);
    await this.page.getByRole('button', { name: 'New session' }).click();
    await expect(this.plan).toBeVisible();
    if (title) await this.title.fill(title);
  }

  async editLink(): Promise<string> {
    await this.page.getByRole('button', { name: 'Share' }).click();
    const link = await this.page.getByRole('textbox', { name: 'Edit link' }).inputValue();
    await this.page.keyboard.press('Escape');
    return link;
  }

  async viewLink(): Promise<string> {
    await this.page.getByRole('button', { name: 'Share' }).click();
    await this.page.getByRole('radio', { name: 'Can view' }).check();
    const link = await this.page.getByRole('textbox', { name: 'View link' }).inputValue();
    await this.page.keyboard.press('Escape');
    return link;
  }

  /** Opens a session by its link and waits until its content is there. */
  async join(link: string): Promise<void> {
    await this.page.goto(link);
    await expect(this.plan).toBeVisible();
  }

  /** Opens the session that the page shows in another tab of the same browser. */
  async tab(): Promise<Guest> {
    const tab = new Guest(this.context, await this.context.newPage(), this.url, this.complaints);
    await tab.join(this.page.url());
    return tab;
  }

  /** Types at the end of the plan, in the tab that is seen from now on. */
  async write(text: string): Promise<void> {
    await this.page.bringToFront();
    await this.plan.click();
    await moveCursor(this.page, 'Control+End');
    await this.page.keyboard.type(text);
  }

  /** Takes another name than the friendly random one. */
  async rename(name: string): Promise<void> {
    const field = this.page.getByRole('textbox', { name: 'Your name' });
    await field.fill(name);
    await field.press('Enter');
  }

  /** Waits until the last change is committed on this device. */
  async saved(): Promise<void> {
    await expect(this.sync).toContainText('On this device');
  }

  /** Waits until the last change is acknowledged by the relay, and on this device too. */
  async stored(): Promise<void> {
    await expect(this.sync).toContainText(ON_RELAY);
  }

  /** Waits until somebody is reached from browser to browser: until then they are present through the relay. */
  async connected(): Promise<void> {
    await expect(this.syncDetails).toContainText('Directly');
  }

  /** As behind a firewall or an extension that lets no browser connect to another. Before the first page. */
  async withoutWebRtc(): Promise<void> {
    await this.context.addInitScript(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'));
  }

  /**
   * As if the relay had no mailbox: nothing gets there or comes from it, by request or by socket. The hub still introduces browsers to each
   * other. From the next page on.
   */
  async withoutMailbox(): Promise<void> {
    await this.context.route('**/api/sessions/**', (route) => route.abort());
    await this.context.addInitScript((topic) => {
      const { send } = WebSocket.prototype;
      // Whoever is not let in to its topic hears nothing of it either.
      WebSocket.prototype.send = function (frame) {
        if (!String(frame).includes(topic)) send.call(this, frame);
      };
    }, MAILBOX_TOPIC_PREFIX);
  }
}

/** A profile on disk: what it holds survives the browser. */
interface Profile {
  /** Starts a browser with it. */
  open(): Promise<Guest>;
  /** Kills the browser without a farewell: its processes are gone at once. */
  kill(): Promise<void>;
  /** Stops all its processes where they are, as when a laptop is closed. Resolves to what lets them go on. */
  sleep(): Promise<() => void>;
}

interface Fixtures {
  /** Makes a guest; each has a fresh profile. */
  guest: (options?: BrowserContextOptions & { at?: TestRelay }) => Promise<Guest>;
  /** A relay that this test alone uses. */
  ownRelay: TestRelay;
  /** A profile whose browser can be killed and started again. */
  profile: Profile;
}

export const test = base.extend<Fixtures, { chrome: Browser; relay: TestRelay }>({
  chrome: [
    // Playwright reads a fixture's dependencies from this pattern.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const browser = await chromium.launch(browserOptions);
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  relay: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const relay = new TestRelay();
      await relay.start();
      await use(relay);
      await relay.dispose();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  // eslint-disable-next-line no-empty-pattern
  ownRelay: async ({}, use) => {
    const relay = new TestRelay();
    await relay.start();
    await use(relay);
    await relay.dispose();
  },
  guest: async ({ chrome, relay }, use) => {
    const guests: Guest[] = [];
    await use(async ({ at = relay, ...options } = {}) => {
      const context = await chrome.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      const guest = new Guest(context, await context.newPage(), at.url);
      guests.push(guest);
      return guest;
    });
    for (const guest of guests) await guest.context.close();
    expect(guests.flatMap((guest) => guest.complaints)).toEqual([]);
  },
  profile: async ({ relay }, use) => {
    const directory = mkdtempSync(join(tmpdir(), 'parley-profile-'));
    let context = null as BrowserContext | null;
    let wake = null as (() => void) | null;
    const devtools = () => context?.browser()?.newBrowserCDPSession();
    await use({
      open: async () => {
        context = await chromium.launchPersistentContext(directory, browserOptions);
        return new Guest(context, await context.newPage(), relay.url);
      },
      kill: async () => {
        const client = await devtools();
        await Promise.allSettled([client?.send('Browser.crash'), context?.waitForEvent('close')]);
        context = null;
      },
      sleep: async () => {
        const info = await (await devtools())?.send('SystemInfo.getProcessInfo');
        const processes = info?.processInfo.map(({ id }) => id) ?? [];
        for (const id of processes) process.kill(id, 'SIGSTOP');
        return (wake = () => {
          wake = null;
          for (const id of processes) process.kill(id, 'SIGCONT');
        });
      },
    });
    wake?.();
    await context?.close();
    rmSync(directory, { recursive: true, force: true });
  },
});
