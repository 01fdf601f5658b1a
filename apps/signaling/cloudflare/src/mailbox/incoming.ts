import { decodeBase64url } from '@parley/signaling/base64url';
import {
  EnvelopeError,
  hashEnvelope,
  importVerifyKey,
  parseEnvelope,
  verifyEnvelope,
  type Envelope,
} from '@parley/signaling/envelope';
import { RelayProblem } from '../relay-problem.ts';
import type { NewBody } from './bodies.ts';

/** An envelope that came, taken apart. */
export interface Incoming extends NewBody {
  readonly header: Envelope['header'];
  readonly envelope: Envelope;
}

/**
 * Takes an envelope of this session apart.
 *
 * @throws {RelayProblem} `mailbox/malformed` for what is none, or made by a newer version; `mailbox/too-large`;
 *   `mailbox/not-found` for one of another session
 */
export async function readIncoming(sessionId: string, bytes: Uint8Array<ArrayBuffer>): Promise<Incoming> {
  let envelope: Envelope;
  try {
    envelope = parseEnvelope(bytes);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new RelayProblem(error.code === 'envelope/too-large' ? 'mailbox/too-large' : 'mailbox/malformed');
  }
  const { header } = envelope;
  if (header.sessionId !== sessionId) throw new RelayProblem('mailbox/not-found');
  return { id: header.id, hash: await hashEnvelope(bytes), bytes, header, envelope };
}

/**
 * Checks the writer's signature of every envelope ([MB4]).
 *
 * @param publicKey raw, base64url
 * @throws {RelayProblem} `mailbox/not-found`
 */
export async function verifyIncoming(publicKey: string, incoming: readonly Incoming[]): Promise<void> {
  const raw = decodeBase64url(publicKey);
  if (raw?.length !== 32) throw new RelayProblem('mailbox/not-found');
  const key = await importVerifyKey(raw);
  const verdicts = await Promise.all(incoming.map(({ envelope }) => verifyEnvelope(envelope, key)));
  if (!verdicts.every(Boolean)) throw new RelayProblem('mailbox/not-found');
}
