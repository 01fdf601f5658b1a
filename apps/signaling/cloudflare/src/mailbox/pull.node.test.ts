import { DatabaseSync } from 'node:sqlite';
import { parseEnvelope } from '@parley/signaling/envelope';
import { expect, it } from 'vitest';
import { Author } from '../../test/author.ts';
import { Bench, collect } from '../../test/mailbox-bench.ts';
import { PAGE_BYTES, VALUE_BYTES } from './bodies.ts';
import { openSqliteMailbox } from './sqlite.ts';

/** A pull, and how often it asked the database and in how many pieces it gave its bytes. */
async function measurePull(bench: Bench, author: Author, after: number, epoch: string | null) {
  const before = bench.database.batches;
  const { header, size, bodies } = await bench.mailbox.pull(author.caller(), after, epoch);
  const pieces = await collect(bodies());
  expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(size);
  return { header, pieces: pieces.length, batches: bench.database.batches - before };
}

async function openLog(count: number, size: number) {
  const bench = new Bench(openSqliteMailbox(new DatabaseSync(':memory:')));
  const author = await Author.create();
  for (let at = 0; at < count; at += 5) {
    const envelopes = await Promise.all(Array.from({ length: 5 }, () => author.update(size)));
    await bench.append(author, ...envelopes);
  }
  return { bench, author };
}

it('[MB9] who begins is answered with two questions to the database, and in one piece', async () => {
  const { bench, author } = await openLog(20, 10);
  const first = await author.snapshot(null, 8);
  await bench.put(author, first);
  await bench.put(author, await author.snapshot(parseEnvelope(first).header.id, 15));
  const { header, batches, pieces } = await measurePull(bench, author, 0, null);
  expect(header).toMatchObject({ first: 16, current: { covers: 15 }, snapshot: expect.any(Number) });
  expect(header.entries).toHaveLength(5);
  expect({ batches, pieces }).toEqual({ batches: 2, pieces: 1 });
});

it('[MB8] who goes on is answered with two questions, and with one where nothing is new', async () => {
  const { bench, author } = await openLog(20, 10);
  const { header } = await measurePull(bench, author, 0, null);
  expect(await measurePull(bench, author, 10, header.epoch)).toMatchObject({ batches: 2, pieces: 1 });
  expect(await measurePull(bench, author, 20, header.epoch)).toMatchObject({ batches: 1, pieces: 0 });
});

it('[MB8] no question asks for more bytes than a page has', async () => {
  const { bench, author } = await openLog(5, VALUE_BYTES / 2);
  // In three chunks, the last of which leaves room for nothing more.
  await bench.put(author, await author.snapshot(null, 2, 3 * VALUE_BYTES - 1_000));
  const { mailbox } = bench;
  const { bodies } = await mailbox.pull(author.caller(), 0, null);
  const pieces = (await collect(bodies())).map(({ length }) => length);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(PAGE_BYTES);
  expect(pieces).toHaveLength(3);
});
