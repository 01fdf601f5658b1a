/*
 * For tests: pages written down in one line, and an editor without a DOM.
 *
 * A page is a row of blocks, `h2(Title) p(Some <strong>text|</strong>) ul(li(p(one)))`; `|` is the cursor, two of them a
 * selection. `tasks(done(…) todo(…))`, `ol3(…)`, `pre:ts(…)`, `hr()`, `quote(…)`; `/` is a hard break.
 */
import { Slice, type Attrs, type Mark, type Node } from 'prosemirror-model';
import {
  EditorState,
  TextSelection,
  type Command,
  type PluginView,
  type Transaction,
} from 'prosemirror-state';
import type { EditorView } from 'prosemirror-view';
import { prosemirrorToYXmlFragment } from 'y-prosemirror';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { createPlanState } from './editor-state.ts';
import { planSchema } from './schema.ts';

const BLOCK = /\s*([a-z]+)(\d*)(?::(\w+))?\(/y;
const INLINE = /<(\/?)(\w+)(?: ([^>]*))?>|([|/])|[^<|/)]+/y;
const CONTAINERS: Record<string, string> = {
  ul: 'bullet_list',
  ol: 'ordered_list',
  tasks: 'task_list',
  li: 'list_item',
  todo: 'task_item',
  done: 'task_item',
  quote: 'blockquote',
  hr: 'horizontal_rule',
};

/** The state of a page written down. */
export function page(notation: string): EditorState {
  const source = { text: notation, at: 0 };
  const doc = planSchema.node('doc', null, readBlocks(source));
  const cursors: number[] = [];
  doc.descendants((node, pos) => {
    for (const match of node.text?.matchAll(/\|/g) ?? []) cursors.push(pos + match.index);
  });
  const tr = EditorState.create({ doc }).tr;
  for (const pos of cursors.toReversed()) tr.delete(pos, pos + 1);
  const [anchor = 1, head = anchor + 1] = cursors;
  if (cursors.length > 0) tr.setSelection(TextSelection.create(tr.doc, anchor, head - 1));
  return EditorState.create({ doc: tr.doc, selection: tr.selection });
}

/** A state in the notation of `page`. */
export function written({ doc, selection }: EditorState): string {
  const { from, to } = selection;
  const ends = selection instanceof TextSelection ? new Set([from, to]) : new Set<number>();
  return writeBlocks(doc, 0, ends);
}

/** What a command makes of a page; null when it does not apply. */
export function applied(notation: string, command: Command): string | null {
  let state = page(notation);
  const applies = command(state, (tr) => (state = state.apply(tr)));
  if (command(page(notation)) !== applies) throw new Error('a command must say the same without dispatching');
  return applies ? written(state) : null;
}

/** The plan's editor, typed into without a DOM. */
export class HeadlessEditor {
  state: EditorState;
  isFocused = false;
  readonly undo: Y.UndoManager;
  readonly dom = Object.assign(new EventTarget(), { ownerDocument: { getSelection: () => null } });
  readonly editable = true;
  readonly composing = false;
  readonly #views: PluginView[];
  isDestroyed = false;

  constructor(
    content: Y.XmlFragment,
    awareness: Awareness | null = null,
    canWrite: () => boolean = () => true,
  ) {
    const { state, undo } = createPlanState({
      content,
      awareness,
      canWrite,
      invitation: '',
      onEscape: () => undefined,
    });
    this.state = state;
    this.undo = undo;
    this.#views = state.plugins.flatMap((plugin) => plugin.spec.view?.(this.#asView()) ?? []);
  }

  /** An editor on a page of a document of its own. */
  static open(notation: string): HeadlessEditor {
    const { doc, selection } = page(notation);
    const content = new Y.Doc().getXmlFragment('page');
    prosemirrorToYXmlFragment(doc, content);
    const editor = new HeadlessEditor(content);
    editor.dispatch(
      editor.state.tr.setSelection(TextSelection.create(editor.state.doc, selection.anchor, selection.head)),
    );
    return editor;
  }

  readonly dispatch = (tr: Transaction): void => {
    if (this.isDestroyed) throw new Error('dispatched to a destroyed editor');
    const before = this.state;
    this.state = before.apply(tr);
    for (const view of this.#views) view.update?.(this.#asView(), before);
  };

  hasFocus(): boolean {
    return this.isFocused;
  }

  endOfTextblock(direction: string): boolean {
    const { parentOffset, parent } = this.state.selection.$head;
    return direction === 'backward' ? parentOffset === 0 : parentOffset === parent.content.size;
  }

  /** Types characters one by one, as a person does. */
  type(text: string): this {
    for (const character of text) {
      const { from, to } = this.state.selection;
      const insert = (): Transaction => this.state.tr.insertText(character, from, to);
      const handled = this.state.plugins.some((plugin) =>
        plugin.props.handleTextInput?.call(plugin, this.#asView(), from, to, character, insert),
      );
      if (!handled) this.dispatch(insert());
    }
    return this;
  }

  /** Presses a key such as `Enter` or `Mod-Shift-7`; false when the editor leaves it to the browser. */
  press(keys: string): boolean {
    const names = keys.split(/-(?=.)/);
    const key = names.at(-1) ?? '';
    const isApple = /Mac|iP/.test(navigator.platform);
    const event = {
      type: 'keydown',
      key,
      keyCode: key.length === 1 ? key.toUpperCase().charCodeAt(0) : 0,
      shiftKey: names.includes('Shift'),
      altKey: names.includes('Alt'),
      ctrlKey: !isApple && names.includes('Mod'),
      metaKey: isApple && names.includes('Mod'),
    } as KeyboardEvent;
    const leaves = this.state.plugins.some(
      (plugin) => plugin.props.handleDOMEvents?.keydown?.call(plugin, this.#asView(), event) === true,
    );
    if (leaves) return false;
    return this.state.plugins.some(
      (plugin) => plugin.props.handleKeyDown?.call(plugin, this.#asView(), event) === true,
    );
  }

  /** Pastes plain text; false when the editor leaves it to ProseMirror. */
  paste(text: string): boolean {
    const clipboardData = { getData: (type: string) => (type === 'text/plain' ? text : '') };
    const event = { clipboardData } as unknown as ClipboardEvent;
    return this.state.plugins.some(
      (plugin) => plugin.props.handlePaste?.call(plugin, this.#asView(), event, Slice.empty) === true,
    );
  }

  /** Puts the cursor, or a selection, where a text stands. */
  select(text: string, cursor: 'around' | 'before' | 'after' = 'around'): this {
    this.state.doc.descendants((node, pos) => {
      const index = node.text?.indexOf(text) ?? -1;
      if (index < 0) return;
      const from = cursor === 'after' ? pos + index + text.length : pos + index;
      const to = cursor === 'before' ? from : pos + index + text.length;
      this.dispatch(this.state.tr.setSelection(TextSelection.create(this.state.doc, from, to)));
    });
    return this;
  }

  /** The page with the selection, in the notation of `page`. */
  get written(): string {
    return written(this.state);
  }

  /** The page in the notation of `page`, without the cursor. */
  get text(): string {
    return writeBlocks(this.state.doc, 0, new Set());
  }

  destroy(): void {
    this.isDestroyed = true;
    for (const view of this.#views) view.destroy?.();
  }

  #asView(): EditorView {
    return this as unknown as EditorView;
  }
}

interface Source {
  readonly text: string;
  at: number;
}

function readBlocks(source: Source): Node[] {
  const nodes: Node[] = [];
  for (;;) {
    BLOCK.lastIndex = source.at;
    const match = BLOCK.exec(source.text);
    if (!match) break;
    source.at = BLOCK.lastIndex;
    const [, name = '', number = '', language = null] = match;
    nodes.push(readBlock(source, name, number, language));
    if (source.text[source.at] !== ')') throw new Error(`expected ) in ${source.text} at ${source.at}`);
    source.at += 1;
  }
  return nodes;
}

function readBlock(source: Source, name: string, number: string, language: string | null): Node {
  if (name === 'p') return planSchema.node('paragraph', null, readInline(source));
  if (name === 'h') return planSchema.node('heading', { level: Number(number) }, readInline(source));
  if (name === 'pre') return planSchema.node('code_block', { language }, readInline(source));
  const attrs: Attrs = {
    ...(name === 'done' && { checked: true }),
    ...(name === 'ol' && number !== '' && { order: Number(number) }),
  };
  return planSchema.node(CONTAINERS[name] ?? name, attrs, readBlocks(source));
}

function readInline(source: Source): Node[] {
  const nodes: Node[] = [];
  let marks: readonly Mark[] = [];
  for (;;) {
    INLINE.lastIndex = source.at;
    const match = INLINE.exec(source.text);
    if (!match) return nodes;
    source.at = INLINE.lastIndex;
    const [whole, closing, name, href, special] = match;
    if (name !== undefined) {
      const mark = planSchema.mark(name, href === undefined ? null : { href });
      marks = closing === '/' ? marks.filter(({ type }) => type !== mark.type) : mark.addToSet(marks);
    } else {
      nodes.push(special === '/' ? planSchema.node('hard_break') : planSchema.text(whole, marks));
    }
  }
}

function writeBlocks(parent: Node, start: number, ends: ReadonlySet<number>): string {
  const written: string[] = [];
  parent.forEach((node, offset) => {
    const inside = start + offset + 1;
    const content = node.isTextblock ? writeInline(node, inside, ends) : writeBlocks(node, inside, ends);
    written.push(`${writeName(node)}(${content})`);
  });
  return written.join(' ');
}

function writeName({ type, attrs }: Node): string {
  if (type.name === 'paragraph') return 'p';
  if (type.name === 'heading') return `h${attrs['level']}`;
  if (type.name === 'code_block') return attrs['language'] === null ? 'pre' : `pre:${attrs['language']}`;
  if (type.name === 'ordered_list') return attrs['order'] === 1 ? 'ol' : `ol${attrs['order']}`;
  if (type.name === 'task_item') return attrs['checked'] === true ? 'done' : 'todo';
  return Object.keys(CONTAINERS).find((name) => CONTAINERS[name] === type.name) ?? type.name;
}

function writeInline(block: Node, start: number, ends: ReadonlySet<number>): string {
  let written = '';
  block.forEach((node, offset) => {
    const open = node.marks.map(
      ({ type, attrs }) => `<${type.name}${type.name === 'link' ? ` ${attrs['href']}` : ''}>`,
    );
    const close = node.marks.map(({ type }) => `</${type.name}>`).reverse();
    const text = node.text ?? '/';
    const cut = [...text]
      .map((character, index) => (ends.has(start + offset + index) ? '|' : '') + character)
      .join('');
    written += open.join('') + cut + close.join('');
  });
  return written + (ends.has(start + block.content.size) ? '|' : '');
}
