import type { NodeRange } from 'prosemirror-model';
import { liftListItem, sinkListItem, splitListItem, wrapRangeInList } from 'prosemirror-schema-list';
import { EditorState, TextSelection, type Command, type Transaction } from 'prosemirror-state';
import { readChecked } from './attributes.ts';
import {
  convertItems,
  gatherList,
  isItem,
  ITEMS,
  joinEqualLists,
  listAround,
  listKind,
  spreadList,
  type ListKind,
} from './lists.ts';
import { planSchema } from './schema.ts';

const { task_item, heading } = planSchema.nodes;

/** Makes the selected blocks a list, a list another kind of list, or a list of this kind ordinary blocks again. */
export function toggleList(kind: ListKind): Command {
  return (state, dispatch) => {
    const { selection, tr } = state;
    const list = listAround(selection);
    if (list?.kind === kind) return liftItem(state, dispatch);
    if (list) {
      dispatch?.(convertItems(tr, list.pos, 0, list.node.childCount, kind).scrollIntoView());
      return true;
    }
    const range = selection.$from.blockRange(selection.$to);
    if (!range) return false;
    const changed = wrapBlocks(tr, range, kind) ?? regroup(tr, range, kind);
    dispatch?.(changed.scrollIntoView());
    return true;
  };
}

/** Wraps blocks that are not lists, which keeps the selection; null when there are lists or headings among them. */
function wrapBlocks(tr: Transaction, range: NodeRange, kind: ListKind): Transaction | null {
  const blocks = selectedBlocks(range);
  if (blocks.some(({ type }) => listKind(type) !== null || type === heading)) return null;
  if (!wrapRangeInList(tr, range, planSchema.nodes[kind])) return null;
  return joinEqualLists(tr, range.start);
}

/** Makes one list of everything selected, or takes it apart when it was all in such lists already. */
function regroup(tr: Transaction, range: NodeRange, kind: ListKind): Transaction {
  const blocks = selectedBlocks(range);
  const isGathered = blocks.every(({ type }) => listKind(type) === kind);
  const nodes = isGathered ? blocks.flatMap(spreadList) : [gatherList(blocks, kind)];
  tr.replaceWith(range.start, range.end, nodes);
  const end = range.start + nodes.reduce((size, node) => size + node.nodeSize, 0);
  tr.setSelection(TextSelection.between(tr.doc.resolve(range.start), tr.doc.resolve(end)));
  return isGathered ? tr : joinEqualLists(tr, range.start);
}

function selectedBlocks({ parent, startIndex, endIndex }: NodeRange) {
  return parent.children.slice(startIndex, endIndex);
}

/** Enter in an item: starts the next one, unchecked. Does nothing in an empty item. */
export const splitItem: Command = (state, dispatch) => {
  const { $from } = state.selection;
  const task = $from.depth > 1 && $from.node(-1).type === task_item && $from.parent.content.size > 0;
  const above = task && $from.parentOffset === 0 && $from.index(-1) === 0;
  const uncheck = (tr: Transaction): Transaction => {
    if (!task) return tr;
    return tr.setNodeAttribute(above ? $from.before(-1) : tr.selection.$from.before(-1), 'checked', false);
  };
  return splitListItem(ITEMS, { checked: false })(state, dispatch && ((tr) => dispatch(uncheck(tr))));
};

/** Moves the selected items one level up, out of the list when they are at the top. */
export const liftItem: Command = (state, dispatch) => {
  const { $from, $to } = state.selection;
  const range = $from.blockRange($to, (node) => node.firstChild !== null && isItem(node.firstChild.type));
  if (!range) return false;
  const outerKind = range.depth >= 2 ? listKind($from.node(range.depth - 2).type) : null;
  if (outerKind === null || outerKind === listKind(range.parent.type))
    return liftListItem(ITEMS)(state, dispatch);
  // An item can only go up into a list that takes it, so it first becomes an item of that list's kind.
  const tr = convertItems(
    state.tr,
    $from.before(range.depth),
    range.startIndex,
    range.parent.childCount,
    outerKind,
  );
  const converted = EditorState.create({ doc: tr.doc, selection: tr.selection });
  return liftListItem(ITEMS)(
    converted,
    dispatch &&
      ((lift) => {
        for (const step of lift.steps) tr.step(step);
        dispatch(tr.scrollIntoView());
      }),
  );
};

/** Moves the selected items one level down, under the item above them. */
export const sinkItem: Command = sinkListItem(ITEMS);

/** Backspace at the start of an item. */
export const liftItemAtStart: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parentOffset > 0 || $from.depth < 2) return false;
  if (!isItem($from.node(-1).type) || $from.index(-1) > 0) return false;
  return liftItem(state, dispatch);
};

/** Checks or unchecks the task that the selection starts in. */
export const toggleTask: Command = (state, dispatch) => {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    const node = $from.node(depth);
    if (node.type !== task_item) continue;
    dispatch?.(
      state.tr.setNodeAttribute($from.before(depth), 'checked', !readChecked(node.attrs['checked'])),
    );
    return true;
  }
  return false;
};
