import { createSubscriber } from 'svelte/reactivity';
import type * as Y from 'yjs';
import { pagesOf, readPages, type PageEntry } from '../session/document.ts';

/** The pages of a plan: a reactive view that moves with titles, order and removal, not with what is written in them. */
export class Pages {
  readonly #doc: Y.Doc;
  readonly #subscribe: () => void;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
    const pages = pagesOf(doc);
    this.#subscribe = createSubscriber((update) => {
      const compare = (events: readonly Y.YEvent<Y.AbstractType<unknown>>[]) => {
        // A path of one step is a page itself; what is deeper is its content.
        if (events.some((event) => event.path.length <= 1)) update();
      };
      pages.observeDeep(compare);
      return () => pages.unobserveDeep(compare);
    });
  }

  /** The pages to show, in their order. */
  get visible(): PageEntry[] {
    return this.#all().filter((page) => page.removedAt === null);
  }

  /** The removed ones, the latest first. */
  get removed(): PageEntry[] {
    return this.#all()
      .filter((page) => page.removedAt !== null)
      .sort((a, b) => (b.removedAt ?? 0) - (a.removedAt ?? 0));
  }

  #all(): PageEntry[] {
    this.#subscribe();
    return readPages(this.#doc);
  }
}
