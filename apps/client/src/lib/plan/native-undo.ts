import { Plugin } from 'prosemirror-state';
import { redoCommand, undoCommand } from 'y-prosemirror';

const COMMANDS: Record<string, typeof undoCommand> = { historyUndo: undoCommand, historyRedo: redoCommand };

/** Undo from a menu, or by shaking a phone, is the same undo as from the keyboard. */
export function nativeUndo(): Plugin {
  return new Plugin({
    props: {
      handleDOMEvents: {
        beforeinput(view, event) {
          const command = COMMANDS[event.inputType];
          if (!command) return false;
          event.preventDefault();
          command(view.state, view.dispatch);
          return true;
        },
      },
    },
  });
}
