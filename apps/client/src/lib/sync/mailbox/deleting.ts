import { encodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_VERSION, importVerifyKey, sealEnvelope } from '@parley/signaling/envelope';
import type { EditKeys, RandomBytes } from '../../session/keys.ts';
import { openLog } from './opening.ts';
import { MailboxRefusal, type MailboxTransport } from './ports.ts';

/**
 * What became of a deletion.
 *
 * `deleted`: the relay keeps nothing of the session any more, now or already. `uncertain`: it did not answer, and may have done it all
 * the same. `later`: it has done what it does in a day or a minute, and nothing of this. `refused`: it did nothing.
 */
export type Deletion = 'deleted' | 'uncertain' | 'later' | 'refused';

export interface DeletingOptions {
  readonly keys: EditKeys;
  readonly transport: Pick<MailboxTransport, 'append' | 'pull'>;
  readonly randomBytes: RandomBytes;
}

/** Deletes a session from the relay, with a tombstone that its writer signs ([NL5]). Doing it again changes nothing. */
export async function deleteFromRelay({ keys, transport, randomBytes }: DeletingOptions): Promise<Deletion> {
  const { sessionId, writer, view } = keys;
  const id = encodeBase64url(randomBytes(16));
  const tombstone = await sealEnvelope(
    { version: ENVELOPE_VERSION, sessionId, id, seen: null, kind: 'tombstone' },
    new Uint8Array(),
    { contentKey: view.contentKey, signingKey: writer.privateKey },
    randomBytes(12),
  );
  try {
    await transport.append([tombstone]);
    return 'deleted';
  } catch (error) {
    const refused = judge(error);
    if (refused !== 'deleted') return refused;
  }
  // That somebody was faster is not believed without their tombstone ([SY12]).
  try {
    const writerKey = await importVerifyKey(writer.publicKey);
    const log = await transport.pull(0, null);
    const opened = await openLog(log, { sessionId, contentKey: view.contentKey, writerKey }, null);
    return opened?.deleted ? 'deleted' : 'refused';
  } catch (error) {
    const refused = judge(error);
    return refused === 'deleted' ? 'refused' : refused;
  }
}

function judge(error: unknown): Deletion {
  if (!(error instanceof MailboxRefusal)) throw error;
  switch (error.code) {
    case 'mailbox/deleted':
      return 'deleted';
    case 'relay/unreachable':
    case 'relay/nonsense':
    case 'relay/unavailable':
    case 'relay/internal-error':
      return 'uncertain';
    case 'relay/budget-spent':
    case 'mailbox/too-fast':
      return 'later';
    default:
      return 'refused';
  }
}
