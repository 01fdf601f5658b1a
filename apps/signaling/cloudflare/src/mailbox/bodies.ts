import * as z from 'zod/mini';
import type { DatabaseStatement, MailboxDatabase } from './database.ts';
import { decodeHex, encodeHex } from './hexadecimal.ts';

/** Largest value that is stored ([MB16]), in bytes. As hexadecimal text it has to stay below D1's 2,000,000, too. */
export const VALUE_BYTES = 900_000;

/**
 * Bytes that one batch writes: of several envelopes that come together, or of the chunks that one statement takes. Cloudflare's
 * free plan lets a request run 50 statements, and a body of 32 MiB has 38 chunks.
 */
export const BATCH_BYTES = 3 * VALUE_BYTES;

/** Bytes of bodies that one query reads: a Worker may run only so many. Their text is twice as long. */
export const PAGE_BYTES = 2 * VALUE_BYTES;

/** Where the body of an envelope is kept. */
export interface StoredBody {
  readonly hash: string;
  readonly size: number;
  /** Chunks that hold it; 0 when it is in the row itself. */
  readonly parts: number;
}

/** An envelope's bytes on their way into the database. */
export interface NewBody {
  readonly id: string;
  readonly hash: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** In how many chunks each body is kept: 0 for those that fit into one value, which the commit itself writes. */
export function countParts(sizes: readonly number[]): number[] {
  return sizes.map((size) => (size <= VALUE_BYTES ? 0 : Math.ceil(size / VALUE_BYTES)));
}

/**
 * The statements that write a body's chunks, several chunks each. They are part of nothing until a commit names them; the hourly
 * job removes those that no commit ever named. Each statement is made when it is its turn, and is to be run alone.
 */
export function* stageBody(
  database: MailboxDatabase,
  epoch: string,
  { id, hash, bytes }: NewBody,
  at: number,
): Generator<DatabaseStatement, void> {
  for (let from = 0; from < bytes.length; from += BATCH_BYTES) {
    const chunks: string[] = [];
    for (let start = from; start < Math.min(from + BATCH_BYTES, bytes.length); start += VALUE_BYTES) {
      chunks.push(encodeHex(bytes.subarray(start, start + VALUE_BYTES)));
    }
    const rows = chunks.map((_, index) => `(?1, ?2, ?5 + ${index}, ?3, ?4, unhex(?${6 + index}))`);
    yield database
      .prepare(
        `INSERT INTO chunks (epoch, hash, part, id, at, body) VALUES ${rows.join()}
         ON CONFLICT DO UPDATE SET at = excluded.at`,
      )
      .bind(epoch, hash, id, at, from / VALUE_BYTES, ...chunks);
  }
}

const bodyRow = z.object({ body: z.nullable(z.string()) });

/** Something that was listed has gone before it was read. */
export class BodyGoneError extends Error {
  override readonly name = 'BodyGoneError';
}

/** The bodies among the rows of a query: there have to be as many, in these sizes. */
export function readBodies(rows: readonly unknown[], sizes: readonly number[]): Uint8Array<ArrayBuffer>[] {
  if (rows.length !== sizes.length) throw new BodyGoneError();
  return rows.map((row, index) => {
    const { body } = bodyRow.parse(row);
    if (body?.length !== 2 * (sizes[index] ?? -1)) throw new BodyGoneError();
    return decodeHex(body);
  });
}

/** Chunks of a body from `part` on, `count` at most, in order. */
export function selectChunks(
  database: MailboxDatabase,
  epoch: string,
  hash: string,
  part: number,
  count: number,
): DatabaseStatement {
  return database
    .prepare(
      'SELECT hex(body) AS body FROM chunks WHERE epoch = ?1 AND hash = ?2 AND part >= ?3 ORDER BY part LIMIT ?4',
    )
    .bind(epoch, hash, part, count);
}

/** Sizes of the chunks of a body. */
export function chunkSizes({ size, parts }: StoredBody): number[] {
  return Array.from({ length: parts }, (_, part) => Math.min(VALUE_BYTES, size - part * VALUE_BYTES));
}
