import type * as Y from 'yjs';
import { addPage, pageContent, removePage, restorePage, type PageEntry } from '../session/document.ts';
import { secureRandom } from '../session/keys.ts';
import { toasts, type Toast } from '../ui/toasts.svelte.ts';
import { Pages } from './pages.svelte.ts';

/** What of an open session is needed to look at its pages. */
interface PagedSession {
  readonly id: string;
  /** The document that is written. */
  readonly doc: Y.Doc;
  /** The document that is shown: the same, or a mirror of it. */
  readonly shown: Y.Doc;
  readonly editable: boolean;
}

/** What a page is called in lists and messages. */
export function pageName(page: PageEntry): string {
  return page.title || 'Untitled page';
}

/** Which page of a plan one looks at, remembered for as long as the tab lives, and what one does to the list of pages. */
export class PageChoice {
  readonly #session: PagedSession;
  readonly #pages = $derived.by(() => new Pages(this.#session.shown));
  #chosen = $state<string | null>(null);
  /** The page that was last removed in this tab. */
  #removedHere: string | null = null;
  /** What was said of the removal of a page. */
  readonly #told = new Map<string, Toast>();

  constructor(session: PagedSession) {
    this.#session = session;
    this.#chosen = recall(session.id);
  }

  get visible(): PageEntry[] {
    return this.#pages.visible;
  }

  get removed(): PageEntry[] {
    return this.#pages.removed;
  }

  /** The chosen page, else the first; undefined when there is none. */
  readonly current = $derived.by(() => this.visible.find(({ id }) => id === this.#chosen) ?? this.visible[0]);

  readonly #currentId = $derived(this.current?.id);

  /** The text of the current page. It stays the same object while only titles and order change. */
  readonly content = $derived.by(() =>
    this.#currentId === undefined ? null : pageContent(this.#session.shown, this.#currentId),
  );

  /** The name of a page that can be gone to, or null. */
  nameOf(id: string): string | null {
    const page = this.visible.find((entry) => entry.id === id);
    return page ? pageName(page) : null;
  }

  choose(id: string): void {
    this.#chosen = id;
    remember(this.#session.id, id);
  }

  add(): void {
    this.choose(addPage(this.#session.doc, '', secureRandom));
  }

  remove(page: PageEntry): void {
    this.#removedHere = page.id;
    removePage(this.#session.doc, page.id, Date.now());
    this.#tell(page, {
      message: `Removed: ${pageName(page)}`,
      action: { label: 'Undo', run: () => this.restore(page.id) },
    });
  }

  restore(id: string): void {
    this.#removedHere = null;
    toasts.close(this.#told.get(id) ?? null);
    restorePage(this.#session.doc, id);
    this.choose(id);
  }

  #tell(page: PageEntry, toast: Omit<Toast, 'key'>): void {
    this.#told.set(page.id, toasts.show(toast));
  }

  /**
   * Says so when somebody else removes the page that one looks at: it must not go from under one's hands without a word. Call
   * it in an effect.
   *
   * @param shown the page that was looked at when this was last called
   * @returns whether it has just been taken away
   */
  tellIfTaken(shown: string | undefined): boolean {
    const gone = this.removed.find((page) => page.id === shown);
    if (!gone || gone.id === this.#removedHere) return false;
    this.#tell(gone, {
      message: `Somebody has removed the page you were on: ${pageName(gone)}`,
      ...(this.#session.editable && {
        action: { label: 'Restore', run: () => this.restore(gone.id) },
      }),
    });
    return true;
  }
}

const key = (session: string) => `parley/page/${session}`;

function remember(session: string, page: string): void {
  try {
    sessionStorage.setItem(key(session), page);
  } catch {
    // Then a reload shows the first page.
  }
}

function recall(session: string): string | null {
  try {
    return sessionStorage.getItem(key(session));
  } catch {
    return null;
  }
}
