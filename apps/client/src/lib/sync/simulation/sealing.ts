import { encodeBase64url } from '@parley/signaling/base64url';
import { sealEnvelope } from '@parley/signaling/envelope';
import type { EditKeys } from '../../session/keys.ts';
import type { SeededRandom } from './random.ts';

/** Seals what no client of this version would. The writer's key is used as it should be, the reader's to forge. */
export function seal(
  { sessionId, writer, view }: EditKeys,
  random: SeededRandom,
  role: 'writer' | 'reader',
  kind: { kind: 'update' | 'tombstone' } | { kind: 'unknown'; code: number },
  content: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = { version: 1, sessionId, id: encodeBase64url(random.bytes(16)), seen: null, ...kind };
  const signingKey = (role === 'writer' ? writer : view.reader).privateKey;
  return sealEnvelope(header, content, { contentKey: view.contentKey, signingKey }, random.bytes(12));
}
