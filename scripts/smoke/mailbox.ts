import { TokenSource } from '../../apps/client/src/lib/sync/mailbox/token.ts';
import { deriveEditKeys, secureRandom } from '../../apps/client/src/lib/session/keys.ts';
import { encodeBase64url } from '../../apps/signaling/src/protocol/base64url.ts';
import {
  ENVELOPE_VERSION,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
} from '../../apps/signaling/src/protocol/envelope.ts';
import {
  appendAnswer,
  decodeLog,
  encodeAppend,
  type Log,
} from '../../apps/signaling/src/protocol/mailbox.ts';

/** How long the relay may take for an answer, in milliseconds. */
const PATIENCE = 30_000;

/** Asks the relay: the answer's bytes, or an error that says what came instead. */
type Ask = (
  method: 'GET' | 'POST',
  route: string,
  body?: Uint8Array<ArrayBuffer>,
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Makes a session that nobody else has, writes to its mailbox, reads that back, and deletes it. Only a tombstone stays, until the
 * relay forgets the session.
 *
 * @param relay its origin
 * @param headers what every request carries besides
 * @throws {Error} when the relay does anything else than it promises
 */
export async function exerciseMailbox(
  relay: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const keys = await deriveEditKeys(secureRandom(32));
  const { sessionId, writer, view } = keys;
  const tokens = new TokenSource({ sessionId, relay, writer, reader: view.reader, now: Date.now });
  const ask: Ask = async (method, route, body) => {
    const response = await fetch(`${relay}/api/sessions/${sessionId}/${route}`, {
      method,
      headers: { ...headers, Authorization: `Bearer ${await tokens.token()}` },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    if (response.ok) return answer;
    throw new Error(
      `${method} ${route}: ${response.status} ${new TextDecoder().decode(answer).slice(0, 500)}`,
    );
  };
  const seal = (kind: 'update' | 'tombstone', content: Uint8Array<ArrayBuffer>) =>
    sealEnvelope(
      { kind, version: ENVELOPE_VERSION, sessionId, id: encodeBase64url(secureRandom(16)), seen: null },
      content,
      { contentKey: view.contentKey, signingKey: writer.privateKey },
      secureRandom(12),
    );

  const content = secureRandom(100);
  const written = await append(ask, await seal('update', content));
  if (written !== 1) throw new Error(`the first envelope of a session is number ${written}`);
  const [entry, ...others] = (await pull(ask)).entries;
  if (!entry || !('bytes' in entry) || others.length > 0) throw new Error('what was written is not there');
  const read = await openEnvelope(parseEnvelope(entry.bytes), view.contentKey);
  if (encodeBase64url(read) !== encodeBase64url(content))
    throw new Error('what was written came back otherwise');
  await append(ask, await seal('tombstone', new Uint8Array()));
  const { tombstone, entries } = await pull(ask);
  if (tombstone === null || entries.length > 0) throw new Error('what was deleted is still there');
}

/** @returns the number that the envelope got */
async function append(ask: Ask, envelope: Uint8Array<ArrayBuffer>): Promise<number | undefined> {
  const answer = await ask('POST', 'log', encodeAppend([envelope]));
  return appendAnswer.parse(JSON.parse(new TextDecoder().decode(answer))).seqs[0];
}

async function pull(ask: Ask): Promise<Log> {
  const log = decodeLog(await ask('GET', 'log?after=0'));
  if (!log) throw new Error('the answer to a pull is none');
  return log;
}
