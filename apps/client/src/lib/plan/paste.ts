import { Slice, Fragment } from 'prosemirror-model';
import { Plugin } from 'prosemirror-state';
import { selectText } from './commands.ts';
import { readBareAddress } from './links.ts';
import { setLink } from './link-range.ts';
import { PasteParser } from './pasted-tables.ts';
import { planSchema } from './schema.ts';

const { link } = planSchema.marks;

/** A pasted address links the selection, or becomes a link itself. Everything else is pasted through the schema. */
export function planPaste(): Plugin {
  return new Plugin({
    props: {
      clipboardParser: new PasteParser(),
      handlePaste(view, event) {
        const state = selectText(view.state);
        const { selection, tr } = state;
        const pasted = event.clipboardData?.getData('text/plain').trim() ?? '';
        const href = readBareAddress(pasted);
        if (href === null) return false;
        if (!selection.empty) return setLink(href)(state, view.dispatch);
        if (!selection.$from.parent.type.allowsMarkType(link)) return false;
        const text = planSchema.text(pasted, link.create({ href }).addToSet(selection.$from.marks()));
        const slice = new Slice(Fragment.from(text), 0, 0);
        view.dispatch(
          tr.replaceSelection(slice).removeStoredMark(link).scrollIntoView().setMeta('paste', true),
        );
        return true;
      },
    },
  });
}
