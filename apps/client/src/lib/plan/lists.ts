import { Fragment, type Node, type NodeType } from 'prosemirror-model';
import { TextSelection, type Selection, type Transaction } from 'prosemirror-state';
import { planSchema } from './schema.ts';

export type ListKind = 'bullet_list' | 'ordered_list' | 'task_list';

/** A list in the document: the node, and the position before it. */
interface PlacedList {
  readonly kind: ListKind;
  readonly node: Node;
  readonly pos: number;
}

const { list_item, task_item, heading, paragraph } = planSchema.nodes;

/** The nodes that a list consists of. */
export const ITEMS = [list_item, task_item];

export function isItem(type: NodeType): boolean {
  return ITEMS.includes(type);
}

/** What kind of list a node is, or null when it is something else. */
export function listKind({ name }: NodeType): ListKind | null {
  return name === 'bullet_list' || name === 'ordered_list' || name === 'task_list' ? name : null;
}

/** The innermost list that holds the whole selection. */
export function listAround({ $from, $to }: Selection): PlacedList | null {
  for (let depth = $from.sharedDepth($to.pos); depth > 0; depth -= 1) {
    const node = $from.node(depth);
    const kind = listKind(node.type);
    if (kind !== null) return { kind, node, pos: $from.before(depth) };
  }
  return null;
}

/** One list of all these blocks: the items of lists among them, and an item for each other block. */
export function gatherList(blocks: readonly Node[], kind: ListKind): Node {
  const items = blocks.flatMap((block) => {
    if (listKind(block.type) !== null) return block.children.map((item) => toItem(item.content, kind));
    return [
      toItem(Fragment.from(block.type === heading ? paragraph.create(null, block.content) : block), kind),
    ];
  });
  return planSchema.nodes[kind].create(null, items);
}

/** What stands in a list, without the list. */
export function spreadList(list: Node): Node[] {
  return list.children.flatMap((item) => [...item.children]);
}

/**
 * Gives the items `from` … `to` − 1 of the list at `pos` another kind. The items around them stay in lists of the old kind, equal
 * lists that then meet are joined, and a selection inside the converted items stays where it was.
 */
export function convertItems(
  tr: Transaction,
  pos: number,
  from: number,
  to: number,
  kind: ListKind,
  checked = false,
): Transaction {
  const list = tr.doc.nodeAt(pos);
  if (!list) return tr;
  const items = list.children;
  const before = items.slice(0, from);
  const converted = items.slice(from, to).map((item) => toItem(item.content, kind, checked));
  const after = items.slice(to);
  const first = list.copy(Fragment.from(before));
  const lists = [
    ...(before.length > 0 ? [first] : []),
    planSchema.nodes[kind].create(null, converted),
    ...(after.length > 0 ? [list.copy(Fragment.from(after))] : []),
  ];
  const { anchor, head } = tr.selection;
  tr.replaceWith(pos, pos + list.nodeSize, lists);
  // The new border between two lists, the end of one and the start of the next, takes two positions.
  const shift = before.length > 0 ? 2 : 0;
  tr.setSelection(TextSelection.create(tr.doc, anchor + shift, head + shift));
  return joinEqualLists(tr, before.length > 0 ? pos + first.nodeSize : pos);
}

/** Joins the list at `pos` with lists of the same kind directly before and after it. */
export function joinEqualLists(tr: Transaction, pos: number): Transaction {
  const list = tr.doc.nodeAt(pos);
  if (!list) return tr;
  for (const border of [pos + list.nodeSize, pos]) {
    const { nodeBefore, nodeAfter } = tr.doc.resolve(border);
    if (nodeBefore?.type === list.type && nodeAfter?.type === list.type) tr.join(border);
  }
  return tr;
}

function toItem(content: Fragment, kind: ListKind, checked = false): Node {
  return kind === 'task_list' ? task_item.create({ checked }, content) : list_item.create(null, content);
}
