import type { Surroundings } from '../surroundings.ts';
import { coversClock, type TabClock } from './clock.ts';
import type { TabBody } from './messages.ts';

/** What the leader tells is told again so long after its document has grown, in milliseconds: the connections' own news come first. */
const TELL_AFTER = 10;

type Told = Extract<TabBody, { type: 'told' }>;

export interface TabToldOptions {
  /** What it is that this tab tells and understands. */
  readonly tells: string;
  readonly surroundings: Surroundings;
  isLeading(): boolean;
  /** What this tab's document holds. */
  known(): TabClock;
  post(body: Told): void;
  onTold(told: unknown): void;
}

/** What the leader tells of its connections: what this tab tells while it leads, and believes while it follows ([TB9]). */
export class TabTold {
  readonly #options: TabToldOptions;
  /** What the leader has told last, and what its document held then. */
  #heard: { readonly told: unknown; readonly clock: TabClock } | null = null;
  /** What was handed on last. */
  #believed: unknown = null;
  /** What this tab tells while it leads. */
  #own: { readonly told: unknown } | null = null;
  #cancelTell: (() => void) | null = null;

  constructor(options: TabToldOptions) {
    this.#options = options;
  }

  tell(told: unknown): void {
    this.#own = { told };
    this.tellAgain();
  }

  /** Somebody has not heard it, or the document has grown. */
  tellAgain(): void {
    const { isLeading, post, tells } = this.#options;
    if (this.#own && isLeading()) post({ type: 'told', tells, told: this.#own.told });
  }

  tellSoon(): void {
    const { isLeading, surroundings } = this.#options;
    if (!isLeading() || !this.#own) return;
    this.#cancelTell ??= surroundings.after(TELL_AFTER, () => {
      this.#cancelTell = null;
      this.tellAgain();
    });
  }

  /** The leader tells. What another version means by it is not known here. */
  hear({ tells, told }: Told, clock: TabClock): void {
    this.#heard = tells === this.#options.tells ? { told, clock } : null;
  }

  /** Another one leads. */
  forget(): void {
    this.#heard = null;
  }

  /** What the leader tells is true here once its document holds all that this one does. */
  believe(): void {
    const { isLeading, known, onTold } = this.#options;
    if (isLeading()) return;
    const isTrue = this.#heard !== null && coversClock(this.#heard.clock, known());
    const believed = isTrue ? this.#heard?.told : null;
    if (believed === this.#believed) return;
    this.#believed = believed;
    onTold(believed);
  }

  /** This tab leads from now on, and believes nobody. */
  lead(): void {
    this.#heard = null;
    if (this.#believed === null) return;
    this.#believed = null;
    this.#options.onTold(null);
  }

  /** This tab leads no longer, and has heard nothing yet. */
  follow(): void {
    this.#own = null;
    this.#options.onTold(null);
  }

  stop(): void {
    this.#cancelTell?.();
  }
}
