import type { EditorState } from 'prosemirror-state';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { selectText } from './commands.ts';
import { linkAround } from './link-range.ts';

/** Shows what a new address is for: while it is typed elsewhere, the browser does not show the selection. */
export function highlightLinked(state: EditorState): DecorationSet {
  const { from, to } = linkAround(selectText(state)) ?? state.selection;
  return DecorationSet.create(state.doc, [Decoration.inline(from, to, { class: 'linking' })]);
}
