import * as Y from 'yjs';
import { documentState, readTitle, setTitle } from '../session/document.ts';
import { SessionError } from '../session/errors.ts';
import { DeviceStore } from '../sync/device.ts';
import { tellDeviceChange } from './device-changes.ts';
import { sessions } from './session-list.svelte.ts';

/**
 * Gives a session that need not be open another title, in its document: the others see it when they next meet.
 *
 * @throws {SessionError} `document/empty` before anything of it has arrived, `document/newer`, `document/view-only`, `device/…`
 */
export async function renameSession(id: string, title: string): Promise<void> {
  if (sessions.find(id)?.kind === 'view') throw new SessionError('document/view-only');
  const doc = new Y.Doc();
  const store = await DeviceStore.open(id, doc, () => undefined);
  try {
    if (documentState(doc) === 'empty') throw new SessionError('document/empty');
    setTitle(doc, title);
    await store.settled();
    if (store.state !== 'saved' && store.state !== 'saving') throw new SessionError(store.state);
    tellDeviceChange(id);
    await sessions.change(id, { title: readTitle(doc) });
  } finally {
    store.close();
    doc.destroy();
  }
}
