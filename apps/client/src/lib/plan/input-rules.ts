import { InputRule, inputRules } from 'prosemirror-inputrules';
import type { MarkType, ResolvedPos } from 'prosemirror-model';
import type { Plugin, Transaction } from 'prosemirror-state';
import { readLanguage, readListStart } from './attributes.ts';
import { readAddress } from './links.ts';
import { convertItems, isItem, joinEqualLists } from './lists.ts';
import { planSchema } from './schema.ts';

const { nodes, marks } = planSchema;

/** No rule of Markdown holds inside inline code; code blocks are left alone by default. */
const OUTSIDE_CODE = { inCodeMark: false };

/** Makes Markdown typed into the editor what it stands for. Backspace right after brings the typed characters back. */
export function markdownShortcuts(): Plugin {
  return inputRules({ rules: [...BLOCK_RULES, ...MARK_RULES] });
}

const BLOCK_RULES: readonly InputRule[] = [
  blockRule(/^(#{1,3})\s$/, (tr, $start, match) =>
    tr.setBlockType($start.pos, $start.pos, nodes.heading, { level: match[1]?.length ?? 1 }),
  ),
  blockRule(/^[-*+]\s$/, (tr, $start) => (startsItem($start) ? null : wrapInList(tr, $start, 'bullet_list'))),
  blockRule(/^(\d{1,9})[.)]\s$/, (tr, $start, match) => {
    if (startsItem($start)) return null;
    return wrapInOrderedList(tr, $start, readListStart(Number(match[1])));
  }),
  blockRule(/^\[([ xX]?)\]\s$/, (tr, $start, match) => makeTask(tr, $start, match[1]?.toLowerCase() === 'x')),
  blockRule(/^>\s$/, (tr, $start) => {
    const before = $start.before();
    const range = $start.blockRange();
    if (!range) return null;
    tr.wrap(range, [{ type: nodes.blockquote }]);
    return tr.doc.resolve(before).nodeBefore?.type === nodes.blockquote ? tr.join(before) : tr;
  }),
  blockRule(/^```(\S{0,30})\s$/, (tr, $start, match) =>
    tr.setBlockType($start.pos, $start.pos, nodes.code_block, { language: readLanguage(match[1]) }),
  ),
  // Phones turn the first two dashes into a long one.
  blockRule(/^(?:---|—-)$/, (tr, $start) =>
    startsItem($start) ? null : tr.insert($start.before(), nodes.horizontal_rule.create()),
  ),
];

const MARK_RULES: readonly InputRule[] = [
  markRule(/(^|[^*])\*\*([^*\s](?:[^*]*[^*\s])?)\*\*$/, marks.strong),
  markRule(/(^|[^_\p{L}\p{N}])__([^_\s](?:[^_]*[^_\s])?)__$/u, marks.strong),
  markRule(/(^|[^*\p{L}\p{N}])\*([^*\s](?:[^*]*[^*\s])?)\*$/u, marks.em),
  markRule(/(^|[^_\p{L}\p{N}])_([^_\s](?:[^_]*[^_\s])?)_$/u, marks.em),
  markRule(/(^|[^~])~~([^~\s](?:[^~]*[^~\s])?)~~$/, marks.strike),
  markRule(/(^|[^`])`([^`\ufffc]+)`$/, marks.code),
  new InputRule(
    /(^|[^!\\\]])\[([^[\]\ufffc]+)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)$/,
    ({ tr }, match, start, end) => {
      const [, prefix = '', text = '', target = ''] = match;
      const address = readAddress(target);
      if ('problem' in address) return null;
      const textStart = start + prefix.length + 1;
      return tr
        .delete(textStart + text.length, end)
        .delete(textStart - 1, textStart)
        .addMark(textStart - 1, textStart - 1 + text.length, marks.link.create({ href: address.href }))
        .removeStoredMark(marks.link);
    },
    OUTSIDE_CODE,
  ),
];

/** A rule for a whole paragraph that so far holds only the typed characters before the cursor; `change` finds them deleted. */
function blockRule(
  pattern: RegExp,
  change: (tr: Transaction, $start: ResolvedPos, match: RegExpMatchArray) => Transaction | null,
): InputRule {
  return new InputRule(
    pattern,
    ({ doc, tr }, match, start, end) => {
      if (doc.resolve(start).parent.type !== nodes.paragraph) return null;
      tr.delete(start, end);
      return change(tr, tr.doc.resolve(start), match);
    },
    OUTSIDE_CODE,
  );
}

/** A rule whose pattern has two groups: what stands before the opening delimiter, and the text between the delimiters. */
function markRule(pattern: RegExp, type: MarkType): InputRule {
  return new InputRule(
    pattern,
    ({ doc, tr }, match, start, end) => {
      const [whole, prefix = '', text = ''] = match;
      if (!doc.resolve(start).parent.type.allowsMarkType(type)) return null;
      const delimiter = (whole.length - prefix.length - text.length) / 2;
      const opening = start + prefix.length;
      const textEnd = opening + delimiter + text.length;
      return tr
        .delete(textEnd, end)
        .delete(opening, opening + delimiter)
        .addMark(opening, opening + text.length, type.create())
        .removeStoredMark(type);
    },
    OUTSIDE_CODE,
  );
}

function startsItem($pos: ResolvedPos): boolean {
  return $pos.depth > 1 && isItem($pos.node(-1).type) && $pos.index(-1) === 0;
}

function makeTask(tr: Transaction, $start: ResolvedPos, checked: boolean): Transaction | null {
  if (!startsItem($start)) return wrapInList(tr, $start, 'task_list', { checked });
  if ($start.node(-1).type === nodes.task_item)
    return tr.setNodeAttribute($start.before(-1), 'checked', checked);
  const index = $start.index(-2);
  return convertItems(tr, $start.before(-2), index, index + 1, 'task_list', checked);
}

function wrapInList(
  tr: Transaction,
  $start: ResolvedPos,
  kind: 'bullet_list' | 'task_list',
  itemAttrs: { checked: boolean } | null = null,
): Transaction | null {
  const range = $start.blockRange();
  if (!range) return null;
  const item = kind === 'task_list' ? nodes.task_item : nodes.list_item;
  tr.wrap(range, [{ type: nodes[kind] }, { type: item, attrs: itemAttrs }]);
  return joinEqualLists(tr, range.start);
}

/** A numbered list joins the one above it only where it carries on counting. */
function wrapInOrderedList(tr: Transaction, $start: ResolvedPos, order: number): Transaction | null {
  const range = $start.blockRange();
  if (!range) return null;
  tr.wrap(range, [{ type: nodes.ordered_list, attrs: { order } }, { type: nodes.list_item }]);
  const above = tr.doc.resolve(range.start).nodeBefore;
  const carriesOn =
    above?.type === nodes.ordered_list && readListStart(above.attrs['order']) + above.childCount === order;
  return carriesOn ? tr.join(range.start) : tr;
}
