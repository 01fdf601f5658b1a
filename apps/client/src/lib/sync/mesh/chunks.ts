/** The type of all messages that only Parley's own peers understand: y-webrtc uses 0, 1, 3 and 4. */
export const OWN_MESSAGE = 80;

/** What follows the type. */
export const OWN_KINDS = { firstFrame: 0, nextFrame: 1, reach: 2, message: 3 } as const;

/** Sizes in bytes. */
export const CHUNKS = {
  /** The largest message that every browser takes as it is, and with that simple-peer, which sends nothing else. */
  whole: 262_144,
  /** The frames that a larger message is sent in; only the last may be smaller. */
  frame: 65_536,
  /** The largest message. */
  message: 64 * 1024 * 1024,
} as const;

const FIRST_HEADER = 6;
const NEXT_HEADER = 2;

/** A frame that is none, or not the next one: what comes behind it cannot be understood either. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code = 'mesh/malformed-frame';
}

/**
 * What a message of at most {@link CHUNKS.message} bytes is sent in: itself if it is small, otherwise frames. The first frame names the
 * size of the whole (4 bytes, big-endian). Frames of one message follow each other without anything in between.
 */
export function* splitMessage(message: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  if (message.length <= CHUNKS.whole) {
    yield message;
    return;
  }
  const first = new Uint8Array(CHUNKS.frame);
  first.set([OWN_MESSAGE, OWN_KINDS.firstFrame]);
  new DataView(first.buffer).setUint32(2, message.length);
  let sent = CHUNKS.frame - FIRST_HEADER;
  first.set(message.subarray(0, sent), FIRST_HEADER);
  yield first;
  while (sent < message.length) {
    const end = Math.min(message.length, sent + CHUNKS.frame - NEXT_HEADER);
    const next = new Uint8Array(NEXT_HEADER + end - sent);
    next.set([OWN_MESSAGE, OWN_KINDS.nextFrame]);
    next.set(message.subarray(sent, end), NEXT_HEADER);
    yield next;
    sent = end;
  }
}

/**
 * Puts the frames of one connection together. It holds no more than has arrived, whatever size was announced, and no more pieces than
 * {@link splitMessage} makes: small ones would take many times their size.
 */
export class Assembly {
  #frames: Uint8Array[] = [];
  #missing = 0;

  /**
   * @param received what came, in its order
   * @returns the message that is complete with it, or null if more of it has to come
   * @throws {FrameError}
   */
  take(received: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const kind = received[0] === OWN_MESSAGE ? received[1] : undefined;
    if (kind === OWN_KINDS.firstFrame) return this.#begin(received);
    if (kind === OWN_KINDS.nextFrame) return this.#continue(received.subarray(NEXT_HEADER));
    if (this.#missing > 0) throw new FrameError('another message in the middle of one');
    return received;
  }

  #begin(frame: Uint8Array<ArrayBuffer>): null {
    if (this.#missing > 0) throw new FrameError('a first frame in the middle of a message');
    if (frame.length !== CHUNKS.frame) throw new FrameError('a first frame that is not full');
    const size = new DataView(frame.buffer, frame.byteOffset).getUint32(2);
    if (size > CHUNKS.message || size <= frame.length - FIRST_HEADER) throw new FrameError('a wrong size');
    this.#missing = size;
    this.#add(frame.subarray(FIRST_HEADER));
    return null;
  }

  #continue(content: Uint8Array): Uint8Array<ArrayBuffer> | null {
    const due = Math.min(this.#missing, CHUNKS.frame - NEXT_HEADER);
    if (due === 0 || content.length !== due) throw new FrameError('not the frame that is due');
    return this.#add(content);
  }

  #add(content: Uint8Array): Uint8Array<ArrayBuffer> | null {
    this.#frames.push(content);
    this.#missing -= content.length;
    if (this.#missing > 0) return null;
    const frames = this.#frames.splice(0);
    const message = new Uint8Array(frames.reduce((size, frame) => size + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
      message.set(frame, at);
      at += frame.length;
    }
    return message;
  }
}
