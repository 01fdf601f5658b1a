import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembly, CHUNKS, FrameError, OWN_KINDS, OWN_MESSAGE, splitMessage } from './chunks.ts';

/** A message of so many bytes that is easy to compare. */
function messageOf(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) message[at] = (at * 31 + (at >> 8) + seed) & 0xff;
  // What y-webrtc sends begins with another type.
  if (size > 0) message[0] = 0;
  return message;
}

const same = (one: Uint8Array | null, other: Uint8Array) => one !== null && Buffer.compare(one, other) === 0;

/** The first frame of a message of `size` bytes. */
function first(size: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(CHUNKS.frame);
  frame.set([OWN_MESSAGE, OWN_KINDS.firstFrame]);
  new DataView(frame.buffer).setUint32(2, size);
  return frame;
}

/** Another frame, with so many bytes of content. */
const next = (length: number) => Uint8Array.of(OWN_MESSAGE, OWN_KINDS.nextFrame, ...new Uint8Array(length));

/** Of a message in three frames: the last has ten bytes. */
const SIZE = CHUNKS.frame - 6 + (CHUNKS.frame - 2) + 10;

describe('large messages', () => {
  it('[ME5] arrive as they were, one after the other, in frames that every browser takes', () => {
    const sizes = fc.oneof(
      fc.nat(2_000),
      fc.constantFrom(CHUNKS.whole - 1, CHUNKS.whole, CHUNKS.whole + 1, 4 * (CHUNKS.frame - 2) + 4),
      fc.integer({ min: CHUNKS.whole, max: 5 * CHUNKS.whole }),
    );
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 4 }), (all) => {
        const assembly = new Assembly();
        for (const [index, size] of all.entries()) {
          const message = messageOf(size, index);
          const frames = [...splitMessage(message)];
          for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(CHUNKS.whole);
          const taken = frames.map((frame) => assembly.take(frame));
          expect(taken.slice(0, -1).every((early) => early === null)).toBe(true);
          expect(same(taken.at(-1) ?? null, message)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('[ME5] what stock clients can take is never in frames', () => {
    const message = messageOf(CHUNKS.whole);
    expect([...splitMessage(message)]).toEqual([message]);
  });

  it('[ME6] whatever comes in their place is a FrameError or a message, and takes no more room than it has itself', () => {
    const kinds = fc.constantFrom(OWN_KINDS.firstFrame, OWN_KINDS.nextFrame, OWN_KINDS.message, 255);
    const frame = fc
      .tuple(kinds, fc.uint8Array({ maxLength: 20 }))
      .map(([kind, content]) => Uint8Array.of(OWN_MESSAGE, kind, ...content));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 20 })), { maxLength: 8 }),
        (received) => {
          const assembly = new Assembly();
          let came = 0;
          for (const bytes of received) {
            came += bytes.length;
            try {
              const message = assembly.take(Uint8Array.from(bytes));
              expect(message?.length ?? 0).toBeLessThanOrEqual(came);
            } catch (error) {
              expect(error).toBeInstanceOf(FrameError);
              return;
            }
          }
        },
      ),
    );
  });

  it.each([
    ['a next frame without a first', [next(1)]],
    ['a next frame without a first and without content', [next(0)]],
    ['another first frame in between', [first(SIZE), first(SIZE)]],
    ['a size above the largest', [first(CHUNKS.message + 1)]],
    ['a first frame that is all', [first(CHUNKS.frame - 6)]],
    ['a first frame that is not full', [first(SIZE).subarray(0, -1)]],
    ['a first frame that ends in its size', [Uint8Array.of(OWN_MESSAGE, OWN_KINDS.firstFrame, 0, 0)]],
    ['a next frame that is not full and not the last', [first(SIZE), next(1)]],
    ['a next frame without content', [first(SIZE), next(0)]],
    ['less than was announced', [first(SIZE), next(CHUNKS.frame - 2), next(9)]],
    ['more than was announced', [first(SIZE), next(CHUNKS.frame - 2), next(11)]],
    ['another message of ours in between', [first(SIZE), Uint8Array.of(OWN_MESSAGE, OWN_KINDS.message, 1)]],
    ['a message of y-webrtc in between', [first(SIZE), Uint8Array.of(0, 1, 2)]],
  ])('[ME6] %s is refused', (_what, frames) => {
    const assembly = new Assembly();
    const last = frames.pop();
    for (const frame of frames) expect(assembly.take(frame)).toBeNull();
    expect(() => assembly.take(last ?? new Uint8Array())).toThrow(FrameError);
  });
});
