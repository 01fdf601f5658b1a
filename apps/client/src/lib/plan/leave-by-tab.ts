import { Plugin } from 'prosemirror-state';

const MODIFIERS = new Set(['Shift', 'Control', 'Alt', 'Meta']);

/**
 * Lets keyboard users out of the editor, where Tab indents lists and code: after Escape the next Tab or Shift-Tab moves the focus
 * as everywhere on the web (WCAG 2.1.2, no keyboard trap).
 *
 * @param onEscape called for every Escape in the text
 */
export function leaveByTab(onEscape: () => void): Plugin {
  let isLeaving = false;
  return new Plugin({
    props: {
      handleDOMEvents: {
        keydown(_view, event) {
          if (MODIFIERS.has(event.key)) return false;
          // Handled here, and not prevented: ProseMirror stays out, the browser moves the focus.
          const leaves = isLeaving && event.key === 'Tab';
          isLeaving = event.key === 'Escape';
          if (isLeaving) onEscape();
          return leaves;
        },
        blur() {
          isLeaving = false;
          return false;
        },
      },
    },
  });
}
