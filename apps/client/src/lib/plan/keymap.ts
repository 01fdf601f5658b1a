import { baseKeymap, chainCommands, exitCode } from 'prosemirror-commands';
import { undoInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import type { Command, Plugin } from 'prosemirror-state';
import {
  indentCode,
  insertBreak,
  leaveCodeByArrow,
  leaveCodeByEnter,
  openFence,
  outdentCode,
  resetBlock,
} from './blocks.ts';
import { planCommands } from './commands.ts';
import { liftItem, liftItemAtStart, sinkItem, splitItem, toggleTask } from './list-commands.ts';
import { listAround } from './lists.ts';
import { SHORTCUTS } from './shortcuts.ts';

const isInList: Command = (state) => listAround(state.selection) !== null;

const goBack = chainCommands(undoInputRule, resetBlock, liftItemAtStart);

const KEYS: Record<string, Command> = {
  Backspace: goBack,
  'Shift-Backspace': goBack,
  Enter: chainCommands(openFence, leaveCodeByEnter, splitItem, (state, dispatch) => {
    const { $from, empty } = state.selection;
    return empty && $from.parent.content.size === 0 && liftItemAtStart(state, dispatch);
  }),
  'Shift-Enter': insertBreak,
  'Mod-Enter': chainCommands(exitCode, toggleTask),
  ArrowDown: leaveCodeByArrow,
  // In a list or code block Tab never leaves, even where there is nothing to indent: a sudden jump of the focus would swallow what
  // is typed next. Escape and then Tab leaves (leave-by-tab.ts); everywhere else Tab is the browser's.
  Tab: chainCommands(indentCode, sinkItem, isInList),
  'Shift-Tab': chainCommands(outdentCode, liftItem),
  'Mod-y': planCommands.redo,
};

/** The editor's keyboard, before ProseMirror's own for plain editing. */
export function planKeymap(): Plugin[] {
  const formatting = Object.entries(SHORTCUTS).map(([name, keys]) => [
    keys,
    planCommands[name as keyof typeof SHORTCUTS],
  ]);
  return [keymap({ ...Object.fromEntries(formatting), ...KEYS }), keymap(baseKeymap)];
}
