import { TextSelection } from 'prosemirror-state';
import type { EditorView } from 'prosemirror-view';

/**
 * Takes over where the browser has put the cursor. It moves it at once and tells of it a moment later; what is drawn in between,
 * as somebody else's change is, would put it back to where the editor last heard of it.
 */
export function takeBrowserSelection(view: EditorView): void {
  const { doc, selection, tr } = view.state;
  if (view.composing || !view.hasFocus() || !(selection instanceof TextSelection)) return;
  const range = view.dom.ownerDocument.getSelection();
  const [anchor, head] = [
    locate(view, range?.anchorNode, range?.anchorOffset),
    locate(view, range?.focusNode, range?.focusOffset),
  ];
  if (anchor === null || head === null) return;
  const ends = [doc.resolve(anchor), doc.resolve(head)] as const;
  const current =
    view.someProp('createSelectionBetween', (create) => create(view, ...ends)) ??
    TextSelection.between(...ends);
  if (!current.eq(selection)) view.dispatch(tr.setSelection(current));
}

function locate(view: EditorView, node: Node | null | undefined, offset = 0): number | null {
  return node && view.dom.contains(node) ? view.posAtDOM(node, offset) : null;
}
