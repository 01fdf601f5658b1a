import type * as Y from 'yjs';
import { SessionError } from '../session/errors.ts';
import { DeviceStore, type DeviceState } from '../sync/device.ts';

/** How long until opening the device's storage is tried again, in milliseconds. */
const TRY_AGAIN_AFTER = 5_000;

/** What this device keeps of an open session's document. Where its storage cannot be opened, that is tried until it can. */
export class DeviceCopy {
  #state = $state<DeviceState>('saved');
  #unreadable = $state(0);
  readonly #id: string;
  readonly #doc: Y.Doc;
  readonly #isEditor: boolean;
  readonly #onState: () => void;
  readonly #onBroken: () => void;
  #store: DeviceStore | undefined;
  #isBroken = false;
  #isClosed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param isEditor whether changes of this tab are kept, and not only what has arrived
   * @param onState told when {@link state} may be another one
   * @param onBroken told when what another tab has put onto the device could not be applied to its end
   */
  constructor(id: string, doc: Y.Doc, isEditor: boolean, onState: () => void, onBroken: () => void) {
    this.#id = id;
    this.#doc = doc;
    this.#isEditor = isEditor;
    this.#onState = onState;
    this.#onBroken = onBroken;
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** Why changes are not kept; null where they are, or are about to be. */
  get trouble(): Exclude<DeviceState, 'saving' | 'saved'> | null {
    return this.#state === 'saving' || this.#state === 'saved' ? null : this.#state;
  }

  /** A part of it could not be read. */
  get isDamaged(): boolean {
    return this.#unreadable > 0;
  }

  /** The document in this tab is half changed, and not kept any more. On the device it is whole. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Reads it into the document, and keeps what becomes of that from then on. Resolves, too, where that is still to be tried again. */
  async open(): Promise<void> {
    // A storage that comes this late would be given the broken document.
    if (this.#isBroken) return;
    try {
      const store = await DeviceStore.open(
        this.#id,
        this.#doc,
        (state) => this.#note(state),
        this.#isEditor,
        () => {
          this.#isBroken = true;
          this.#onBroken();
        },
      );
      if (this.#isClosed) {
        store.close();
        return;
      }
      this.#store = store;
      this.#unreadable = store.unreadable;
      this.#note(store.state);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.#note(error.code === 'device/full' ? error.code : 'device/unavailable');
      if (!this.#isClosed) this.#retry = setTimeout(() => void this.open(), TRY_AGAIN_AFTER);
    }
  }

  /** Reads what other tabs have committed. */
  async readAgain(): Promise<void> {
    await this.#store?.readAgain();
  }

  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  async committed(): Promise<boolean> {
    const store = this.#store;
    do await store?.settled();
    while (store?.state === 'saving');
    return store?.state === 'saved';
  }

  /** The document has just been broken by what arrived: what it has become is not kept ([SY16]). */
  discard(): void {
    this.#isBroken = true;
    this.#store?.discard();
  }

  /** Ends it. What is on its way still gets there. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#store?.close();
  }

  #note(state: DeviceState): void {
    this.#state = state;
    this.#onState();
  }
}
