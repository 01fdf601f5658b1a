import type { Node } from 'prosemirror-model';
import type { EditorView, NodeView } from 'prosemirror-view';
import { readChecked } from './attributes.ts';

/** How much of a task's text names its checkbox, in UTF-16 code units. */
const NAME_LIMIT = 80;

/** A task: a real checkbox beside its text. */
export class TaskItemView implements NodeView {
  readonly dom = document.createElement('li');
  readonly contentDOM = document.createElement('div');
  readonly #checkbox = document.createElement('input');
  readonly #view: EditorView;
  readonly #position: () => number | undefined;
  #node: Node;

  constructor(node: Node, view: EditorView, position: () => number | undefined) {
    this.#node = node;
    this.#view = view;
    this.#position = position;
    const box = document.createElement('label');
    box.className = 'task-box';
    box.contentEditable = 'false';
    // The focus, and with it a phone's keyboard, stays where it is.
    box.addEventListener('mousedown', (event) => event.preventDefault());
    this.#checkbox.type = 'checkbox';
    this.#checkbox.addEventListener('change', () => this.#toggle());
    box.append(this.#checkbox);
    this.contentDOM.className = 'task-text';
    this.dom.append(box, this.contentDOM);
    this.#render();
  }

  update(node: Node): boolean {
    if (node.type !== this.#node.type) return false;
    this.#node = node;
    this.#render();
    return true;
  }

  /** The checkbox keeps its own events; ProseMirror would move the cursor and prevent the click. */
  stopEvent(event: Event): boolean {
    return event.target instanceof Element && event.target.closest('.task-box') !== null;
  }

  ignoreMutation(mutation: { target: globalThis.Node }): boolean {
    return !this.contentDOM.contains(mutation.target);
  }

  #toggle(): void {
    const position = this.#position();
    if (this.#view.editable && position !== undefined) {
      this.#view.dispatch(this.#view.state.tr.setNodeAttribute(position, 'checked', this.#checkbox.checked));
    }
    // What the document says is what is shown, also when the change was not allowed.
    this.#render();
  }

  #render(): void {
    const checked = readChecked(this.#node.attrs['checked']);
    const name = this.#node.firstChild?.textContent.trim().slice(0, NAME_LIMIT);
    this.dom.dataset['checked'] = String(checked);
    this.#checkbox.checked = checked;
    this.#checkbox.disabled = !this.#view.editable;
    this.#checkbox.setAttribute('aria-label', name === undefined || name === '' ? 'Done' : `Done: ${name}`);
  }
}
