import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, inject, it, onTestFinished } from 'vitest';
import { runHourlyJob, startRelay } from '../../../../scripts/relay.ts';

/** The file in which a relay that is not running keeps its mailboxes. */
function openDatabase(state: string): DatabaseSync {
  const folder = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  const file = readdirSync(folder).find((name) => /^[0-9a-f]+\.sqlite$/.test(name));
  if (file === undefined) throw new Error('no database');
  return new DatabaseSync(join(folder, file));
}

it('[MB22] the hourly job of a relay on one’s own machine removes what nobody visits', async () => {
  const state = mkdtempSync(join(tmpdir(), 'parley-job-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const assets = join(import.meta.dirname, '../test/site');
  const start = () => startRelay({ port: 0, state, version: 'test', assets });
  await (await start()).stop();

  const before = openDatabase(state);
  const addSession = before.prepare(
    `INSERT INTO sessions (id, writer_key, epoch, revision, head, hashes_after, bodies_after, bytes, minute, minute_count,
       prepaid_day, prepaid_bytes, prepaid_rows, visited_day) VALUES (?1, '', ?1, 1, 1, 0, 0, 4, 0, 0, 0, 0, 0, ?2)`,
  );
  const addEntry = before.prepare(
    `INSERT INTO log (epoch, seq, id, hash, size, at, parts, body) VALUES (?1, 1, '', '', 4, 0, 0, x'00000000')`,
  );
  const today = Math.floor(Date.now() / 86_400_000);
  for (const [id, visited] of [
    ['left', today - 180],
    ['kept', today],
  ] as const) {
    addSession.run(id, visited);
    addEntry.run(id);
  }
  before.close();

  const relay = await start();
  await runHourlyJob(relay.url).finally(relay.stop);
  const after = openDatabase(state);
  expect(after.prepare('SELECT id FROM sessions').all()).toEqual([{ id: 'kept' }]);
  expect(after.prepare('SELECT epoch FROM log').all()).toEqual([{ epoch: 'kept' }]);
  after.close();
}, 120_000);

it('[MB22] a job that fails is told', async () => {
  // Nobody has laid out the database of this one.
  await expect(runHourlyJob(inject('relayUrl'))).rejects.toThrow('The relay’s hourly job failed');
});
