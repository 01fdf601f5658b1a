import type { Command } from 'prosemirror-state';
import { EditorView } from 'prosemirror-view';
import type { Awareness } from 'y-protocols/awareness';
import type { XmlFragment } from 'yjs';
import { barsOverText } from './bars.ts';
import { onText, planCommands, type PlanCommand } from './commands.ts';
import { createPlanState } from './editor-state.ts';
import { describeFormat, NO_FORMAT, type PlanFormat } from './format.ts';
import { setLink } from './link-range.ts';
import { highlightLinked } from './linking.ts';
import { TaskItemView } from './task-item-view.ts';

interface PlanEditorOptions {
  /** The element to put the editor into. */
  readonly place: HTMLElement;
  /**
   * The page's rich text, part of a Y.Doc. Showing it may repair it, also when it is not editable: what is no valid content is taken
   * out of the document. Where nothing may be written, hand in a copy that follows it.
   */
  readonly content: XmlFragment;
  /** Carries cursors, in its field `cursor`; people are read from its field `user`. Without it there are no cursors. */
  readonly awareness: Awareness | null;
  readonly editable: boolean;
  /**
   * Asked before anything that may change `content`, also when only somebody else's change is shown. As long as it says no the
   * editor is frozen. By default it always may.
   */
  readonly canWrite?: () => boolean;
  /** The id of an element that describes how to use the editor. */
  readonly describedBy?: string;
  /** Called whenever what a toolbar shows may have changed. */
  readonly onUpdate?: (format: PlanFormat) => void;
  /** Called for Escape in the text. */
  readonly onEscape?: () => void;
}

/** A mounted editor. After `destroy` it neither shows nor changes anything. */
export interface PlanEditorHandle {
  readonly view: EditorView;
  focus(): void;
  destroy(): void;
  /** Carries a command out; false when it does not apply to the selection. */
  run(command: PlanCommand): boolean;
  /** Makes a link of the selection, of the link around the cursor, or of the address itself. `href` has to be safe. */
  link(href: string): boolean;
  /** Whether the text that `link` is about is highlighted, also while the focus is elsewhere. */
  highlightLinked(isHighlighted: boolean): void;
}

const INVITATION = 'Start writing. # makes a heading, [] a task.';
const NOTHING = 'Nothing here yet.';

/** How near to the window's edges the cursor may get: not under a bar, and with a little of the text around it. */
const MARGIN = {
  left: 24,
  right: 24,
  get top() {
    return barsOverText().top + 12;
  },
  get bottom() {
    return barsOverText().bottom + 32;
  },
};

/** Mounts an editor on the rich text of a page. Mounting alone changes nothing in the document. */
export function mountPlanEditor(options: PlanEditorOptions): PlanEditorHandle {
  const {
    place,
    content,
    awareness,
    editable,
    canWrite = () => true,
    describedBy,
    onUpdate,
    onEscape,
  } = options;
  const { state, undo, shortcuts } = createPlanState({
    content,
    awareness,
    canWrite,
    invitation: editable ? INVITATION : NOTHING,
    onEscape: () => onEscape?.(),
  });
  // Until somebody enters the text, the cursor at its start is nobody's.
  let isEntered = false;
  const view = new EditorView(place, {
    state,
    editable: () => editable && canWrite(),
    attributes: describeTextbox(editable, describedBy),
    nodeViews: { task_item: (node, nodeView, position) => new TaskItemView(node, nodeView, position) },
    scrollThreshold: MARGIN,
    scrollMargin: MARGIN,
    handleDOMEvents: {
      focus() {
        isEntered = true;
        report();
      },
    },
    dispatchTransaction(tr) {
      // News may arrive for an editor that has just been closed.
      if (view.isDestroyed) return;
      // A shortcut is a step of its own: undoing it leaves what was typed.
      if (tr.getMeta(shortcuts) !== undefined) undo.stopCapturing();
      view.updateState(view.state.apply(tr));
      report();
    },
  });

  function report(): void {
    if (view.isDestroyed) return;
    const [canUndo, canRedo] = [undo.canUndo(), undo.canRedo()];
    onUpdate?.(isEntered ? describeFormat(view.state, canUndo, canRedo) : { ...NO_FORMAT, canUndo, canRedo });
  }

  function run(command: Command): boolean {
    if (view.isDestroyed || !view.editable) return false;
    isEntered = true;
    undo.stopCapturing();
    return command(view.state, view.dispatch, view);
  }

  // The stacks change after the document does.
  for (const change of ['stack-item-added', 'stack-item-popped', 'stack-cleared'] as const)
    undo.on(change, report);
  report();

  return {
    view,
    focus: () => view.focus(),
    destroy: () => view.destroy(),
    run: (command) => run(planCommands[command]),
    link: (href) => run(onText(setLink(href))),
    highlightLinked(isHighlighted) {
      if (!view.isDestroyed) view.setProps({ decorations: isHighlighted ? highlightLinked : () => null });
    },
  };
}

function describeTextbox(editable: boolean, describedBy: string | undefined): Record<string, string> {
  return {
    class: 'plan-text',
    role: 'textbox',
    'aria-multiline': 'true',
    'aria-label': 'Plan',
    spellcheck: 'true',
    ...(describedBy === undefined ? {} : { 'aria-describedby': describedBy }),
    // Only what has the focus can be scrolled by keyboard.
    ...(editable ? {} : { 'aria-readonly': 'true', tabindex: '0' }),
  };
}
