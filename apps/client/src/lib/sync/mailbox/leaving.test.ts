import { describe, expect, it } from 'vitest';
import { createMailbox } from './engine.ts';
import { NOTHING } from '../holdings.ts';
import { isSealed, KEEPALIVE_LIMIT, lastEnvelopes } from './leaving.ts';

const envelope = (length: number) => new Uint8Array(length);
const entry = (bytes: Uint8Array<ArrayBuffer>) => ({ hash: String(bytes.length), bytes, holdings: NOTHING });
const range = (from: number, to: number) => ({ inserted: new Map([[1, [from, to]]]), deleted: new Map() });

describe('what is sent before a page ends', () => {
  it('[SY24] is what was sealed and is not acknowledged, and then what is sealed ahead', () => {
    const [first, second, ahead] = [envelope(1), envelope(2), envelope(3)];
    const mailbox = { ...createMailbox('writer'), outbox: [entry(first), entry(second)] };
    expect(lastEnvelopes(mailbox, ahead, 0)).toEqual([first, second, ahead]);
    expect(lastEnvelopes(mailbox, null, 0)).toEqual([first, second]);
  });

  it('[SY24] is no more than fits, and nothing behind what does not', () => {
    const [small, large] = [envelope(100), envelope(KEEPALIVE_LIMIT - 4)];
    const writer = createMailbox('writer');
    expect(lastEnvelopes(writer, large, 0)).toEqual([large]);
    expect(lastEnvelopes({ ...writer, outbox: [entry(small)] }, large, 0)).toEqual([small]);
    expect(lastEnvelopes({ ...writer, outbox: [entry(envelope(KEEPALIVE_LIMIT))] }, small, 0)).toEqual([]);
    const many = Array.from({ length: 120 }, () => entry(envelope(10)));
    expect(lastEnvelopes({ ...writer, outbox: many }, small, 0)).toHaveLength(100);
  });

  it('[SY12] [SY18] is nothing where the relay takes nothing', () => {
    const writer = createMailbox('writer');
    const refused = { ...writer, due: { ...writer.due, send: 1_000 } };
    expect(lastEnvelopes(refused, envelope(1), 999)).toEqual([]);
    expect(lastEnvelopes(refused, envelope(1), 1_000)).toHaveLength(1);
    expect(lastEnvelopes({ ...writer, deleted: true }, envelope(1), 0)).toEqual([]);
    expect(lastEnvelopes(createMailbox('reader'), envelope(1), 0)).toEqual([]);
  });

  it('[SY24] counts as sealed what the log has, and what is on its way there', () => {
    const sealed = { ...entry(envelope(1)), holdings: range(10, 20) };
    const mailbox = { ...createMailbox('writer'), lacking: range(10, 30), outbox: [sealed] };
    expect(isSealed(mailbox, range(0, 20))).toBe(true);
    expect(isSealed(mailbox, range(0, 21))).toBe(false);
  });
});
