/** How often a page that stays open asks for a new version, in milliseconds. */
const ASK_EVERY = 60 * 60 * 1000;

/** A new version of the app: noticed in the background, taken only when the person says so. */
class Update {
  #ready = $state(false);
  #apply: (() => Promise<void>) | undefined;

  /** A new version has been loaded and waits. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Registers the service worker, which makes the app work offline. Its code is not needed for the first paint. */
  async register(): Promise<void> {
    const { registerSW } = await import('virtual:pwa-register');
    this.#apply = registerSW({
      onNeedRefresh: () => (this.#ready = true),
      // Another tab has taken the new version. This one goes on with the old one until its person says so.
      onNeedReload: () => (this.#ready = true),
      onRegisteredSW: (_address, registration) => {
        if (!registration) return;
        const ask = () => {
          // Offline it fails, and is asked again later.
          if (navigator.onLine) registration.update().catch(() => undefined);
        };
        setInterval(ask, ASK_EVERY);
        document.addEventListener('visibilitychange', () => {
          if (document.visibilityState === 'visible') ask();
        });
      },
    });
  }

  /** Takes the new version: reloads the page. */
  async apply(): Promise<void> {
    const registration = await navigator.serviceWorker.getRegistration();
    if (!registration?.waiting) {
      // Another tab has taken it already.
      location.reload();
      return;
    }
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    await this.#apply?.();
  }

  later(): void {
    this.#ready = false;
  }
}

export const update = new Update();
