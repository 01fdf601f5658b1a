import { Plugin } from 'prosemirror-state';
import { safeHref } from './links.ts';

/**
 * A click on a link in text that is being edited places the cursor; with Ctrl or ⌘ it opens the link in a new tab. In text that is
 * only read, the browser follows links itself.
 */
export function followLinks(): Plugin {
  return new Plugin({
    props: {
      handleDOMEvents: {
        click(view, event) {
          const anchor = event.target instanceof Element ? event.target.closest('a') : null;
          if (!anchor || !view.editable) return false;
          event.preventDefault();
          const href = safeHref(anchor.getAttribute('href'));
          if (href !== null && (event.ctrlKey || event.metaKey))
            window.open(href, '_blank', 'noopener,noreferrer');
          return false;
        },
      },
    },
  });
}
