import { dropCursor } from 'prosemirror-dropcursor';
import { gapCursor } from 'prosemirror-gapcursor';
import { EditorState, type Plugin } from 'prosemirror-state';
import { yUndoPlugin } from 'y-prosemirror';
import type { Awareness } from 'y-protocols/awareness';
import type { UndoManager, XmlFragment } from 'yjs';
import { bindContent } from './binding.ts';
import { followLinks } from './follow-links.ts';
import { markdownShortcuts } from './input-rules.ts';
import { planKeymap } from './keymap.ts';
import { leaveByTab } from './leave-by-tab.ts';
import { nativeUndo } from './native-undo.ts';
import { planPaste } from './paste.ts';
import { placeholder } from './placeholder.ts';
import { remoteCursors } from './remote-cursors.ts';
import { createUndo } from './undo.ts';

/** An editor's state before there is a view of it, with what the view's owner has to know of its plugins. */
interface PlanState {
  readonly state: EditorState;
  /** Destroyed with the view. */
  readonly undo: UndoManager;
  /** Marks the transactions that a Markdown shortcut made. */
  readonly shortcuts: Plugin;
}

interface PlanStateOptions {
  readonly content: XmlFragment;
  readonly awareness: Awareness | null;
  readonly canWrite: () => boolean;
  /** Shown while the page is empty. */
  readonly invitation: string;
  readonly onEscape: () => void;
}

/** Everything that the editor of a page does, without a DOM. */
export function createPlanState({
  content,
  awareness,
  canWrite,
  invitation,
  onEscape,
}: PlanStateOptions): PlanState {
  const bound = bindContent(content, canWrite);
  const undo = createUndo(content);
  const shortcuts = markdownShortcuts();
  const plugins = [
    bound.plugin,
    yUndoPlugin({ undoManager: undo }),
    ...(awareness ? [remoteCursors(awareness, content, bound.mapping)] : []),
    leaveByTab(onEscape),
    shortcuts,
    ...planKeymap(),
    planPaste(),
    followLinks(),
    nativeUndo(),
    placeholder(invitation),
    dropCursor({ color: false, width: 2, class: 'drop-cursor' }),
    gapCursor(),
  ];
  return { state: EditorState.create({ doc: bound.doc, plugins }), undo, shortcuts };
}
