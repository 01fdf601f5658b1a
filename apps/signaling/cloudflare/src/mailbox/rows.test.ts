import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { Author } from '../../test/author.ts';
import { Bench } from '../../test/mailbox-bench.ts';

/** Rows are what D1 charges for; this counts with its own figures. */
async function countRows(bench: Bench, act: () => Promise<unknown>): Promise<number> {
  const before = bench.database.rowsWritten;
  await act();
  return bench.database.rowsWritten - before;
}

it('[MB19] an append writes three rows, and two for each envelope more, when nothing has to be paid', async () => {
  const bench = new Bench(env.DB);
  const author = await Author.create();
  const append = async (count: number) => {
    const envelopes = await Promise.all(Array.from({ length: count }, () => author.update()));
    return countRows(bench, () => bench.append(author, ...envelopes));
  };
  // It pays for 20, 8 of which the first one writes, and another one the day's budget.
  const first = await append(1);
  expect(await append(1)).toBe(3);
  expect(await append(3)).toBe(7);
  // This one pays for 100 more, in one row: no prefix is known here.
  expect(await append(4)).toBe(10);
  expect(await append(40)).toBe(81);
  expect(first).toBeLessThanOrEqual(7);
});

it('[MB7] an append reads the rows that it asks for, however long the log is', async () => {
  const bench = new Bench(env.DB);
  const author = await Author.create();
  const readBy = async (...envelopes: Uint8Array<ArrayBuffer>[]) => {
    const before = bench.database.rowsRead;
    await bench.append(author, ...envelopes);
    return bench.database.rowsRead - before;
  };
  const known = await author.update();
  await bench.append(author, known);
  const few = await readBy(known, await author.update());
  expect(few).toBeGreaterThan(0);
  for (let round = 0; round < 3; round++) {
    await bench.append(author, ...(await Promise.all(Array.from({ length: 100 }, () => author.update()))));
    expect(await readBy(known, await author.update())).toBe(few);
  }
});

it('[MB19] what is paid is never less than what D1 counts', async () => {
  const bench = new Bench(env.DB);
  const author = await Author.create();
  const caller = author.caller('writer', '192.0.2.0/24');
  const paid = async () => {
    const [row] = await bench.database.query(
      `SELECT (SELECT rows FROM budget_prefixes) - prepaid_rows AS used FROM sessions WHERE id = '${author.sessionId}'`,
    );
    return Number(row?.['used']);
  };
  let prev: string | null = null;
  let head = 0;
  for (let round = 0; round < 8; round++) {
    for (const size of [10, 1_000_000, 10]) {
      await bench.mailbox.append(caller, [await author.update(size)]);
      head += 1;
    }
    const { answer } = await bench.mailbox.putSnapshot(caller, await author.snapshot(prev, head, 1_000_000));
    prev = answer.current.id;
    // The day's budget itself is one row that nobody pays.
    expect(bench.database.rowsWritten).toBeLessThanOrEqual((await paid()) + 1);
  }
  expect(bench.database.rowsWritten).toBeGreaterThan(0.9 * (await paid()));
});
