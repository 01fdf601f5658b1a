import { readSetting, writeSetting, type Settings } from './database.ts';
import { openTabChannel } from './tab-channel.ts';

/** A setting of this device: kept, and the same in all tabs. */
export class DeviceSetting<Name extends keyof Settings> {
  readonly #name: Name;
  readonly #is: (value: unknown) => value is Settings[Name];
  #current: Settings[Name];
  #tell: (message: unknown) => void = () => undefined;
  /** It was changed here or in another tab: what was read before is out of date. */
  #isChanged = false;

  /** @param is tells what is a value of it: the device and the other tabs may have it of another version */
  constructor(name: Name, unset: Settings[Name], is: (value: unknown) => value is Settings[Name]) {
    this.#name = name;
    this.#is = is;
    this.#current = $state.raw<Settings[Name]>(unset);
  }

  get current(): Settings[Name] {
    return this.#current;
  }

  /** @param channel by which its tabs tell each other, and nothing else */
  async load(channel: string): Promise<void> {
    this.#tell = openTabChannel(channel, (message) => this.#take(message));
    const kept = await readSetting(this.#name).catch(() => undefined);
    if (!this.#isChanged && this.#is(kept)) this.#current = kept;
  }

  /**
   * Changes it, here and in the other tabs.
   *
   * @returns false where the browser does not keep it: it is so until the tab is closed
   */
  async change(value: Settings[Name]): Promise<boolean> {
    this.#take(value);
    const isKept = await writeSetting(this.#name, value).then(
      () => true,
      () => false,
    );
    // A tab that is opened meanwhile reads it, or is told.
    this.#tell(value);
    return isKept;
  }

  #take(value: unknown): void {
    if (!this.#is(value)) return;
    this.#isChanged = true;
    this.#current = value;
  }
}
