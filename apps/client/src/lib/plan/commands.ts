import { toggleMark } from 'prosemirror-commands';
import { AllSelection, EditorState, TextSelection, type Command } from 'prosemirror-state';
import { redoCommand, undoCommand } from 'y-prosemirror';
import { setParagraph, toggleCodeBlock, toggleHeading, toggleQuote } from './blocks.ts';
import { removeLink } from './link-range.ts';
import { toggleList } from './list-commands.ts';
import { planSchema } from './schema.ts';

const { marks } = planSchema;

/** Everything that formats a page, by the name under which shortcuts and toolbar know it. */
export const planCommands = {
  undo: undoCommand,
  redo: redoCommand,
  bold: toggleMark(marks.strong),
  italic: toggleMark(marks.em),
  strike: toggleMark(marks.strike),
  code: toggleMark(marks.code),
  paragraph: onText(setParagraph),
  heading1: onText(toggleHeading(1)),
  heading2: onText(toggleHeading(2)),
  heading3: onText(toggleHeading(3)),
  bulletList: onText(toggleList('bullet_list')),
  orderedList: onText(toggleList('ordered_list')),
  taskList: onText(toggleList('task_list')),
  quote: onText(toggleQuote),
  codeBlock: onText(toggleCodeBlock),
  removeLink,
} satisfies Record<string, Command>;

export type PlanCommand = keyof typeof planCommands;

/** Lets a command that asks what the selection stands in see "select all" as the text from the first to the last line. */
export function onText(command: Command): Command {
  return (state, dispatch, view) => command(selectText(state), dispatch, view);
}

/** The state as it is for commands and toolbar, where selecting everything selects its text. */
export function selectText(state: EditorState): EditorState {
  const { doc, selection } = state;
  if (!(selection instanceof AllSelection)) return state;
  const text = TextSelection.between(doc.resolve(0), doc.resolve(doc.content.size));
  return EditorState.create({ doc, selection: text });
}
