import { expect, it } from 'vitest';
import { expectRefusal } from '../../test/mailbox-bench.ts';
import { readBody } from './request-body.ts';

/** A body in pieces of these sizes, and how many of them were taken. */
function bodyOf(...sizes: number[]) {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = sizes[taken];
        taken += 1;
        if (size === undefined) controller.close();
        else controller.enqueue(new Uint8Array(size).fill(taken));
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken: () => taken };
}

it('[MB20] reads a body whole, up to the limit', async () => {
  const sizes = [1, 70_000, 0, 100_000, 29_999];
  const bytes = await readBody(bodyOf(...sizes).body, 200_000);
  expect(bytes).toEqual(Uint8Array.from(sizes.flatMap((size, index) => Array<number>(size).fill(index + 1))));
  expect(bytes.buffer.byteLength).toBe(200_000);
  expect(await readBody(null, 10)).toEqual(new Uint8Array());
});

it('[MB20] stops reading where the limit is passed', async () => {
  const { body, taken } = bodyOf(6, 5, 1, 1, 1);
  await expectRefusal(readBody(body, 10), 'mailbox/too-large');
  expect(taken()).toBe(2);
});

it('[MB20] a body that breaks off is malformed', async () => {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new TypeError('gone'));
    },
  });
  await expectRefusal(readBody(body, 10), 'mailbox/malformed');
});
