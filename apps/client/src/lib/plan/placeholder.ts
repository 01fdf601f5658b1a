import type { Node } from 'prosemirror-model';
import { Plugin } from 'prosemirror-state';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { planSchema } from './schema.ts';

function isBlank(doc: Node): boolean {
  const first = doc.firstChild;
  return doc.childCount === 1 && first?.type === planSchema.nodes.paragraph && first.content.size === 0;
}

/** Shows a text in an empty page, by style alone: it is neither content nor in the way of the cursor. */
export function placeholder(text: string): Plugin {
  return new Plugin({
    props: {
      attributes: (state) => (isBlank(state.doc) ? { 'aria-placeholder': text } : {}),
      decorations: ({ doc }) =>
        isBlank(doc)
          ? DecorationSet.create(doc, [
              Decoration.node(0, doc.content.size, { class: 'is-blank', 'data-placeholder': text }),
            ])
          : null,
    },
  });
}
