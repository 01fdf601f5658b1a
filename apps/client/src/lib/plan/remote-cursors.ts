import { Plugin, PluginKey, type EditorState } from 'prosemirror-state';
import { Decoration, DecorationSet, type EditorView } from 'prosemirror-view';
import {
  absolutePositionToRelativePosition,
  relativePositionToAbsolutePosition,
  ySyncPluginKey,
} from 'y-prosemirror';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { parsePerson, type Person } from '../session/person.ts';
import type { ContentMapping } from './binding.ts';
import { takeBrowserSelection } from './browser-selection.ts';
import { readPeerCursors, type PeerCursor } from './peers.ts';

const key = new PluginKey<DecorationSet>('remote cursors');

/**
 * Shows where other people's cursors are and tells them where this one is, through the awareness fields `user` and `cursor`.
 *
 * y-prosemirror has such a plugin, but it takes what peers send at its word: one malformed state makes every transaction throw.
 */
export function remoteCursors(awareness: Awareness, content: Y.XmlFragment, mapping: ContentMapping): Plugin {
  const decorate = (state: EditorState): DecorationSet => {
    const own = parsePerson(awareness.getLocalState()?.['user']);
    const cursors = readPeerCursors(awareness.getStates(), content, awareness.clientID, own?.id ?? null);
    return DecorationSet.create(
      state.doc,
      cursors.flatMap((cursor) => decorateCursor(cursor, state, content, mapping)),
    );
  };
  return new Plugin({
    key,
    state: {
      init: (_config, state) => decorate(state),
      apply(tr, shown, _before, state) {
        const isRemote: boolean = ySyncPluginKey.getState(state)?.isChangeOrigin === true;
        return isRemote || tr.getMeta(key) !== undefined ? decorate(state) : shown.map(tr.mapping, tr.doc);
      },
    },
    props: { decorations: (state) => key.getState(state) },
    view(view) {
      const stopFollowing = followPeers(view, awareness);
      const publish = (): void => publishCursor(view, awareness, content, mapping);
      view.dom.addEventListener('focusin', publish);
      view.dom.addEventListener('focusout', publish);
      return {
        update: publish,
        destroy() {
          stopFollowing();
          view.dom.removeEventListener('focusin', publish);
          view.dom.removeEventListener('focusout', publish);
          awareness.setLocalStateField('cursor', null);
        },
      };
    },
  });
}

/** Redraws once for all the news that arrives together. */
function followPeers(view: EditorView, awareness: Awareness): () => void {
  let isWaiting = false;
  const redraw = (): void => {
    isWaiting = false;
    if (view.isDestroyed) return;
    takeBrowserSelection(view);
    view.dispatch(view.state.tr.setMeta(key, true));
  };
  const listen = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>): void => {
    const isOwn = [...added, ...updated, ...removed].every((clientId) => clientId === awareness.clientID);
    if (isOwn || isWaiting) return;
    isWaiting = true;
    queueMicrotask(redraw);
  };
  awareness.on('change', listen);
  return () => awareness.off('change', listen);
}

function publishCursor(
  view: EditorView,
  awareness: Awareness,
  content: Y.XmlFragment,
  mapping: ContentMapping,
): void {
  const published: unknown = awareness.getLocalState()?.['cursor'] ?? null;
  const cursor = view.editable && view.hasFocus() ? readOwnCursor(view.state, content, mapping) : null;
  if (JSON.stringify(published) !== JSON.stringify(cursor)) awareness.setLocalStateField('cursor', cursor);
}

function readOwnCursor({ selection }: EditorState, content: Y.XmlFragment, mapping: ContentMapping): object {
  const relative = (position: number): unknown =>
    Y.relativePositionToJSON(absolutePositionToRelativePosition(position, content, mapping));
  return { anchor: relative(selection.anchor), head: relative(selection.head) };
}

function decorateCursor(
  { clientId, peer, anchor, head }: PeerCursor,
  { doc }: EditorState,
  content: Y.XmlFragment,
  mapping: ContentMapping,
): Decoration[] {
  const anchorAt = locate(anchor, content, mapping);
  const headAt = locate(head, content, mapping);
  if (anchorAt === null || headAt === null) return [];
  const end = doc.content.size;
  const [from, to] = [Math.min(anchorAt, headAt, end), Math.min(Math.max(anchorAt, headAt), end)];
  return [
    Decoration.widget(Math.min(headAt, end), () => drawCursor(peer), {
      // Drawn anew, with its name, whenever the person moves it, not when text before it changes.
      key: `${clientId} ${peer.hue} ${peer.name} ${JSON.stringify(head)}`,
      side: 10,
      ignoreSelection: true,
    }),
    Decoration.inline(from, to, { class: 'peer-selection', style: hueOf(peer) }, { inclusiveEnd: true }),
  ];
}

/** Where a position is in the editor, or null when it is in another page, not here yet, or nowhere. */
function locate(
  position: Y.RelativePosition,
  content: Y.XmlFragment,
  mapping: ContentMapping,
): number | null {
  if (!content.doc) return null;
  try {
    return relativePositionToAbsolutePosition(content.doc, content, position, mapping);
  } catch {
    // A position that points into something that no editor makes. The person is still there, only not at a place.
    return null;
  }
}

function drawCursor(peer: Person): HTMLElement {
  const cursor = document.createElement('span');
  cursor.className = 'cursor';
  cursor.setAttribute('style', hueOf(peer));
  cursor.setAttribute('aria-hidden', 'true');
  // The name is shown by style, so that it is never part of the text that people search, copy or hear.
  const name = document.createElement('span');
  name.className = 'cursor-name';
  name.dataset['name'] = peer.name;
  cursor.append(name);
  return cursor;
}

function hueOf({ hue }: Person): string {
  return `--hue: var(--person-${hue})`;
}
