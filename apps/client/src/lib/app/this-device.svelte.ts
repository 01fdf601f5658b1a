import { isAccessKey } from '@parley/signaling/access-key';
import { DeviceSetting } from './device-setting.svelte.ts';

/** How this device connects, in all its sessions: kept, and the same in all tabs. */
class ThisDevice {
  readonly #relayOnly = new DeviceSetting('relayOnly', false, (value) => typeof value === 'boolean');
  readonly #accessKey = new DeviceSetting(
    'accessKey',
    null,
    (value): value is string | null => value === null || (typeof value === 'string' && isAccessKey(value)),
  );
  #loading: Promise<unknown> | undefined;

  /** Others are reached through the relay only: they do not see this device's address. */
  get relayOnly(): boolean {
    return this.#relayOnly.current;
  }

  /** The access key of the relay, which is private; null while it has none. */
  get accessKey(): string | null {
    return this.#accessKey.current;
  }

  /** Reads it. To be awaited before the first connection is made. */
  async load(): Promise<void> {
    this.#loading ??= Promise.all([
      this.#relayOnly.load('parley/device'),
      this.#accessKey.load('parley/access-key'),
    ]);
    await this.#loading;
  }

  /** @returns false where the browser does not keep it: it is so until the tab is closed */
  reachThroughRelayOnly(relayOnly: boolean): Promise<boolean> {
    return this.#relayOnly.change(relayOnly);
  }

  /**
   * @param key null to forget the one that it has
   * @returns false where the browser does not keep it: it is so until the tab is closed
   */
  useAccessKey(key: string | null): Promise<boolean> {
    return this.#accessKey.change(key);
  }
}

export const thisDevice = new ThisDevice();
