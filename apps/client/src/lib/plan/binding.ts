import type { Node } from 'prosemirror-model';
import { Plugin } from 'prosemirror-state';
import type { EditorView } from 'prosemirror-view';
import { initProseMirrorDoc, ySyncPlugin, ySyncPluginKey } from 'y-prosemirror';
import * as Y from 'yjs';
import { takeBrowserSelection } from './browser-selection.ts';
import { planSchema } from './schema.ts';
import { removeUnreadable } from './unreadable.ts';

/** Which node of the editor shows which shared type. */
export type ContentMapping = Map<Y.AbstractType<unknown>, Node | Node[]>;

/** Shared content bound to an editor: its document to start with, and the plugin that keeps both the same. */
interface BoundContent {
  readonly doc: Node;
  readonly mapping: ContentMapping;
  readonly plugin: Plugin;
}

/** What of y-prosemirror's binding is guarded here. */
interface Binding {
  beforeTransactionSelection: { type: string } | null;
  beforeAllTransactions: (doc: Y.Doc) => void;
  _observeFunction: (events: Y.YEvent<Y.AbstractType<unknown>>[], transaction: Y.Transaction) => void;
}

/**
 * Binds the shared content of a page to an editor through y-prosemirror, with what that leaves open:
 * - only a change of the text is ever written; opening a page, moving the cursor or showing the empty paragraph of an empty page
 *   writes nothing (two people would have two empty paragraphs);
 * - content that would make it throw is taken out first;
 * - while `canWrite` says no, nothing is written and what others change is not followed, because following deletes what this
 *   version does not know.
 */
export function bindContent(content: Y.XmlFragment, canWrite: () => boolean): BoundContent {
  if (canWrite()) removeUnreadable(content);
  const { doc, mapping }: { doc: Node; mapping: ContentMapping } = initProseMirrorDoc(content, planSchema);
  const sync: Plugin = ySyncPlugin(content, { mapping });
  const plugin = new Plugin({
    ...sync.spec,
    view(view) {
      const { binding }: { binding: Binding } = ySyncPluginKey.getState(view.state);
      guardBinding(binding, view, content, canWrite);
      const inner = sync.spec.view?.call(plugin, view);
      // It has to have seen content once; deleting all of it would otherwise pass for an empty page that nobody touched.
      if (canWrite()) inner?.update?.(view, view.state);
      return {
        update(_view, before) {
          if (before.doc !== view.state.doc && canWrite()) inner?.update?.(view, before);
        },
        destroy: () => inner?.destroy?.(),
      };
    },
  });
  return {
    doc: doc.childCount > 0 ? doc : planSchema.node('doc', null, planSchema.node('paragraph')),
    mapping,
    plugin,
  };
}

function guardBinding(
  binding: Binding,
  view: EditorView,
  content: Y.XmlFragment,
  canWrite: () => boolean,
): void {
  const follow = binding._observeFunction;
  binding._observeFunction = (events, transaction) => {
    if (!canWrite()) return;
    if (transaction.origin !== ySyncPluginKey) {
      for (const event of events) removeUnreadable(content, event.target);
    }
    try {
      follow(events, transaction);
    } catch {
      // It cannot select a node again that is gone; it can put the cursor there.
      binding.beforeTransactionSelection &&= { ...binding.beforeTransactionSelection, type: 'text' };
      follow(events, transaction);
    }
  };
  const remember = binding.beforeAllTransactions;
  binding.beforeAllTransactions = (doc) => {
    try {
      if (doc._transaction?.origin !== ySyncPluginKey) takeBrowserSelection(view);
      remember(doc);
    } catch {
      // Yjs would stay inside a transaction for ever and save nothing more; the selection is only a convenience.
      binding.beforeTransactionSelection = null;
    }
  };
}
