/** For tests: what those who have a session's keys seal, and a log of it. */
import { encodeBase64url } from '@parley/signaling/base64url';
import { sealEnvelope, type EnvelopeHeader } from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import * as Y from 'yjs';
import { deriveEditKeys } from '../../session/keys.ts';

export const EPOCH = encodeBase64url(new Uint8Array(16).fill(7));

export const keys = await deriveEditKeys(new Uint8Array(32).fill(3));

let count = 0;
export const newId = () => encodeBase64url(new Uint8Array(new Uint32Array([(count += 1), 1, 1, 1]).buffer));

export type Kind =
  | { kind: 'update' | 'tombstone' }
  | Pick<Extract<EnvelopeHeader, { kind: 'snapshot' }>, 'kind' | 'prev' | 'covers' | 'chain'>
  | Pick<Extract<EnvelopeHeader, { kind: 'presence' }>, 'kind' | 'role' | 'sender' | 'counter' | 'expires'>;

export function seal(
  kind: Kind,
  content: Uint8Array,
  signingKey = keys.writer.privateKey,
  seen: EnvelopeHeader['seen'] = null,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = { version: 1, sessionId: keys.sessionId, id: newId(), seen, ...kind };
  const sealing = { contentKey: keys.view.contentKey, signingKey };
  return sealEnvelope(header, Uint8Array.from(content), sealing, crypto.getRandomValues(new Uint8Array(12)));
}

/** An update that writes `words` at the beginning of the text. */
export function writing(words: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, words);
  return Y.encodeStateAsUpdateV2(doc);
}

/** The relay's answer to who asks for all of a log. */
export function logOf(envelopes: readonly Uint8Array<ArrayBuffer>[], more: Partial<Log['header']> = {}): Log {
  return {
    header: {
      writer: encodeBase64url(keys.writer.publicKey),
      epoch: EPOCH,
      head: envelopes.length,
      current: null,
      tombstone: null,
      snapshot: null,
      first: 1,
      entries: envelopes.map(({ length }) => length),
      ...more,
    },
    tombstone: null,
    snapshot: null,
    entries: envelopes.map((bytes, index) => ({ seq: (more.first ?? 1) + index, bytes })),
  };
}
