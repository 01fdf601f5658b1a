import { encodeBase64url } from '@parley/signaling/base64url';
import {
  importVerifyKey,
  parseEnvelope,
  sealEnvelope,
  verifyEnvelope,
  type EnvelopeHeader,
} from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import { describe, expect, it } from 'vitest';
import { deriveEditKeys, secureRandom } from '../../session/keys.ts';
import { deleteFromRelay, type DeletingOptions } from './deleting.ts';
import { MailboxRefusal, type RefusalCode } from './ports.ts';

const keys = await deriveEditKeys(new Uint8Array(32).fill(3));
const EPOCH = encodeBase64url(new Uint8Array(16).fill(7));

/** A relay that says how it goes: a code refuses. */
function relay(append: RefusalCode | null, pull: RefusalCode | Log = 'relay/unreachable') {
  const appended: Uint8Array<ArrayBuffer>[][] = [];
  const transport: DeletingOptions['transport'] = {
    append: (envelopes) => {
      appended.push([...envelopes]);
      if (append !== null) return Promise.reject(new MailboxRefusal(append));
      return Promise.resolve({ epoch: EPOCH, head: 1, seqs: [1] });
    },
    pull: () => (typeof pull === 'string' ? Promise.reject(new MailboxRefusal(pull)) : Promise.resolve(pull)),
  };
  return { appended, ask: () => deleteFromRelay({ keys, transport, randomBytes: secureRandom }) };
}

/** The answer of a relay on which the session ends with this envelope. */
function ended(tombstone: Uint8Array<ArrayBuffer>): Log {
  const { length } = tombstone;
  const none = { current: null, snapshot: null, first: 1, entries: [] };
  const writer = encodeBase64url(keys.writer.publicKey);
  return {
    header: { writer, epoch: EPOCH, head: 1, tombstone: length, ...none },
    ...{ tombstone, snapshot: null, entries: [] },
  };
}

function seal(kind: 'tombstone' | 'update', signingKey: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  const id = encodeBase64url(secureRandom(16));
  const header: EnvelopeHeader = { version: 1, sessionId: keys.sessionId, id, seen: null, kind };
  return sealEnvelope(
    header,
    new Uint8Array(),
    { contentKey: keys.view.contentKey, signingKey },
    secureRandom(12),
  );
}

describe('deleting from the relay', () => {
  it('[NL5] appends one tombstone that the writer signed', async () => {
    const { ask, appended } = relay(null);
    expect(await ask()).toBe('deleted');
    const [envelopes = [], ...others] = appended;
    expect([envelopes.length, others]).toEqual([1, []]);
    const envelope = parseEnvelope(envelopes[0] ?? new Uint8Array());
    expect(envelope.header).toMatchObject({ kind: 'tombstone', sessionId: keys.sessionId });
    expect(envelope.bytes.length).toBeLessThan(1_024);
    const key = await importVerifyKey(keys.writer.publicKey);
    expect(await verifyEnvelope(envelope, key)).toBe(true);
  });

  it('[NL5] is done where somebody else was faster, as soon as their tombstone proves it', async () => {
    const theirs = ended(await seal('tombstone', keys.writer.privateKey));
    expect(await relay('mailbox/deleted', theirs).ask()).toBe('deleted');
    const forged = ended(await seal('tombstone', keys.view.reader.privateKey));
    expect(await relay('mailbox/deleted', forged).ask()).toBe('refused');
    const other = ended(await seal('update', keys.writer.privateKey));
    expect(await relay('mailbox/deleted', other).ask()).toBe('refused');
    const alive = { ...theirs, header: { ...theirs.header, tombstone: null }, tombstone: null };
    expect(await relay('mailbox/deleted', alive).ask()).toBe('refused');
    expect(await relay('mailbox/deleted', 'mailbox/deleted').ask()).toBe('refused');
    expect(await relay('mailbox/deleted', 'relay/unreachable').ask()).toBe('uncertain');
  });

  it.each([
    ['relay/unreachable', 'uncertain'],
    ['relay/nonsense', 'uncertain'],
    ['relay/unavailable', 'uncertain'],
    ['relay/internal-error', 'uncertain'],
    ['relay/budget-spent', 'later'],
    ['mailbox/too-fast', 'later'],
    ['mailbox/not-found', 'refused'],
    ['access/token-expired', 'refused'],
  ] as const)('[NL5] an append that ends with %s is %s, whatever the log says', async (code, deletion) => {
    const { ask, appended } = relay(code, ended(await seal('tombstone', keys.writer.privateKey)));
    expect(await ask()).toBe(deletion);
    expect(appended.length).toBe(1);
  });

  it('a mistake of its own is not taken for an answer', async () => {
    const transport = {
      append: () => Promise.reject(new TypeError('mistake')),
      pull: () => Promise.reject(new TypeError('mistake')),
    };
    await expect(deleteFromRelay({ keys, transport, randomBytes: secureRandom })).rejects.toThrow('mistake');
  });
});
