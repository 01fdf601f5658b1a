import * as Y from 'yjs';
import { parsePerson, type Person } from '../session/person.ts';

/** Most cursors that are shown at once; more would hide the text, and a peer may claim any number. */
const CURSOR_LIMIT = 100;

/** Another person's cursor; both ends are positions that this document may be asked about. */
export interface PeerCursor {
  readonly clientId: number;
  readonly peer: Person;
  readonly anchor: Y.RelativePosition;
  readonly head: Y.RelativePosition;
}

/**
 * The cursors in `content` of people other than this one, read from awareness states. These come from other devices unchecked, so
 * states that are not understood are left out and the rest is clamped.
 *
 * @param ownClientId this tab
 * @param ownId this person, whose other tabs are not shown either
 */
export function readPeerCursors(
  states: ReadonlyMap<number, unknown>,
  content: Y.XmlFragment,
  ownClientId: number,
  ownId: string | null,
): PeerCursor[] {
  const cursors: PeerCursor[] = [];
  for (const [clientId, state] of states) {
    if (cursors.length === CURSOR_LIMIT) break;
    if (clientId === ownClientId || !isRecord(state)) continue;
    const peer = parsePerson(state['user']);
    const cursor = state['cursor'];
    if (!peer || peer.id === ownId || !isRecord(cursor)) continue;
    const anchor = readPosition(cursor['anchor'], content);
    const head = readPosition(cursor['head'], content);
    if (anchor && head) cursors.push({ clientId, peer, anchor, head });
  }
  return cursors;
}

function readPosition(value: unknown, content: Y.XmlFragment): Y.RelativePosition | null {
  if (!isRecord(value)) return null;
  const type = readItemId(value['type']);
  const item = readItemId(value['item']);
  const tname: unknown = value['tname'];
  const assoc: unknown = value['assoc'] ?? 0;
  // Yjs makes a new shared type of any root name that it is asked for.
  const root: unknown = typeof tname === 'string' ? content.doc?.share.get(tname) : null;
  const isRoot = typeof tname === 'string' && root === content;
  if (type === undefined || item === undefined || typeof assoc !== 'number') return null;
  if (type === null && item === null && !isRoot) return null;
  return new Y.RelativePosition(type, isRoot ? tname : null, item, assoc < 0 ? -1 : 0);
}

/** An item's id, null when there is none, undefined when it is no id. */
function readItemId(value: unknown): Y.ID | null | undefined {
  if (value === null || value === undefined) return null;
  if (!isRecord(value)) return undefined;
  const { client, clock } = value;
  return isCount(client) && isCount(clock) ? Y.createID(client, clock) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
