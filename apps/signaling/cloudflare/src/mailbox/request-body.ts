import type { RelayProblemCode } from '../catalogue.ts';
import { RelayProblem } from '../relay-problem.ts';

/**
 * Reads a request's body, and no further than the limit ([MB20]): what `Content-Length` claims decides nothing.
 *
 * @param limit bytes
 * @throws {RelayProblem} `mailbox/too-large`; `mailbox/malformed` when it broke off; or the codes that are given for these
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  codes: { readonly tooLarge: RelayProblemCode; readonly broken: RelayProblemCode } = {
    tooLarge: 'mailbox/too-large',
    broken: 'mailbox/malformed',
  },
): Promise<Uint8Array<ArrayBuffer>> {
  // One buffer that grows and gives its old self away: a list of pieces would take all of it twice in the end.
  let buffer = new ArrayBuffer(Math.min(limit, 65_536));
  let length = 0;
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new RelayProblem(codes.broken, null, { cause });
    });
    if (done) return new Uint8Array(buffer.transfer(length));
    if (length + value.length > limit) {
      await reader.cancel();
      throw new RelayProblem(codes.tooLarge);
    }
    if (length + value.length > buffer.byteLength) {
      buffer = buffer.transfer(Math.min(limit, Math.max(2 * buffer.byteLength, length + value.length)));
    }
    new Uint8Array(buffer).set(value, length);
    length += value.length;
  }
}
