import { requestLock, type Locks } from './lock.ts';
import type { OpenTab } from './messages.ts';

export interface RosterOptions {
  readonly self: OpenTab;
  /** Null where every tab is alone. */
  readonly locks: Locks | null;
  /** The name of a tab's lock, which it holds for as long as it lives. */
  lockOf(tab: string): string;
  isLeading(): boolean;
  /** A tab has ended: said so, was found so, or others said so. */
  onGone(client: number): void;
  /** This tab found that a tab has ended without a word, or knows it while somebody else does not. */
  onFoundGone(tab: string, client: number): void;
  /** {@link Roster.alike} has changed. */
  onTabs(): void;
}

/** The other tabs that have the session open, with either key. The leader finds out which of them have ended ([TB5]). */
export class Roster {
  readonly #options: RosterOptions;
  readonly #others = new Map<string, OpenTab>();
  /** Tabs that have ended, with their clients: others may still tell of them. */
  readonly #gone = new Map<string, number>();
  /** Waiting for a tab's lock: who gets it knows that the tab has ended. */
  readonly #watched = new Map<string, () => void>();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  get all(): readonly OpenTab[] {
    return [...this.#others.values()];
  }

  /** The tabs with the same key, this one first. */
  get alike(): readonly OpenTab[] {
    const { self } = this.#options;
    return [self, ...this.all.filter(({ kind }) => kind === self.kind)];
  }

  /** Awareness clients of tabs that have ended. */
  get goneClients(): readonly number[] {
    return [...this.#gone.values()];
  }

  /** A tab has said something: it is there, also if it was away. */
  meet(tab: OpenTab): void {
    this.#gone.delete(tab.tab);
    this.#add(tab);
  }

  /** Somebody else tells of a tab. */
  hearOf(other: OpenTab): void {
    const { isLeading, onFoundGone } = this.#options;
    if (!this.#gone.has(other.tab)) this.#add(other);
    // Whoever tells of it could not hear that it has ended.
    else if (isLeading()) onFoundGone(other.tab, other.client);
  }

  /** A tab has ended. */
  forget(tab: string, client: number): void {
    const { self, onGone, onTabs } = this.#options;
    if (tab === self.tab) return;
    this.#gone.set(tab, client);
    this.#watched.get(tab)?.();
    this.#watched.delete(tab);
    onGone(client);
    if (this.#others.delete(tab)) onTabs();
  }

  /** This tab leads from now on. */
  watchAll(): void {
    for (const other of this.#others.values()) this.#watch(other);
  }

  /** This tab leads no longer. */
  unwatch(): void {
    for (const release of this.#watched.values()) release();
    this.#watched.clear();
  }

  #add(other: OpenTab): void {
    const { self, isLeading, onTabs } = this.#options;
    if (other.tab === self.tab || this.#others.has(other.tab)) return;
    this.#others.set(other.tab, other);
    if (isLeading()) this.#watch(other);
    onTabs();
  }

  #watch({ tab, client }: OpenTab): void {
    const { locks, lockOf, onFoundGone } = this.#options;
    if (!locks || this.#watched.has(tab)) return;
    const release = requestLock(locks, lockOf(tab), false, {
      granted: () => {
        this.forget(tab, client);
        onFoundGone(tab, client);
      },
      lost: () => undefined,
      refused: () => undefined,
    });
    this.#watched.set(tab, release);
  }
}
