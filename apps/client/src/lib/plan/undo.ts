import { defaultDeleteFilter, ySyncPluginKey } from 'y-prosemirror';
import { UndoManager, type XmlFragment } from 'yjs';
import { planSchema } from './schema.ts';

/**
 * Undo of what is done in one editor, and of nothing else: not what others did meanwhile, and not what the editor binding repairs.
 * Undoing a new block leaves it in place while it holds something of somebody else's.
 */
export function createUndo(content: XmlFragment): UndoManager {
  const blocks = new Set(Object.keys(planSchema.nodes));
  return new UndoManager(content, {
    trackedOrigins: new Set([ySyncPluginKey]),
    deleteFilter: (item) => defaultDeleteFilter(item, blocks),
    // What the editor writes carries a mark; what its binding repairs has the same origin without it.
    captureTransaction: ({ origin, meta }) => origin !== ySyncPluginKey || meta.get('addToHistory') === true,
  });
}
