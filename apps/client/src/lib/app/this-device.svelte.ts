import { readSetting, writeSetting } from './database.ts';
import { openTabChannel } from './tab-channel.ts';

/** How this device connects, in all its sessions: kept, and the same in all tabs. */
class ThisDevice {
  #relayOnly = $state(false);
  #loading: Promise<void> | undefined;
  #tell: (message: unknown) => void = () => undefined;
  /** It was changed here or in another tab: what was read before is out of date. */
  #isChanged = false;

  /** Others are reached through the relay only: they do not see this device's address. */
  get relayOnly(): boolean {
    return this.#relayOnly;
  }

  /** Reads it. To be awaited before the first connection is made. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * Changes it, here and in the other tabs.
   *
   * @returns false where the browser does not keep it: it is so until the tab is closed
   */
  async reachThroughRelayOnly(relayOnly: boolean): Promise<boolean> {
    this.#take(relayOnly);
    const isKept = await writeSetting('relayOnly', relayOnly).then(
      () => true,
      () => false,
    );
    // A tab that is opened meanwhile reads it, or is told.
    this.#tell(relayOnly);
    return isKept;
  }

  async #load(): Promise<void> {
    this.#tell = openTabChannel('parley/device', (message) => this.#take(message === true));
    const kept = await readSetting('relayOnly').catch(() => undefined);
    if (!this.#isChanged) this.#relayOnly = kept === true;
  }

  #take(relayOnly: boolean): void {
    this.#isChanged = true;
    this.#relayOnly = relayOnly;
  }
}

export const thisDevice = new ThisDevice();
