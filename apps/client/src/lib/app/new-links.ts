import { decodeBase64url } from '@parley/signaling/base64url';
import * as Y from 'yjs';
import { documentState, noteMoved, readTitle } from '../session/document.ts';
import { SessionError } from '../session/errors.ts';
import { secureRandom, type EditKeys } from '../session/keys.ts';
import { unlockSession } from '../session/link.ts';
import type { Person } from '../session/person.ts';
import { mergeLate, type Merging } from '../session/rotation.ts';
import { DeviceStore } from '../sync/device.ts';
import { catchUp } from '../sync/mailbox/catch-up.ts';
import { deleteFromRelay, type Deletion } from '../sync/mailbox/deleting.ts';
import type { MailboxStatus } from '../sync/mailbox/ports.ts';
import { TokenSource } from '../sync/mailbox/token.ts';
import { HttpTransport } from '../sync/mailbox/transport.ts';
import { surroundings } from '../sync/surroundings.ts';
import type { SessionRecord } from './database.ts';
import { relayOrigin } from './relay-address.ts';
import { sessions } from './session-list.svelte.ts';
import { thisDevice } from './this-device.svelte.ts';

/** The session whose links are made anew, and who does it. */
interface Rotated {
  readonly id: string;
  /** The document as it is open here: the notice goes into it. */
  readonly doc: Y.Doc;
  readonly person: Person;
  /** Whether all that the document holds is committed on this device, once nothing is on its way there. */
  committed(): Promise<boolean>;
}

/**
 * Makes new links: another session, with a copy of what this device has of this one ([NL1]). Everybody who has this one is told
 * that it was done, and goes on having it ([NL2]).
 *
 * @throws {SessionError} `document/empty`, `document/newer`, `device/…`: then nothing was made
 */
export async function makeNewLinks({ id, doc, person, committed }: Rotated): Promise<SessionRecord> {
  const state = documentState(doc);
  if (state !== 'open') throw new SessionError(`document/${state}`);
  if (!sessions.keeps(id)) throw new SessionError('device/unavailable');
  if (!(await committed())) throw new SessionError('device/failed');
  const at = Date.now();
  const movedFrom = { id, at };
  const record = await sessions.create(at, secureRandom, { title: readTitle(doc), fresh: false, movedFrom });
  try {
    if (!sessions.keeps(record.id)) throw new SessionError('device/full');
    await copyOnDevice(id, record.id);
    noteMoved(doc, id, { at, by: person.name, person: person.id });
  } catch (error) {
    await sessions.forget(record, at);
    await sessions.purge(record.id);
    throw error;
  }
  await sessions.change(id, { movedTo: record.id });
  return record;
}

/** What became of bringing over what arrived late: what was merged, and how reading the relay ended. */
interface BroughtOver {
  readonly merging: Merging;
  readonly relay: MailboxStatus;
}

/**
 * Merges into `doc` what has arrived, on this device and on the relay, in the session that it was copied from ([NL4]). Only when a
 * person asks for it: who was left out must not write into the new session.
 *
 * @throws {SessionError} `session/unknown` when this device does not have the old session any more; `device/…`
 */
export async function bringOver(doc: Y.Doc, oldId: string): Promise<BroughtOver> {
  const keys = await unlockKept(oldId);
  const old = new Y.Doc();
  const store = await DeviceStore.open(oldId, old, () => undefined);
  store.close();
  const held = Y.encodeStateAsUpdateV2(old);
  old.destroy();
  const { update, status } = await catchUp({
    keys,
    held,
    transport: await openTransport(keys),
    surroundings,
  });
  return { merging: mergeLate(doc, update), relay: status };
}

/**
 * Deletes a session that this device may edit from the relay ([NL5]). `offline`: nothing was sent.
 *
 * @throws {SessionError} `session/unknown`
 */
export async function deleteSession(id: string): Promise<Deletion | 'offline'> {
  const keys = await unlockKept(id);
  if (!navigator.onLine) return 'offline';
  return deleteFromRelay({ keys, transport: await openTransport(keys), randomBytes: secureRandom });
}

/** Puts what the device has of one session onto the device as another one. Resolves once that is committed. */
async function copyOnDevice(from: string, to: string): Promise<void> {
  const copy = new Y.Doc();
  try {
    const source = await DeviceStore.open(from, copy, () => undefined);
    source.close();
    const target = await DeviceStore.open(to, copy, () => undefined);
    await target.settled();
    const { state } = target;
    target.close();
    if (state !== 'saved') throw new SessionError(state === 'saving' ? 'device/failed' : state);
  } finally {
    copy.destroy();
  }
}

async function unlockKept(id: string): Promise<EditKeys> {
  const record = sessions.find(id);
  const secret = record?.kind === 'edit' && decodeBase64url(record.secret);
  if (!secret) throw new SessionError('session/unknown');
  return unlockSession(id, secret);
}

async function openTransport({ sessionId, writer, view }: EditKeys): Promise<HttpTransport> {
  await thisDevice.load();
  const relay = relayOrigin();
  const { now } = surroundings;
  const tokens = new TokenSource({ sessionId, relay, writer, reader: view.reader, now });
  return new HttpTransport({ relay, sessionId, tokens, access: () => thisDevice.accessKey, now });
}
