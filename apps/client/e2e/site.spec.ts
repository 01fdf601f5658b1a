import { expect, test } from './parley.ts';

test.describe('what the relay serves', () => {
  test('the page and every session address: a strict policy, no sniffing, no framing, no referrer, never stale', async ({
    relay,
    request,
  }) => {
    for (const path of ['/', '/session/AAAAAAAAAAAAAAAAAAAAAA', '/?new']) {
      const answer = await request.get(relay.url + path);
      expect(answer.status()).toBe(200);
      const headers = answer.headers();
      expect(headers['content-type']).toContain('text/html');
      expect(headers['cache-control']).toBe('no-cache');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['cross-origin-opener-policy']).toBe('same-origin');
      expect(headers['permissions-policy']).toContain('camera=()');
      const policy = headers['content-security-policy'] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
      expect(scripts).toMatch(/^'self' 'sha256-[\w+/=]+'$/);
      expect(await answer.text()).not.toContain('<style');
    }
  });

  test('hashed files for ever, the service worker never, and a hashed file that is gone is no page', async ({
    relay,
    request,
  }) => {
    const page = await (await request.get(relay.url)).text();
    const script = /\/_app\/immutable\/entry\/start\.[\w-]+\.js/.exec(page)?.[0] ?? '';
    expect((await request.get(relay.url + script)).headers()['cache-control']).toContain('immutable');
    expect((await request.get(`${relay.url}/sw.js`)).headers()['cache-control']).toBe('no-cache');
    expect((await request.get(`${relay.url}/manifest.webmanifest`)).headers()['cache-control']).toBe(
      'no-cache',
    );
    const gone = await request.get(`${relay.url}/_app/immutable/entry/start.gone.js`);
    expect(gone.status()).toBe(404);
    expect(gone.headers()['cache-control']).toBe('no-store');
    expect(gone.headers()['content-type']).toContain('application/problem+json');
  });

  test('[RL1] health says status and version', async ({ relay, request }) => {
    const answer = await request.get(`${relay.url}/health`);
    expect(await answer.json()).toEqual({ status: 'ok', version: 'test' });
    expect(answer.headers()['cache-control']).toBe('no-store');
  });
});

test.describe('the app', () => {
  test('[RL6] an address that is nothing says so in words, and leads to the start', async ({ guest }) => {
    const ada = await guest();
    for (const path of ['/session/', '/session', '/sesion/AAAAAAAAAAAAAAAAAAAAAA', '/foo/bar']) {
      await ada.page.goto(ada.url + path);
      await expect(ada.page.getByText('This address is not a session.')).toBeVisible();
    }
    await ada.page.getByRole('link', { name: 'Go to the start' }).click();
    await expect(ada.page.getByRole('button', { name: 'New session' })).toBeVisible();
  });

  test('has a manifest with icons of every size it names, maskable too, and a shortcut', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.page.goto(ada.url);
    const address = await ada.page.locator('link[rel=manifest]').getAttribute('href');
    const manifest = await (await ada.page.request.get(new URL(address ?? '', ada.url).href)).json();
    expect(manifest).toMatchObject({ name: 'Parley', display: 'standalone', start_url: '/', scope: '/' });
    expect(manifest.shortcuts).toHaveLength(1);
    expect(manifest.icons.map((icon: { purpose?: string }) => icon.purpose ?? 'any')).toEqual([
      'any',
      'any',
      'maskable',
      'maskable',
    ]);
    for (const { src, sizes } of manifest.icons) {
      const size = await ada.page.evaluate(async (source) => {
        const image = new Image();
        image.src = source;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}`;
      }, src);
      expect(size).toBe(sizes);
    }
    const devtools = await ada.context.newCDPSession(ada.page);
    const { errors } = await devtools.send('Page.getAppManifest');
    expect(errors).toEqual([]);
  });

  test('the fonts are its own, and nothing is fetched from anywhere else', async ({ guest }) => {
    const ada = await guest();
    const elsewhere: string[] = [];
    ada.page.on('request', (request) => {
      if (!request.url().startsWith(ada.url) && !request.url().startsWith('data:'))
        elsewhere.push(request.url());
    });
    await ada.newSession('Fonts');
    await ada.write('Serif for reading.');
    const loaded = await ada.page.evaluate(async () => {
      await document.fonts.ready;
      return [...document.fonts].filter(({ status }) => status === 'loaded').map(({ family }) => family);
    });
    expect(new Set(loaded.map((family) => family.replaceAll('"', '')))).toEqual(
      new Set(['Figtree', 'Source Serif 4']),
    );
    expect(elsewhere).toEqual([]);
  });

  test('is offered for installing after the first edit, once, and remembers the answer', async ({
    guest,
  }) => {
    const ada = await guest();
    const offer = () =>
      ada.page.evaluate(() => {
        const event = new Event('beforeinstallprompt', { cancelable: true });
        Object.assign(event, { prompt: () => Promise.resolve({ outcome: 'dismissed' }) });
        dispatchEvent(event);
        return event.defaultPrevented;
      });
    const notice = ada.page.getByRole('complementary', { name: 'Install Parley' });
    await ada.newSession();
    expect(await offer()).toBe(true);
    await expect(notice).toHaveCount(0);
    await ada.write('An edit.');
    await expect(notice).toContainText('Install Parley?');
    await notice.getByRole('button', { name: 'Not now' }).click();
    await expect(notice).toHaveCount(0);
    await ada.saved();
    await ada.page.reload();
    await offer();
    await ada.write(' Another.');
    await ada.saved();
    await expect(notice).toHaveCount(0);
  });

  test('on an iPhone the steps are shown instead, with the reason', async ({ guest }) => {
    const ada = await guest({
      userAgent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1',
      viewport: { width: 390, height: 844 },
    });
    await ada.newSession();
    await ada.write('An edit.');
    const notice = ada.page.getByRole('complementary', { name: 'Install Parley' });
    await expect(notice).toContainText('Add to Home Screen');
    await expect(notice).toContainText('seven days');
  });
});
