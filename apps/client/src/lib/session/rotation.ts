import * as Y from 'yjs';
import { BROUGHT_OVER, documentState, isOnlyNotice } from './document.ts';

/**
 * `nothing`: all of it was there. `merged`: it is there now. `newer`: a newer version wrote it, and this one could only read what would
 * become of the document. `unreadable`: it cannot be applied. The last two have changed nothing.
 */
export type Merging = 'nothing' | 'merged' | 'newer' | 'unreadable';

/**
 * Merges into a session what arrived late in the one that it was copied from, deletions too ([NL4]). It is tried on a copy first.
 *
 * @param late a Yjs update, format V2: the other session's state, or the part of it that this one lacks
 */
export function mergeLate(doc: Y.Doc, late: Uint8Array): Merging {
  const trial = new Y.Doc();
  let isNew = false;
  try {
    Y.applyUpdateV2(trial, Y.encodeStateAsUpdateV2(doc));
    trial.on('afterTransaction', (transaction: Y.Transaction) => {
      isNew ||= !isOnlyNotice(trial, transaction);
    });
    Y.applyUpdateV2(trial, late);
    if (documentState(trial) === 'newer' && documentState(doc) !== 'newer') return 'newer';
  } catch {
    return 'unreadable';
  } finally {
    trial.destroy();
  }
  if (!isNew) return 'nothing';
  Y.applyUpdateV2(doc, late, BROUGHT_OVER);
  return 'merged';
}
