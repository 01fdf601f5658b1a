import { encodeBase64url } from '@parley/signaling/base64url';
import { describe, expect, it } from 'vitest';
import { beginLog, type KnownLog } from './known-log.ts';
import { LogReader } from './log-reader.ts';
import { EPOCH, keys, logOf, newId, seal, writing } from './sealed-log.ts';

const OTHER = encodeBase64url(new Uint8Array(32).fill(9));

function make(known: KnownLog | null = null) {
  const { sessionId, view } = keys;
  let learned = 0;
  const reader = new LogReader({
    ...{ sessionId, contentKey: view.contentKey, known: () => known },
    onKey: () => (learned += 1),
  });
  return { reader, learned: () => learned };
}

const told = (envelopes: readonly string[], epoch = EPOCH) => ({
  ...{ type: 'mailbox' as const, topic: '', epoch, envelopes: [...envelopes] },
  ...{ head: envelopes.length, current: null },
});

describe('what the relay says of the log', () => {
  it('[LK1] [SY8] is believed from the first answer on whose writer the session id certifies', async () => {
    const { reader, learned } = make();
    const good = await seal({ kind: 'update' }, writing('good'));
    expect(await reader.read(logOf([good], { writer: OTHER }))).toBeNull();
    expect([reader.writerKey, learned()]).toEqual([null, 0]);
    const opened = await reader.read(logOf([good]));
    expect(opened?.entries.map(({ content }) => content.kind)).toEqual(['update']);
    expect([reader.writerKey !== null, learned()]).toEqual([true, 1]);
    expect(await reader.read(logOf([good], { writer: OTHER }))).toBeNull();
    expect((await reader.read(logOf([good])))?.head).toBe(1);
    expect(learned()).toBe(1);
  });

  it('[SY8] is held against the writer’s own key by who has it, who learns nothing', async () => {
    const { reader, learned } = make();
    await reader.trust(keys.writer.publicKey);
    const key = reader.writerKey;
    expect(await reader.read(logOf([], { writer: OTHER }))).toBeNull();
    expect((await reader.read(logOf([])))?.head).toBe(0);
    expect([reader.writerKey === key, learned()]).toEqual([true, 0]);
  });

  it('[SY8] over the channel counts once there is a log and a key to hold it against, and only as a whole', async () => {
    const envelope = encodeBase64url(await seal({ kind: 'update' }, writing('good')));
    const early = make(beginLog(EPOCH));
    expect(await early.reader.readTold(told([envelope]))).toBeNull();
    const without = make();
    await without.reader.trust(keys.writer.publicKey);
    expect(await without.reader.readTold(told([envelope]))).toBeNull();

    const { reader } = make(beginLog(EPOCH));
    await reader.trust(keys.writer.publicKey);
    expect((await reader.readTold(told([envelope])))?.entries.map(({ seq }) => seq)).toEqual([1]);
    expect(await reader.readTold(told([envelope], newId()))).toBeNull();
    expect(await reader.readTold({ ...told(['not base64url!', envelope]), head: 1 })).toBeNull();
  });
});
