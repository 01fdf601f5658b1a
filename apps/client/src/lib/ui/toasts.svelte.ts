export interface Toast {
  readonly key: number;
  readonly message: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** What dismissing it means, where that is more than making it go away. */
  readonly dismiss?: string;
  /** It is gone, whether or not its action was taken. */
  readonly onclose?: () => void;
}

/** How long a toast stays when nobody points at it, in milliseconds. Long enough to read it and reach its button. */
export const TOAST_STAYS = 10_000;

/** Short words on what has just happened, at the foot of the page, with at most one thing to do about it. */
class Toasts {
  #all = $state.raw<readonly Toast[]>([]);
  #next = 0;

  get all(): readonly Toast[] {
    return this.#all;
  }

  /** @returns the toast, to be closed when what it says is no longer so */
  show(toast: Omit<Toast, 'key'>): Toast {
    const shown = { ...toast, key: this.#next++ };
    this.#all = [...this.#all, shown];
    return shown;
  }

  /** Closes it, if it is there. */
  close(toast: Toast | null): void {
    if (!toast || !this.#all.includes(toast)) return;
    this.#all = this.#all.filter((other) => other !== toast);
    toast.onclose?.();
  }
}

export const toasts = new Toasts();
