import { encodeBase64url } from '@parley/signaling/base64url';
import { sealEnvelope, type EnvelopeHeader } from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { deriveEditKeys, secureRandom } from '../../session/keys.ts';
import { catchUp } from './catch-up.ts';
import { MailboxClient } from './client.ts';
import { MailboxRefusal, type MailboxTransport, type RefusalCode } from './ports.ts';

const keys = await deriveEditKeys(new Uint8Array(32).fill(3));
const EPOCH = encodeBase64url(new Uint8Array(16).fill(7));

function seal(
  kind: 'update' | 'tombstone',
  content: Uint8Array,
  signingKey = keys.writer.privateKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const id = encodeBase64url(secureRandom(16));
  const header: EnvelopeHeader = { version: 1, sessionId: keys.sessionId, id, seen: null, kind };
  const sealing = { contentKey: keys.view.contentKey, signingKey };
  return sealEnvelope(header, Uint8Array.from(content), sealing, secureRandom(12));
}

/** A relay with this log, or one that refuses; whatever is sent to it is counted. */
async function read(log: readonly Uint8Array<ArrayBuffer>[] | RefusalCode, held = new Y.Doc()) {
  const asked = { pulls: 0, sent: 0 };
  const send = () => {
    asked.sent += 1;
    return Promise.reject(new MailboxRefusal('relay/unreachable'));
  };
  const transport: MailboxTransport = {
    pull: (after) => {
      asked.pulls += 1;
      if (typeof log === 'string') return Promise.reject(new MailboxRefusal(log));
      // Two at a time.
      const part = log.slice(after, after + 2);
      const answer: Log = {
        header: {
          writer: encodeBase64url(keys.writer.publicKey),
          ...{ epoch: EPOCH, head: log.length, current: null, tombstone: null, snapshot: null },
          first: after + 1,
          entries: part.map(({ length }) => length),
        },
        tombstone: null,
        snapshot: null,
        entries: part.map((bytes, index) => ({ seq: after + 1 + index, bytes })),
      };
      return Promise.resolve(answer);
    },
    append: send,
    putSnapshot: send,
    giveUp: () => undefined,
  };
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const surroundings = {
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    randomBytes: secureRandom,
    after: (milliseconds: number, action: () => void) => {
      // A hundred times as fast.
      const timer = setTimeout(action, milliseconds / 100);
      timers.add(timer);
      return () => {
        clearTimeout(timer);
        timers.delete(timer);
      };
    },
  };
  const { update, status } = await catchUp({
    keys,
    held: Y.encodeStateAsUpdateV2(held),
    transport,
    surroundings,
  });
  const doc = new Y.Doc();
  Y.applyUpdateV2(doc, update);
  return { text: doc.getText('text').toJSON(), doc, status, asked };
}

afterEach(() => vi.restoreAllMocks());

describe('reading once what the relay has', () => {
  it('[NL4] brings all of it, with what the device has, and sends nothing', async () => {
    const [held, other] = [new Y.Doc(), new Y.Doc()];
    held.getText('text').insert(0, 'here ');
    Y.applyUpdate(other, Y.encodeStateAsUpdate(held));
    const log: Promise<Uint8Array<ArrayBuffer>>[] = [];
    other.on('updateV2', (update) => log.push(seal('update', update)));
    for (const word of ['and ', 'there ', 'and ', 'everywhere'])
      other.getText('text').insert(other.getText('text').length, word);
    other.getText('text').delete(0, 5);
    const { text, status, asked } = await read(await Promise.all(log), held);
    expect(text).toBe('and there and everywhere');
    expect(status).toMatchObject({ state: 'current', trouble: null, incomplete: false });
    expect(asked.sent).toBe(0);
    expect(asked.pulls).toBeGreaterThan(1);
  });

  it('[NL4] [SY8] leaves out what its writer did not sign', async () => {
    const [good, bad] = [new Y.Doc(), new Y.Doc()];
    good.getText('text').insert(0, 'good');
    bad.getText('text').insert(0, 'bad');
    const { text, status } = await read([
      await seal('update', Y.encodeStateAsUpdateV2(bad), keys.view.reader.privateKey),
      await seal('update', Y.encodeStateAsUpdateV2(good)),
    ]);
    expect([text, status.dropped]).toEqual(['good', 1]);
  });

  it('[NL4] [SY16] leaves out what cannot be applied, and brings the rest', async () => {
    const good = new Y.Doc();
    good.getText('text').insert(0, 'good');
    const { text, status } = await read([
      await seal('update', Uint8Array.of(1, 2, 3)),
      await seal('update', Y.encodeStateAsUpdateV2(good)),
    ]);
    expect([text, status.state, status.quarantined]).toEqual(['good', 'current', 1]);
  });

  it('[NL4] [SY16] begins anew without what leaves the document half changed', async () => {
    const [good, bad] = [new Y.Doc(), new Y.Doc()];
    good.getText('text').insert(0, 'good');
    bad.getText('text').insert(0, 'bad');
    let failures = 0;
    vi.spyOn(Y.AbstractType.prototype, '_callObserver').mockImplementation(({ origin, afterState }) => {
      if (!(origin instanceof MailboxClient) || !afterState.has(bad.clientID)) return;
      failures += 1;
      throw new Error('poison');
    });
    const { text, status } = await read([
      await seal('update', Y.encodeStateAsUpdateV2(bad)),
      await seal('update', Y.encodeStateAsUpdateV2(good)),
    ]);
    expect([text, status.state, status.quarantined]).toEqual(['good', 'current', 1]);
    expect(failures).toBe(2);
  });

  it('[NL4] leaves out what waits for something that has not arrived', async () => {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'first ');
    const before = Y.encodeStateVector(doc);
    doc.getText('text').insert(6, 'second');
    const {
      text,
      status,
      doc: brought,
    } = await read([await seal('update', Y.encodeStateAsUpdateV2(doc, before))]);
    expect([text, status.incomplete]).toEqual(['', true]);
    expect(brought.store.pendingStructs).toBeNull();
  });

  it.each([
    ['relay/unreachable', { state: 'unreachable' }],
    ['relay/nonsense', { state: 'unreachable' }],
    ['mailbox/not-found', { state: 'unknown' }],
    ['access/token-expired', { trouble: 'relay/refused' }],
    ['mailbox/too-fast', { trouble: 'relay/budget-spent' }],
  ] as const)('[NL4] ends with what the device has where the relay says %s', async (code, status) => {
    const held = new Y.Doc();
    held.getText('text').insert(0, 'here');
    const answer = await read(code, held);
    expect(answer).toMatchObject({ text: 'here', status });
    expect(answer.asked).toEqual({ pulls: 1, sent: 0 });
  });

  it('[NL4] ends with what the device has where the session was deleted', async () => {
    const held = new Y.Doc();
    held.getText('text').insert(0, 'here');
    const answer = await read([await seal('tombstone', new Uint8Array())], held);
    expect(answer).toMatchObject({ text: 'here', status: { state: 'current', trouble: 'relay/deleted' } });
  });
});
