import type { MarkType } from 'prosemirror-model';
import type { EditorState } from 'prosemirror-state';
import { readHeadingLevel } from './attributes.ts';
import { selectText, type PlanCommand } from './commands.ts';
import { linkAround, type PlacedLink } from './link-range.ts';
import { listAround, type ListKind } from './lists.ts';
import { planSchema } from './schema.ts';

/** What a toolbar shows about the selection. */
export interface PlanFormat {
  /** The commands whose effect the selection already has. */
  readonly active: ReadonlySet<PlanCommand>;
  readonly link: PlacedLink | null;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
}

export const NO_FORMAT: PlanFormat = { active: new Set(), link: null, canUndo: false, canRedo: false };

const { nodes, marks } = planSchema;

const LISTS: Record<ListKind, PlanCommand> = {
  bullet_list: 'bulletList',
  ordered_list: 'orderedList',
  task_list: 'taskList',
};

const HEADINGS = { 1: 'heading1', 2: 'heading2', 3: 'heading3' } as const;

export function describeFormat(state: EditorState, canUndo: boolean, canRedo: boolean): PlanFormat {
  const text = selectText(state);
  return { active: new Set(activeCommands(text)), link: linkAround(text), canUndo, canRedo };
}

function* activeCommands(state: EditorState): Generator<PlanCommand> {
  const { $from } = state.selection;
  const { parent } = $from;
  if (parent.type === nodes.paragraph) yield 'paragraph';
  if (parent.type === nodes.heading) yield HEADINGS[readHeadingLevel(parent.attrs['level'])];
  if (parent.type === nodes.code_block) yield 'codeBlock';
  const list = listAround(state.selection);
  if (list) yield LISTS[list.kind];
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    if ($from.node(depth).type === nodes.blockquote) yield 'quote';
  }
  if (hasMark(state, marks.strong)) yield 'bold';
  if (hasMark(state, marks.em)) yield 'italic';
  if (hasMark(state, marks.strike)) yield 'strike';
  if (hasMark(state, marks.code)) yield 'code';
}

function hasMark({ selection, storedMarks, doc }: EditorState, type: MarkType): boolean {
  const { $from, from, to, empty } = selection;
  return empty ? type.isInSet(storedMarks ?? $from.marks()) !== undefined : doc.rangeHasMark(from, to, type);
}
