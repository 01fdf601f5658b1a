import { describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { covers, holdingsOf, NOTHING, type Holdings } from '../holdings.ts';
import { Standby } from './standby.ts';

/** Somebody who types, and a seal that is none. */
function open() {
  const doc = new Y.Doc();
  const due: { at: number; action: () => void }[] = [];
  let now = 1_000;
  let covered: Holdings = NOTHING;
  const seal = vi.fn((update: Uint8Array<ArrayBuffer>) => Promise.resolve(update));
  const isCovered = vi.fn((holdings: Holdings) => covers(covered, holdings));
  const standby = new Standby({
    surroundings: {
      now: () => now,
      after: (milliseconds, action) => {
        const one = { at: now + milliseconds, action };
        due.push(one);
        return () => void due.splice(due.indexOf(one), 1);
      },
    },
    seal,
    isCovered,
  });
  doc.on('updateV2', (update: Uint8Array) => standby.changed(update));
  return {
    doc,
    standby,
    seal,
    isCovered,
    type: (words: string) => doc.getText('text').insert(doc.getText('text').length, words),
    cover: () => (covered = holdingsOf(doc)),
    async pass(milliseconds: number) {
      now += milliseconds;
      for (const one of due.filter(({ at }) => at <= now)) {
        due.splice(due.indexOf(one), 1);
        one.action();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
    /** What somebody has who gets the envelope, and all that was covered before. */
    read(before: Y.Doc = new Y.Doc()) {
      const envelope = standby.envelope();
      if (!envelope) return null;
      Y.applyUpdateV2(before, envelope);
      return before.getText('text').toJSON();
    },
  };
}

describe('what is sealed ahead', () => {
  it('[SY24] is one envelope with all that is not sealed for the log, at once after a pause', async () => {
    const { type, pass, read, seal } = open();
    type('a');
    await pass(0);
    expect(read()).toBe('a');
    type('b');
    await pass(39);
    expect(read()).toBe('a');
    type('c');
    await pass(1);
    expect(read()).toBe('abc');
    expect(seal).toHaveBeenCalledTimes(2);
  });

  it('[SY24] is what came after, once the log has what was before', async () => {
    const { doc, type, pass, read, cover, standby } = open();
    type('before ');
    await pass(0);
    cover();
    expect(standby.envelope()).toBeNull();
    const before = new Y.Doc();
    Y.applyUpdate(before, Y.encodeStateAsUpdate(doc));
    type('after');
    await pass(40);
    expect(read()).toBe('');
    expect(read(before)).toBe('before after');
  });

  it('[SY24] is nothing once it is too much, until the log has that', async () => {
    const { type, pass, read, cover, standby } = open();
    const much = Array.from({ length: 8_000 }, (_, index) => String(index)).join(' ');
    type(much);
    await pass(0);
    expect(standby.envelope()).toBeNull();
    type(' more');
    await pass(40);
    expect(standby.envelope()).toBeNull();
    cover();
    type(' after');
    await pass(40);
    expect(standby.envelope()).not.toBeNull();
    expect(read()).toBe('');
  });

  it('[SY24] stays one envelope, and what it costs bounded, while the relay takes nothing', async () => {
    const { type, pass, read, isCovered } = open();
    for (let times = 0; times < 350; times++) {
      type('x');
      isCovered.mockClear();
      await pass(40);
      expect(isCovered.mock.calls.length).toBeLessThanOrEqual(103);
    }
    expect(read()).toBe('x'.repeat(350));
  });

  it('is not sealed any more once it is stopped', async () => {
    const { type, pass, seal, standby } = open();
    type('a');
    standby.stop();
    await pass(40);
    expect(seal).not.toHaveBeenCalled();
  });
});
