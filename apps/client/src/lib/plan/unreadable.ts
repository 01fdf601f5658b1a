import * as Y from 'yjs';
import { planSchema } from './schema.ts';

/** How deep elements may be nested: 30 levels of lists, far from what would exhaust the stack. */
const DEPTH_LIMIT = 60;

/**
 * Takes out of shared content what would make the editor binding throw, which would leave everybody without an editor: values that
 * are neither elements nor text, objects inside text, text outside of elements, bottomless nesting. Formatting that has no meaning
 * here is removed from its text, because the binding would delete the text with it.
 *
 * An editor of this version writes nothing of the kind; a faulty or hostile one may.
 *
 * @param root the content of a page
 * @param type where to look: the content or anything inside
 */
export function removeUnreadable(root: Y.XmlFragment, type: unknown = root): void {
  if (!root.doc || !(type instanceof Y.AbstractType) || type._item?.deleted) return;
  const depth = depthOf(type, root);
  root.doc.transact(() => clean(type, root, depth), removeUnreadable);
}

function clean(type: unknown, root: Y.XmlFragment, depth: number): void {
  if (type instanceof Y.XmlText) cleanText(type);
  else if (type instanceof Y.XmlFragment) cleanChildren(type, root, depth);
}

function cleanChildren(parent: Y.XmlFragment, root: Y.XmlFragment, depth: number): void {
  const children: unknown[] = parent.toArray();
  for (const [index, child] of [...children.entries()].reverse()) {
    const isElement = child instanceof Y.XmlElement;
    const isReadable =
      parent === root ? isElement && isBlock(child) : isElement || child instanceof Y.XmlText;
    if (isReadable && depth < DEPTH_LIMIT) clean(child, root, depth + 1);
    else parent.delete(index);
  }
}

function cleanText(text: Y.XmlText): void {
  const runs: { insert: unknown; attributes?: Record<string, unknown> }[] = text.toDelta();
  let index = 0;
  for (const { insert, attributes } of runs) {
    if (typeof insert !== 'string') {
      text.delete(index, 1);
      continue;
    }
    const foreign = Object.keys(attributes ?? {}).filter((name) => !(name in planSchema.marks));
    if (foreign.length > 0) {
      text.format(index, insert.length, Object.fromEntries(foreign.map((name) => [name, null])));
    }
    index += insert.length;
  }
}

function isBlock(element: Y.XmlElement): boolean {
  return planSchema.nodes[element.nodeName]?.isInGroup('block') === true;
}

function depthOf(type: unknown, root: Y.XmlFragment): number {
  let depth = 0;
  for (let at = type; at instanceof Y.AbstractType && at !== root; at = at._item?.parent) depth += 1;
  return depth;
}
