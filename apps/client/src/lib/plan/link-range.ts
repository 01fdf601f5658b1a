import type { Mark, ResolvedPos } from 'prosemirror-model';
import type { Command, EditorState, Transaction } from 'prosemirror-state';
import { planSchema } from './schema.ts';
import { safeHref } from './links.ts';

/** A link in the document: where it leads (null when that may not be followed) and the range of its text. */
export interface PlacedLink {
  readonly href: string | null;
  readonly from: number;
  readonly to: number;
}

const { link } = planSchema.marks;

/** The link that the cursor is inside of, or that holds the whole selection. */
export function linkAround(state: EditorState): PlacedLink | null {
  const { $from, $to, empty } = state.selection;
  if (!$from.sameParent($to) || !$from.parent.inlineContent) return null;
  const mark = link.isInSet($from.nodeAfter?.marks ?? []);
  if (!mark) return null;
  const { from, to } = rangeOf(mark, $from);
  const isInside = empty ? from < $from.pos : $to.pos <= to;
  return isInside ? { href: safeHref(mark.attrs['href']), from, to } : null;
}

/** Links the selection, or the link that the cursor is in; without either, inserts the address as a link. */
export function setLink(href: string): Command {
  return (state, dispatch) => {
    const { selection, tr } = state;
    const around = linkAround(state);
    if (!canBeLink(state)) return false;
    const mark = link.create({ href });
    if (around) return send(dispatch, remark(tr, around.from, around.to, mark));
    if (!selection.empty) return send(dispatch, remark(tr, selection.from, selection.to, mark));
    const text = planSchema.text(
      href.replace(/^(?:mailto|tel):/i, ''),
      mark.addToSet(selection.$from.marks()),
    );
    return send(dispatch, tr.replaceSelectionWith(text, false));
  };
}

/** Removes the link that the cursor is in, or the links in the selection, and leaves the text. */
export const removeLink: Command = (state, dispatch) => {
  const { from, to } = linkAround(state) ?? state.selection;
  if (!state.doc.rangeHasMark(from, to, link)) return false;
  return send(dispatch, state.tr.removeMark(from, to, link));
};

/** Whether there is text to link in the selection, or a link may stand at the cursor. */
function canBeLink({ selection: { $from, from, to, empty }, doc }: EditorState): boolean {
  let canBe = empty && $from.parent.type.allowsMarkType(link);
  doc.nodesBetween(from, to, ({ isText }, _pos, parent) => {
    canBe ||= isText && !empty && parent?.type.allowsMarkType(link) === true;
  });
  return canBe;
}

function remark(tr: Transaction, from: number, to: number, mark: Mark): Transaction {
  return tr.removeMark(from, to, link).addMark(from, to, mark).removeStoredMark(link);
}

function send(dispatch: ((tr: Transaction) => void) | undefined, tr: Transaction): boolean {
  dispatch?.(tr.scrollIntoView());
  return true;
}

/** The whole run of text around a position that carries the mark; the position is in or at the start of it. */
function rangeOf(mark: Mark, { parent, pos, parentOffset }: ResolvedPos): { from: number; to: number } {
  let from = 0;
  let to = 0;
  for (const child of parent.children) {
    const end = to + child.nodeSize;
    if (mark.isInSet(child.marks)) {
      to = end;
    } else if (end > parentOffset) {
      break;
    } else {
      from = end;
      to = end;
    }
  }
  const start = pos - parentOffset;
  return { from: start + from, to: start + to };
}
