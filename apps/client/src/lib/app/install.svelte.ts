import { readSetting, writeSetting } from './database.ts';

/** The event by which Chromium says that the app can be installed; no standard, hence in no type library. */
interface InstallPromptEvent extends Event {
  prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

/**
 * The offer to install the app: made once, after a first session was edited; "not now" is remembered.
 *
 * `prompt`: the browser can install it at a click. `manual`: Safari on iOS and iPadOS, where a person has to do it.
 */
class Install {
  #kind = $state<'none' | 'prompt' | 'manual'>('none');
  #prompt: InstallPromptEvent | undefined;
  #edited = false;

  /** What is on offer right now. */
  get kind(): 'none' | 'prompt' | 'manual' {
    return this.#kind;
  }

  /** Starts listening for the browser's permission to offer; it comes early and only once. */
  listen(): void {
    addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.#prompt = event as InstallPromptEvent;
      if (this.#edited) void this.#decide();
    });
    addEventListener('appinstalled', () => {
      this.#kind = 'none';
      this.#prompt = undefined;
    });
  }

  /** A session was edited: the moment at which keeping it begins to matter. */
  offer(): void {
    if (this.#edited) return;
    this.#edited = true;
    // Asks the browser not to evict what is kept; Chromium decides by itself, Firefox asks the person.
    void navigator.storage?.persist?.();
    void this.#decide();
  }

  async accept(): Promise<void> {
    const prompt = this.#prompt;
    this.#prompt = undefined;
    this.#kind = 'none';
    const answer = await prompt?.prompt();
    if (answer?.outcome === 'dismissed') await this.dismiss();
  }

  async dismiss(): Promise<void> {
    this.#kind = 'none';
    // If it cannot be kept, it is asked again: an annoyance, not a loss.
    await writeSetting('installDismissed', true).catch(() => undefined);
  }

  async #decide(): Promise<void> {
    if (matchMedia('(display-mode: standalone)').matches) return;
    if (await readSetting('installDismissed').catch(() => true)) return;
    if (this.#prompt) this.#kind = 'prompt';
    else if (isIos()) this.#kind = 'manual';
  }
}

/** iPadOS calls itself a Mac, one with a touch screen. */
function isIos(): boolean {
  return (
    /iPhone|iPad/.test(navigator.userAgent) ||
    (navigator.userAgent.includes('Macintosh') && navigator.maxTouchPoints > 1)
  );
}

export const install = new Install();
