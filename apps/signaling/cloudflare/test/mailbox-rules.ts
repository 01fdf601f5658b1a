import { encodeBase64url } from '@parley/signaling/base64url';
import { ENVELOPE_LIMIT, hashEnvelope, parseEnvelope } from '@parley/signaling/envelope';
import { MAILBOX_LIMITS } from '@parley/signaling/mailbox';
import { describe, expect, it } from 'vitest';
import type { MailboxDatabase } from '../src/mailbox/database.ts';
import { DAY } from '../src/mailbox/day.ts';
import type { MailboxLimits } from '../src/mailbox/mailbox.ts';
import { Author, newId } from './author.ts';
import { Bench, collect, expectRefusal, fingerprint, refusal } from './mailbox-bench.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const idOf = (envelope: Bytes) => parseEnvelope(envelope).header.id;

const updates = (author: Author, count: number, size?: number) =>
  Promise.all(Array.from({ length: count }, () => author.update(size)));

/**
 * The mailbox's rules, for any database that claims to be one.
 *
 * @param openEmpty gives a database with the migrations applied and without rows
 */
export function describeMailbox(openEmpty: () => MailboxDatabase | Promise<MailboxDatabase>): void {
  const openBench = async (limits?: Partial<MailboxLimits>) => new Bench(await openEmpty(), limits);
  const open = async (limits?: Partial<MailboxLimits>) => ({
    bench: await openBench(limits),
    author: await Author.create(),
  });

  describe('access', () => {
    it('[MB2] the reader’s key opens reading once a writer’s token has told it', async () => {
      const { bench, author } = await open();
      const reader = author.caller('reader');
      await expectRefusal(bench.mailbox.pull(reader, 0, null), 'mailbox/not-found');
      await bench.append(author, await author.update());
      expect((await bench.mailbox.pull(reader, 0, null)).header.head).toBe(1);
      await bench.mailbox.authorize(reader);
    });

    it('[MB2] of several that were told, the latest counts, whoever came last', async () => {
      const { bench, author } = await open();
      const told = async (at: number, how: 'append' | 'pull') => {
        const key = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
        const caller = { ...author.caller(), reader: { key, at } };
        if (how === 'append') await bench.mailbox.append(caller, [await author.update()]);
        else await bench.mailbox.pull(caller, 0, null);
        return { ...author.caller('reader'), publicKey: key };
      };
      const first = await told(100, 'append');
      const later = await told(300, 'append');
      const late = await told(200, 'append');
      await bench.mailbox.authorize(later);
      for (const old of [first, late]) await expectRefusal(bench.mailbox.authorize(old), 'mailbox/not-found');
      const latest = await told(400, 'pull');
      await told(350, 'pull');
      await bench.mailbox.authorize(latest);
      await expectRefusal(bench.mailbox.authorize(later), 'mailbox/not-found');
      // A pull pays for nothing, so that it may tell one a minute.
      await told(459, 'pull');
      await bench.mailbox.authorize(latest);
      const last = await told(460, 'pull');
      await bench.mailbox.authorize(last);
      await bench.mailbox.authorize(await told(461, 'append'));
    });

    it('[MB2] [MB3] a reader’s key writes nothing, and another key is not even told so', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const before = await bench.dump();
      const stranger = await Author.create();
      const update = await author.update();
      const snapshot = await author.snapshot(null, 1);
      for (const send of [
        (caller: ReturnType<Author['caller']>) => bench.mailbox.append(caller, [update]),
        (caller: ReturnType<Author['caller']>) => bench.mailbox.putSnapshot(caller, snapshot),
      ]) {
        await expectRefusal(send(author.caller('reader')), 'access/scope');
        const other = { ...author.caller('reader'), publicKey: stranger.writer.publicKey };
        await expectRefusal(send(other), 'mailbox/not-found');
      }
      expect(await bench.dump()).toEqual(before);
    });

    it('[MB3] for a wrong key, nothing of the log is read', async () => {
      const { bench, author } = await open();
      await bench.append(author, ...(await updates(author, 9)));
      await bench.put(author, await author.snapshot(null, 1));
      const rowsFor = async (publicKey: string) => {
        const before = bench.database.rowsGiven;
        await bench.mailbox.pull({ ...author.caller('reader'), publicKey }, 0, null).catch(() => undefined);
        return bench.database.rowsGiven - before;
      };
      expect(await rowsFor(author.reader.publicKey)).toBeGreaterThan(9);
      // The session's own row, which knows the keys.
      expect(await rowsFor((await Author.create()).writer.publicKey)).toBe(1);
    });

    it('[MB3] a session that was never written is not found, for its writer, too, who may listen to it', async () => {
      const { bench, author } = await open();
      const { mailbox } = bench;
      for (const role of ['writer', 'reader'] as const) {
        await expectRefusal(mailbox.pull(author.caller(role), 0, null), 'mailbox/not-found');
        await expectRefusal(mailbox.listSnapshots(author.caller(role)), 'mailbox/not-found');
        await expectRefusal(mailbox.readSnapshot(author.caller(role), newId()), 'mailbox/not-found');
      }
      await mailbox.authorize(author.caller());
      await expectRefusal(mailbox.authorize(author.caller('reader')), 'mailbox/not-found');
    });

    it('[MB3] [MB4] what the writer did not sign, or is for another session, is taken by nobody', async () => {
      const { bench, author } = await open();
      const stranger = await Author.create();
      const good = await author.update();
      const forged = await author.seal({ kind: 'update' }, 10, author.reader.privateKey);
      const changed = good.slice();
      changed[120] = (changed[120] ?? 0) ^ 1;
      const elsewhere = await stranger.update();
      const relabelled = await author.seal({ kind: 'update', sessionId: stranger.sessionId }, 10);
      for (const bad of [forged, changed, elsewhere, relabelled]) {
        await expectRefusal(bench.append(author, good, bad), 'mailbox/not-found');
      }
      const snapshot = await author.seal(
        { kind: 'snapshot', prev: null, covers: 0, chain: encodeBase64url(new Uint8Array(32)) },
        10,
        author.reader.privateKey,
      );
      await expectRefusal(bench.put(author, snapshot), 'mailbox/not-found');
      expect(await bench.database.query('SELECT * FROM sessions')).toEqual([]);
    });
  });

  describe('the log', () => {
    it('[MB5] [MB8] every envelope gets the next seq, in the order of its request, and comes back as it was', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 7);
      const [a, b, c, ...rest] = envelopes as [Bytes, Bytes, Bytes, ...Bytes[]];
      const first = await bench.append(author, a);
      expect(first).toMatchObject({ head: 1, seqs: [1] });
      expect(await bench.append(author, b, c)).toEqual({ epoch: first.epoch, head: 3, seqs: [2, 3] });
      await bench.append(author, ...rest);
      const log = await bench.pull(author);
      expect(log.header).toMatchObject({
        ...{ writer: author.writer.publicKey, epoch: first.epoch, head: 7, first: 1 },
        ...{ current: null, snapshot: null, tombstone: null },
      });
      expect(log.entries).toEqual(envelopes.map((bytes, index) => ({ seq: index + 1, bytes })));
      expect((await bench.pull(author, 5, first.epoch)).entries.map(({ seq }) => seq)).toEqual([6, 7]);
      expect((await bench.pull(author, 7, first.epoch)).header).toMatchObject({ first: 8, entries: [] });
    });

    it('[MB5] appends that meet all get their seqs', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 8);
      const answers = await Promise.all(envelopes.map((envelope) => bench.append(author, envelope)));
      expect(answers.flatMap(({ seqs }) => seqs).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const { entries } = await bench.pull(author);
      for (const [index, { seqs }] of answers.entries()) {
        expect(entries[(seqs[0] ?? 0) - 1]).toEqual({ seq: seqs[0], bytes: envelopes[index] });
      }
      expect(new Set(answers.map(({ epoch }) => epoch)).size).toBe(1);
    });

    it('[MB5] an append that was overtaken between its look and its commit is decided anew', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const [fast, slow] = (await updates(author, 2)) as [Bytes, Bytes];
      const commitOfSlow = bench.database.batches + 1;
      bench.database.onBatch = async (batch) => {
        if (batch === commitOfSlow) expect(await bench.append(author, fast)).toMatchObject({ seqs: [2] });
      };
      expect(await bench.append(author, slow)).toMatchObject({ head: 3, seqs: [3] });
      expect((await bench.pull(author)).entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    });

    it.each<[string, (bench: Bench, author: Author) => Promise<unknown>]>([
      ['an append', async (bench, author) => bench.append(author, await author.update())],
      ['a snapshot', async (bench, author) => bench.put(author, await author.snapshot(null, 1))],
    ])('[MB5] %s that is overtaken is tried twelve times, with random pauses', async (_, send) => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      /** Lets somebody else be faster until there were so many pauses. */
      const overtakeUntil = (pauses: number) => {
        bench.database.onBatch = async () => {
          if (bench.pauses.length >= pauses) return;
          await bench.database.query('UPDATE sessions SET revision = revision + 1');
        };
      };
      overtakeUntil(12);
      const before = await bench.dump();
      expect(await refusal(send(bench, author))).toEqual({ code: 'mailbox/too-fast', retryAfter: 1 });
      expect(bench.reports).toHaveLength(1);
      await bench.database.query('UPDATE sessions SET revision = 1');
      expect(await bench.dump()).toEqual(before);
      const first = bench.pauses.splice(0);
      overtakeUntil(11);
      await send(bench, author);
      for (const pauses of [first, bench.pauses]) {
        expect(pauses).toHaveLength(11);
        for (const [index, pause] of pauses.entries()) {
          expect(pause).toBeGreaterThanOrEqual(0);
          expect(pause).toBeLessThan(Math.min(1_000, 25 * 2 ** index));
        }
      }
      expect(first).not.toEqual(bench.pauses);
    });

    it('[MB5] [MB10] an append to a session that the hourly job has just deleted makes it anew', async () => {
      const { bench, author } = await open({ retentionDays: 1 });
      const { epoch } = await bench.append(author, await author.update());
      bench.wait(3 * DAY);
      const later = await author.update();
      const commit = bench.database.batches + 1;
      bench.database.onBatch = async (batch) => {
        if (batch === commit + 1) await bench.mailbox.sweep();
      };
      const answer = await bench.append(author, later);
      expect(answer).toMatchObject({ head: 1, seqs: [1] });
      expect(answer.epoch).not.toBe(epoch);
      expect((await bench.pull(author)).entries).toEqual([{ seq: 1, bytes: later }]);
    });

    it('[MB5] [MB13] a snapshot that was overtaken by an append leaves the log as it is', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const update = await author.update();
      const snapshot = await author.snapshot(null, 1);
      const commit = bench.database.batches + 2;
      bench.database.onBatch = async (batch) => {
        if (batch === commit) await bench.append(author, update);
      };
      expect(await bench.put(author, snapshot)).toMatchObject({ head: 2, current: { covers: 1 } });
      const { header, entries } = await bench.pull(author);
      expect(header.head).toBe(2);
      expect(entries).toEqual([{ seq: 2, bytes: update }]);
      expect(await bench.append(author, await author.update())).toMatchObject({ seqs: [3] });
      const [kept] = await bench.database.query('SELECT bytes FROM sessions');
      expect(kept).toEqual({ bytes: 3 * update.length + snapshot.length });
    });

    it('[MB6] an append that was decided on a log which has been made anew meanwhile is decided anew', async () => {
      const { bench, author } = await open({ retentionDays: 1 });
      await bench.append(author, ...(await updates(author, 2)));
      bench.wait(3 * DAY);
      const [first, second] = (await updates(author, 2)) as [Bytes, Bytes];
      const commit = bench.database.batches + 2;
      bench.database.onBatch = async (batch) => {
        if (batch !== commit) return;
        await bench.mailbox.sweep();
        await bench.append(author, first);
      };
      expect(await bench.append(author, second)).toMatchObject({ head: 2, seqs: [2] });
      expect((await bench.pull(author)).entries).toEqual([
        { seq: 1, bytes: first },
        { seq: 2, bytes: second },
      ]);
    });

    it('[MB6] a log has a random epoch', async () => {
      const { bench, author } = await open();
      const other = await Author.create();
      const { epoch } = await bench.append(author, await author.update());
      expect(epoch).toMatch(/^[\w-]{22}$/);
      expect((await bench.append(other, await other.update())).epoch).not.toBe(epoch);
    });

    it('[MB7] the same envelope again is answered with the seq it has, wherever it comes', async () => {
      const { bench, author } = await open();
      const [a, b, c] = (await updates(author, 3)) as [Bytes, Bytes, Bytes];
      await bench.append(author, a, b);
      expect(await bench.append(author, b)).toMatchObject({ head: 2, seqs: [2] });
      expect(await bench.append(author, c, a, c)).toMatchObject({ head: 3, seqs: [3, 1, 3] });
      expect((await bench.pull(author)).entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    });

    it('[MB7] its id with other bytes is a conflict, and nothing of that request is taken', async () => {
      const { bench, author } = await open();
      const a = await author.update();
      await bench.append(author, a);
      const before = await bench.dump();
      const impostor = await author.update(11, { id: idOf(a) });
      const fresh = await author.update();
      await expectRefusal(bench.append(author, fresh, impostor), 'mailbox/conflict');
      const twin = await author.update(12, { id: idOf(fresh) });
      await expectRefusal(bench.append(author, fresh, twin), 'mailbox/conflict');
      expect(await bench.dump()).toEqual(before);
    });

    it('[MB7] [MB14] an id is known for 30 days after its body has gone', async () => {
      const { bench, author } = await open();
      const [a, b, c] = (await updates(author, 3)) as [Bytes, Bytes, Bytes];
      const { epoch } = await bench.append(author, a, b);
      const one = await author.snapshot(null, 2);
      await bench.put(author, one);
      await bench.append(author, c);
      await bench.put(author, await author.snapshot(idOf(one), 3));
      bench.wait(30 * DAY - 1);
      await bench.mailbox.sweep();
      expect(await bench.append(author, a)).toMatchObject({ seqs: [1] });
      expect((await bench.pull(author, 1, epoch)).entries).toEqual([
        { seq: 2, hash: await hashEnvelope(b) },
        { seq: 3, hash: await hashEnvelope(c) },
      ]);
      bench.wait(2 * DAY);
      await bench.mailbox.sweep();
      const { header, entries } = await bench.pull(author, 1, epoch);
      expect(header).toMatchObject({ first: 4, head: 3 });
      expect(entries).toEqual([]);
      expect(await bench.database.query('SELECT seq, due_day FROM log JOIN sessions')).toEqual([
        { seq: 3, due_day: null },
      ]);
    });

    it('[MB7] each id is known for 30 days, whatever is older than it', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 4);
      await bench.append(author, ...envelopes);
      let prev: string | null = null;
      for (const [covers, days] of [
        [1, 0],
        [2, 0],
        [3, 1.5],
      ] as const) {
        bench.wait(days * DAY);
        const snapshot: Bytes = await author.snapshot(prev, covers);
        await bench.put(author, snapshot);
        prev = idOf(snapshot);
      }
      const known = async () =>
        (await bench.database.query('SELECT seq FROM log ORDER BY seq')).map(({ seq }) => seq);
      for (const [days, seqs] of [
        [29.5, [2, 3, 4]],
        [1.5, [3, 4]],
        [100, [3, 4]],
      ] as const) {
        bench.wait(days * DAY);
        expect(await bench.mailbox.sweep()).toMatchObject({ isDone: true });
        expect(await known()).toEqual(seqs);
      }
    });

    it('[MB8] answers are of bounded size, and go on where the last one ended', async () => {
      const { bench, author } = await open();
      const size = MAILBOX_LIMITS.pullBytes / 3;
      const envelopes = await updates(author, 6, size);
      for (const envelope of envelopes) await bench.append(author, envelope);
      const { header, entries } = await bench.pull(author);
      expect(entries.map(({ seq }) => seq)).toEqual([1, 2]);
      expect(header.head).toBe(6);
      const rest = await bench.pull(author, 2, header.epoch);
      expect(rest.entries).toEqual([
        { seq: 3, bytes: envelopes[2] },
        { seq: 4, bytes: envelopes[3] },
      ]);
    });

    it('[MB8] an envelope that is larger than an answer is alone in its answer', async () => {
      const { bench, author } = await open();
      const large = await author.update(MAILBOX_LIMITS.pullBytes + 1);
      const { epoch } = await bench.append(author, await author.update());
      for (const next of [large, await author.update()]) await bench.append(author, next);
      expect((await bench.pull(author)).entries.map(({ seq }) => seq)).toEqual([1]);
      expect((await bench.pull(author, 1, epoch)).entries).toEqual([{ seq: 2, bytes: large }]);
      expect((await bench.pull(author, 2, epoch)).entries.map(({ seq }) => seq)).toEqual([3]);
    });

    it('[MB8] another epoch than the log’s, or none, begins at the beginning', async () => {
      const { bench, author } = await open();
      await bench.append(author, ...(await updates(author, 3)));
      for (const epoch of [newId(), null]) {
        expect((await bench.pull(author, 2, epoch)).entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      }
    });

    it('[MB8] who is ahead of the log gets its head and nothing else', async () => {
      const { bench, author } = await open();
      const { epoch } = await bench.append(author, await author.update());
      expect((await bench.pull(author, 9, epoch)).header).toMatchObject({ head: 1, first: 2, entries: [] });
    });

    it('[MB11] an append is told, with its envelopes as long as they are small', async () => {
      const { bench, author } = await open();
      const [a, b] = (await updates(author, 2)) as [Bytes, Bytes];
      await bench.append(author, a);
      const { answer, frame } = await bench.mailbox.append(author.caller(), [a, b]);
      expect(frame).toEqual({
        ...{ type: 'mailbox', topic: `parley/mailbox/${author.sessionId}` },
        ...{ epoch: answer.epoch, head: 2, current: null },
        envelopes: [encodeBase64url(b)],
      });
      const large = await author.update(MAILBOX_LIMITS.notifiedBytes);
      expect((await bench.mailbox.append(author.caller(), [large])).frame).toMatchObject({
        ...{ head: 3, envelopes: [] },
      });
      const snapshot = await author.snapshot(null, 2);
      expect((await bench.mailbox.putSnapshot(author.caller(), snapshot)).frame).toMatchObject({
        ...{ head: 3, current: { id: idOf(snapshot), covers: 2 }, envelopes: [] },
      });
    });

    it('[MB11] what was there already is no news', async () => {
      const { bench, author } = await open();
      const update = await author.update();
      const snapshot = await author.snapshot(null, 1);
      const append = () => bench.mailbox.append(author.caller(), [update]);
      const put = () => bench.mailbox.putSnapshot(author.caller(), snapshot);
      for (const isNew of [true, false]) expect((await append()).isNew).toBe(isNew);
      for (const isNew of [true, false]) expect((await put()).isNew).toBe(isNew);
    });

    it('[MB12] the log holds updates, notices, and kinds that the relay does not know', async () => {
      const { bench, author } = await open();
      const notice = await author.seal({ kind: 'notice' }, 3);
      const unknown = await author.seal({ kind: 'unknown', code: 200 }, 3);
      expect(await bench.append(author, notice, unknown)).toMatchObject({ seqs: [1, 2] });
    });

    it('[MB12] it never holds presence or snapshots, and a snapshot is nothing else', async () => {
      const { bench, author } = await open();
      const update = await author.update();
      await expectRefusal(bench.append(author, update, await author.presence()), 'mailbox/malformed');
      await expectRefusal(bench.append(author, await author.snapshot(null, 0)), 'mailbox/malformed');
      await expectRefusal(bench.put(author, update), 'mailbox/malformed');
      await expectRefusal(bench.append(author, new Uint8Array(500)), 'mailbox/malformed');
      await expectRefusal(bench.append(author), 'mailbox/malformed');
      expect(await bench.database.query('SELECT * FROM sessions')).toEqual([]);
    });
  });

  describe('snapshots', () => {
    it('[MB13] a snapshot follows the current one and covers more than it, and no more than there is', async () => {
      const { bench, author } = await open();
      const { epoch } = await bench.append(author, ...(await updates(author, 5)));
      const first = await author.snapshot(null, 2);
      for (const stale of [await author.snapshot(null, 6), await author.snapshot(newId(), 2)]) {
        await expectRefusal(bench.put(author, stale), 'mailbox/stale-snapshot');
      }
      expect(await bench.put(author, first)).toEqual({
        ...{ epoch, head: 5, current: { id: idOf(first), covers: 2 } },
      });
      for (const stale of [
        await author.snapshot(null, 4),
        await author.snapshot(newId(), 4),
        await author.snapshot(idOf(first), 2),
        await author.snapshot(idOf(first), 1),
        await author.snapshot(idOf(first), 6),
      ]) {
        await expectRefusal(bench.put(author, stale), 'mailbox/stale-snapshot');
      }
      const second = await author.snapshot(idOf(first), 5);
      expect((await bench.put(author, second)).current).toEqual({ id: idOf(second), covers: 5 });
      await expectRefusal(bench.put(author, first), 'mailbox/stale-snapshot');
    });

    it('[MB13] the first one may cover nothing, and may be the first of the session', async () => {
      const { bench, author } = await open();
      await expectRefusal(bench.put(author, await author.snapshot(null, 1)), 'mailbox/stale-snapshot');
      const snapshot = await author.snapshot(null, 0);
      const { epoch } = await bench.put(author, snapshot);
      const update = await author.update();
      expect(await bench.append(author, update)).toMatchObject({ epoch, seqs: [1] });
      const log = await bench.pull(author);
      expect(log.snapshot).toEqual(snapshot);
      expect(log.entries).toEqual([{ seq: 1, bytes: update }]);
    });

    it('[MB13] the current one again is answered as before, and its id with other bytes is a conflict', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const snapshot = await author.snapshot(null, 1);
      const answer = await bench.put(author, snapshot);
      const before = await bench.dump();
      expect(await bench.put(author, snapshot)).toEqual(answer);
      const impostor = await author.snapshot(null, 1, 30, { id: idOf(snapshot) });
      await expectRefusal(bench.put(author, impostor), 'mailbox/conflict');
      expect(await bench.dump()).toEqual(before);
    });

    it('[MB13] of two snapshots that meet, one becomes the current one', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const rivals = [await author.snapshot(null, 1), await author.snapshot(null, 1)];
      const outcomes = await Promise.allSettled(rivals.map((snapshot) => bench.put(author, snapshot)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const winner = rivals[outcomes.findIndex(({ status }) => status === 'fulfilled')];
      expect((await bench.pull(author)).snapshot).toEqual(winner);
    });

    it('[MB14] [MB9] what a snapshot covers keeps its bodies until the following snapshot', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 6);
      const { epoch } = await bench.append(author, ...envelopes.slice(0, 4));
      const first = await author.snapshot(null, 2);
      await bench.put(author, first);
      const whole = await bench.pull(author, 1, epoch);
      expect(whole.snapshot).toBeNull();
      expect(whole.header.current).toEqual({ id: idOf(first), covers: 2 });
      expect(whole.entries).toEqual([2, 3, 4].map((seq) => ({ seq, bytes: envelopes[seq - 1] })));

      await bench.append(author, ...envelopes.slice(4));
      const second = await author.snapshot(idOf(first), 5);
      await bench.put(author, second);
      const near = await bench.pull(author, 2, epoch);
      expect(near.snapshot).toBeNull();
      expect(near.entries).toEqual([3, 4, 5, 6].map((seq) => ({ seq, bytes: envelopes[seq - 1] })));
      const far = await bench.pull(author, 1, epoch);
      expect(far.snapshot).toEqual(second);
      expect(far.header.first).toBe(2);
      expect(far.entries).toEqual([
        ...(await Promise.all(
          [2, 3, 4, 5].map(async (seq) => ({
            seq,
            hash: await hashEnvelope(envelopes[seq - 1] ?? new Uint8Array()),
          })),
        )),
        { seq: 6, bytes: envelopes[5] },
      ]);
      expect(await bench.database.query('SELECT seq FROM log WHERE body IS NULL')).toEqual([
        { seq: 1 },
        { seq: 2 },
      ]);
    });

    it('[MB9] who begins gets the current snapshot and what follows it', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 3);
      const { epoch } = await bench.append(author, ...envelopes);
      const snapshot = await author.snapshot(null, 2);
      await bench.put(author, snapshot);
      for (const known of [null, epoch]) {
        const log = await bench.pull(author, 0, known);
        expect(log.header).toMatchObject({ first: 3, current: { id: idOf(snapshot), covers: 2 } });
        expect(log.snapshot).toEqual(snapshot);
        expect(log.entries).toEqual([{ seq: 3, bytes: envelopes[2] }]);
      }
    });

    it('[MB15] the last five snapshots are kept, and can be listed and read', async () => {
      const { bench, author } = await open();
      await bench.append(author, ...(await updates(author, 7)));
      const snapshots: Bytes[] = [];
      for (let covers = 1; covers <= 7; covers++) {
        const prev = snapshots.at(-1);
        snapshots.push(await author.snapshot(prev ? idOf(prev) : null, covers, 20 + covers));
        await bench.put(author, snapshots.at(-1) as Bytes);
        bench.wait(1_000);
      }
      const { mailbox, now } = bench;
      const kept = snapshots.slice(2).toReversed();
      expect(await mailbox.listSnapshots(author.caller('reader'))).toEqual({
        snapshots: kept.map((bytes, index) => ({
          ...{ id: idOf(bytes), covers: 7 - index, size: bytes.length, at: now - (index + 1) * 1_000 },
        })),
      });
      for (const bytes of kept) {
        const { size, body } = await mailbox.readSnapshot(author.caller('reader'), idOf(bytes));
        expect(size).toBe(bytes.length);
        expect(await collect(body())).toEqual([bytes]);
      }
      for (const bytes of snapshots.slice(0, 2)) {
        await expectRefusal(mailbox.readSnapshot(author.caller(), idOf(bytes)), 'mailbox/not-found');
      }
    });
  });

  describe('limits', () => {
    it('[MB16] no stored value is larger than 900,000 bytes, and large bodies come back whole', async () => {
      const { bench, author } = await open();
      const envelopes = [
        await author.update(2_500_000),
        await author.update(900_000 - 190),
        await author.update(900_000 - 189),
        await author.update(10),
        ...(await updates(author, 3, 800_000)),
      ];
      expect(envelopes[1]?.length).toBe(900_000);
      const { epoch } = await bench.append(author, ...envelopes.slice(0, 1));
      await bench.append(author, ...envelopes.slice(1, 4));
      await bench.append(author, ...envelopes.slice(4));
      const pulled: Bytes[] = [];
      while (pulled.length < envelopes.length) {
        const { entries } = await bench.pull(author, pulled.length, epoch);
        for (const entry of entries) if ('bytes' in entry) pulled.push(entry.bytes);
      }
      expect(await Promise.all(pulled.map(hashEnvelope))).toEqual(
        await Promise.all(envelopes.map(hashEnvelope)),
      );
      const snapshot = await author.snapshot(null, 7, 1_900_000);
      await bench.put(author, snapshot);
      const sizes = await bench.database.query(
        `SELECT max(length(body)) AS size FROM (SELECT body FROM log UNION ALL SELECT body FROM chunks
           UNION ALL SELECT body FROM snapshots)`,
      );
      expect(sizes).toEqual([{ size: 900_000 }]);
      expect(await hashEnvelope((await bench.pull(author)).snapshot ?? new Uint8Array())).toBe(
        await hashEnvelope(snapshot),
      );
    });

    it('[MB16] chunks go with the bodies that they are of', async () => {
      const { bench, author } = await open();
      const chunks = async () =>
        (await bench.database.query('SELECT DISTINCT id FROM chunks ORDER BY at')).map(({ id }) => id);
      const large = await author.update(1_000_000);
      await bench.append(author, large, await author.update());
      const first = await author.snapshot(null, 1, 1_000_000);
      await bench.put(author, first);
      bench.wait(1);
      expect((await chunks()).sort()).toEqual([idOf(large), idOf(first)].sort());
      const second = await author.snapshot(idOf(first), 2);
      await bench.put(author, second);
      expect(await chunks()).toEqual([idOf(first)]);
      let prev = second;
      for (let covers = 3; covers <= 6; covers++) {
        await bench.append(author, await author.update());
        prev = await author.snapshot(idOf(prev), covers);
        await bench.put(author, prev);
      }
      expect(await chunks()).toEqual([]);
    });

    it('[MB17] before anything is refused, old snapshots go, the oldest first, and then the covered bodies', async () => {
      const { bench, author } = await open({ sessionBytes: 10_000 });
      await bench.append(author, ...(await updates(author, 4, 1_000 - 190)));
      const first = await author.snapshot(null, 1, 1_000 - 246);
      await bench.put(author, first);
      const second = await author.snapshot(idOf(first), 3, 1_000 - 246);
      await bench.put(author, second);
      const third = await author.snapshot(idOf(second), 4, 1_000 - 246);
      await bench.put(author, third);
      // One body at seq 4, three snapshots.
      expect(await bench.database.query('SELECT bytes, bodies_after FROM sessions')).toEqual([
        { bytes: 4_000, bodies_after: 3 },
      ]);
      const kept = async () =>
        (await bench.mailbox.listSnapshots(author.caller())).snapshots.map(({ covers }) => covers);
      await bench.append(author, await author.update(6_000 - 190));
      expect(await kept()).toEqual([4, 3, 1]);
      await bench.append(author, await author.update(1_000 - 190));
      expect(await kept()).toEqual([4, 3]);
      await bench.append(author, await author.update(1_500 - 190));
      expect(await kept()).toEqual([4]);
      expect(await bench.database.query('SELECT bytes, bodies_after FROM sessions')).toEqual([
        { bytes: 9_500, bodies_after: 4 },
      ]);
      const before = await bench.dump();
      await expectRefusal(bench.append(author, await author.update(600)), 'mailbox/quota-exceeded');
      await expectRefusal(
        bench.put(author, await author.snapshot(idOf(third), 5, 9_000)),
        'mailbox/quota-exceeded',
      );
      expect(await bench.dump()).toEqual(before);
    });

    it('[MB17] a snapshot that makes the session smaller is always taken', async () => {
      const { bench, author } = await open();
      const limits = { sessionBytes: 1_000 };
      for (let index = 0; index < 3; index++) await bench.append(author, await author.update(2_000));
      const strict = new Bench(bench.database, limits);
      await expectRefusal(strict.append(author, await author.update()), 'mailbox/quota-exceeded');
      const tooLarge = await author.snapshot(null, 2, 4_500);
      await expectRefusal(strict.put(author, tooLarge), 'mailbox/quota-exceeded');
      const smaller = await author.snapshot(null, 2, 1_500);
      await strict.put(author, smaller);
      const log = await strict.pull(author);
      expect(log.snapshot).toEqual(smaller);
      expect(log.entries.map(({ seq }) => seq)).toEqual([3]);
    });

    it('[MB18] a session appends so many envelopes a minute, and is told when the next one begins', async () => {
      const { bench, author } = await open({ sessionEnvelopesPerMinute: 3 });
      const [a, b, c, d] = (await updates(author, 4)) as [Bytes, Bytes, Bytes, Bytes];
      await bench.append(author, a, b);
      expect(await refusal(bench.append(author, c, d))).toEqual({ code: 'mailbox/too-fast', retryAfter: 50 });
      expect(await bench.append(author, a, b, c)).toMatchObject({ seqs: [1, 2, 3] });
      await expectRefusal(bench.append(author, d), 'mailbox/too-fast');
      bench.wait(50_000);
      expect(await bench.append(author, d)).toMatchObject({ seqs: [4] });
    });

    it.each([
      ['sessions', { dailySessions: 2 }],
      ['bytes', { dailyBytes: 1_000 }],
      ['rows', { dailyRows: 16 }],
    ])('[MB19] in a day, the relay takes so many %s', async (_, limits) => {
      const bench = await openBench(limits);
      const taken: Author[] = [];
      let refused: { code: string; retryAfter: number | null } | undefined;
      for (let index = 0; index < 10 && !refused; index++) {
        const author = await Author.create();
        await bench.append(author, await author.update(300)).then(
          () => taken.push(author),
          async (error: unknown) => {
            refused = await refusal(Promise.reject(error as Error));
          },
        );
      }
      expect(taken).toHaveLength(2);
      expect(refused).toEqual({ code: 'relay/budget-spent', retryAfter: 14 * 3_600 - 10 });
      bench.wait(14 * 3_600_000);
      const author = await Author.create();
      await bench.append(author, await author.update(300));
    });

    it('[MB19] one IP prefix may use half of each, and is kept as a hash', async () => {
      const bench = await openBench({ dailySessions: 4 });
      const appendFrom = async (prefix: string | null) => {
        const author = await Author.create();
        return bench.mailbox.append(author.caller('writer', prefix), [await author.update()]);
      };
      await appendFrom('192.0.2.0/24');
      await appendFrom('192.0.2.0/24');
      await expectRefusal(appendFrom('192.0.2.0/24'), 'relay/budget-spent');
      await appendFrom('198.51.100.0/24');
      // Where no prefix is known there is only the relay's budget.
      await appendFrom(null);
      const prefixes = await bench.database.query('SELECT prefix FROM budget_prefixes');
      expect(prefixes).toHaveLength(2);
      expect(JSON.stringify(prefixes)).not.toMatch(/192|198\.51/);
      bench.wait(DAY);
      await appendFrom('192.0.2.0/24');
      const days = await bench.database.query(
        'SELECT count(DISTINCT prefix) AS hashes, count(DISTINCT hex(salt)) AS salts FROM budget_prefixes JOIN budgets USING (day)',
      );
      expect(days).toEqual([{ hashes: 3, salts: 2 }]);
      await bench.mailbox.sweep();
      expect(await bench.database.query('SELECT day FROM budgets')).toHaveLength(1);
      expect(await bench.database.query('SELECT day FROM budget_prefixes')).toHaveLength(1);
    });

    it.each<[string, Partial<MailboxLimits>, string | null]>([
      ['sessions', { dailySessions: 1 }, null],
      ['bytes', { dailyBytes: 500 }, null],
      ['rows', { dailyRows: 10 }, null],
      ['bytes that it keeps', { totalBytes: 600 }, null],
      ['sessions of a prefix', { dailySessions: 2 }, '192.0.2.0/24'],
      ['bytes of a prefix', { dailyBytes: 1_000 }, '192.0.2.0/24'],
      ['rows of a prefix', { dailyRows: 20 }, '192.0.2.0/24'],
    ])('[MB19] budgets are never exceeded, though others pay meanwhile: %s', async (_, limits, prefix) => {
      const bench = await openBench(limits);
      const [fast, slow] = [await Author.create(), await Author.create()];
      const post = async (author: Author) =>
        bench.mailbox.append(author.caller('writer', prefix), [await author.update(200)]);
      // It looks, looks at the budget, at the prefix's if there is one, and commits.
      const commit = bench.database.batches + (prefix === null ? 2 : 3);
      let paid: unknown;
      bench.database.onBatch = async (batch) => {
        if (batch === commit) paid = await post(fast);
      };
      await expectRefusal(post(slow), 'relay/budget-spent');
      expect(paid).toMatchObject({ answer: { head: 1 } });
      expect(await bench.database.query('SELECT id FROM sessions')).toEqual([{ id: fast.sessionId }]);
    });

    it('[MB19] what was paid in advance is used before more is paid, and only that day', async () => {
      const { bench, author } = await open();
      const paid = async () => await bench.database.query('SELECT bytes, rows FROM budgets ORDER BY day');
      await bench.append(author, await author.update());
      const [first] = await paid();
      expect(first).toEqual({ bytes: 32_768, rows: 20 });
      for (let index = 0; index < 4; index++) await bench.append(author, await author.update());
      expect(await paid()).toEqual([first]);
      await bench.append(author, await author.update());
      expect(await paid()).toEqual([{ bytes: 32_768, rows: 120 }]);
      bench.wait(DAY);
      await bench.append(author, await author.update());
      expect(await paid()).toEqual([
        { bytes: 32_768, rows: 120 },
        { bytes: 32_768, rows: 20 },
      ]);
    });
  });

  describe('large bodies', () => {
    it.each([
      [
        'appends',
        (bench: Bench, author: Author) => author.update(950_000).then((e) => bench.append(author, e)),
      ],
      [
        'snapshots',
        (bench: Bench, author: Author) => author.snapshot(null, 0, 950_000).then((e) => bench.put(author, e)),
      ],
    ])('[MB19] of many %s at once, no more is stored than was paid for', async (_, send) => {
      const bench = await openBench({ dailyBytes: 3_000_000 });
      const authors = await Promise.all(Array.from({ length: 8 }, () => Author.create()));
      // Nobody commits before all have looked at the budget, and have stored what they do before a commit.
      bench.database.onBatch = () => new Promise((resolve) => setImmediate(resolve));
      const outcomes = await Promise.allSettled(authors.map((author) => send(bench, author)));
      bench.database.onBatch = () => undefined;
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
      const [{ stored } = { stored: null }] = await bench.database.query(
        'SELECT sum(length(body)) AS stored FROM chunks',
      );
      const [{ paid } = { paid: null }] = await bench.database.query('SELECT bytes AS paid FROM budgets');
      expect(Number(stored)).toBeLessThanOrEqual(Number(paid));
      expect(Number(paid)).toBeLessThanOrEqual(3_000_000);
    });

    it('[MB19] what was staged is paid for once, though others are faster', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const [other, large] = [await author.update(), await author.update(1_000_000)];
      const paid = async () =>
        Number((await bench.database.query('SELECT bytes FROM budgets'))[0]?.['bytes']);
      const before = await paid();
      // It looks, looks at the budget, pays, stages and commits.
      const commit = bench.database.batches + 4;
      bench.database.onBatch = async (batch) => {
        if (batch === commit) await bench.append(author, other);
      };
      expect(await bench.append(author, large)).toMatchObject({ seqs: [3] });
      expect(await paid()).toBe(before + large.length);
    });

    it('[MB16] an answer takes few statements, and none that reads much, however large what it gives', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      await bench.put(author, await author.snapshot(null, 1, 21_000_000));
      const large = await author.update(21_000_000);
      const { epoch } = await bench.append(author, large);
      for (let index = 0; index < 4; index++)
        await bench.append(author, ...(await updates(author, 25, 27_000)));
      const statementsOf = async (after: number) => {
        const before = bench.database.statements;
        const { entries, snapshot } = await bench.pull(author, after, epoch);
        return { entries, snapshot, statements: bench.database.statements - before };
      };
      const newcomer = await statementsOf(0);
      expect(newcomer.snapshot?.length).toBeGreaterThan(21_000_000);
      expect(newcomer.entries[0]).toMatchObject({ seq: 2 });
      expect(newcomer.statements).toBeLessThanOrEqual(40);
      const follower = await statementsOf(2);
      expect(follower.entries).toHaveLength(100);
      expect(follower.statements).toBeLessThanOrEqual(10);
      // Hexadecimal, of two values at most.
      expect(bench.database.largestAnswer).toBeLessThanOrEqual(2 * 2 * 900_000);
    });

    it.each<[string, (bench: Bench, author: Author, prev: Bytes) => Promise<unknown>]>([
      [
        'an append',
        async (bench, author) => {
          const envelope = await author.update(MAILBOX_LIMITS.requestBytes - 190);
          expect(envelope.length).toBe(MAILBOX_LIMITS.requestBytes);
          return bench.mailbox.append(author.caller('writer', '192.0.2.0/24'), [envelope]);
        },
      ],
      [
        'a snapshot',
        async (bench, author, prev) => {
          const envelope = await author.snapshot(idOf(prev), 4, ENVELOPE_LIMIT - 246);
          expect(envelope.length).toBe(ENVELOPE_LIMIT);
          return bench.mailbox.putSnapshot(author.caller('writer', '192.0.2.0/24'), envelope);
        },
      ],
    ])('[MB16] %s of the largest size takes fewer statements than a free plan allows', async (_, send) => {
      const { bench, author } = await open({ sessionBytes: MAILBOX_LIMITS.requestBytes + 2_000 });
      // It has to make room of all sorts, and to pay: no request has more to do.
      await bench.append(author, ...(await updates(author, 4, 500)));
      const first = await author.snapshot(null, 1, 800);
      await bench.put(author, first);
      const second = await author.snapshot(idOf(first), 3, 800);
      await bench.put(author, second);
      bench.wait(DAY);
      const before = bench.database.statements;
      await send(bench, author, second);
      const statements = bench.database.statements - before;
      const kept = await bench.database.query('SELECT covers FROM snapshots WHERE parts = 0');
      expect(kept.length).toBeLessThan(2);
      // 50, of which telling the hub may count as one.
      expect(statements).toBeLessThanOrEqual(49);
      expect(statements).toBeGreaterThan(13);
    });

    it('[MB19] what was staged is paid for once, though the storage fails in between', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const large = await author.update(4_000_000);
      const paid = async () =>
        Number((await bench.database.query('SELECT bytes FROM budgets'))[0]?.['bytes']);
      const before = await paid();
      // It looks, looks at the budget, pays, and stages in two batches.
      bench.database.failures.set(bench.database.batches + 4, 'before');
      await bench.append(author, large);
      expect(await paid()).toBe(before + large.length);
    });

    it('[MB16] several envelopes in one request have to fit into one commit', async () => {
      const { bench, author } = await open();
      const envelopes = await updates(author, 3, 899_800);
      expect(await bench.append(author, ...envelopes)).toMatchObject({ seqs: [1, 2, 3] });
      const before = await bench.dump();
      await expectRefusal(bench.append(author, ...(await updates(author, 4, 700_000))), 'mailbox/too-large');
      expect(await bench.dump()).toEqual(before);
      expect(await bench.append(author, await author.update(2_800_000))).toMatchObject({ seqs: [4] });
    });
  });

  describe('a relay that is full', () => {
    const kept = async (bench: Bench) =>
      Number((await bench.database.query('SELECT bytes FROM kept'))[0]?.['bytes']);

    it('[MB19] the relay keeps so many bytes, and the last tenth of them for sessions that it has', async () => {
      const { bench, author } = await open({ totalBytes: 100_000 });
      await bench.append(author, await author.update(80_000 - 190));
      const late = await Author.create();
      const first = await late.update(15_000);
      await expectRefusal(bench.append(late, first), 'relay/budget-spent');
      await bench.append(author, await author.update(15_000));
      await expectRefusal(bench.append(author, await author.update(15_000)), 'relay/budget-spent');
      expect(await kept(bench)).toBeLessThanOrEqual(100_000);
      await bench.append(author, await author.tombstone());
      for (let runs = 0; runs < 2; runs++) {
        bench.wait(DAY);
        await bench.mailbox.sweep();
      }
      await bench.append(late, first);
    });

    it('[MB19] large bodies count from before they are written, whatever becomes of them', async () => {
      const { bench, author } = await open({ totalBytes: 3_000_000 });
      await bench.append(author, await author.update());
      const large = await author.update(1_000_000);
      // It looks, looks at the budget, pays, stages and commits, and then looks and commits again.
      const commit = bench.database.batches + 4;
      for (const batch of [commit, commit + 2]) bench.database.failures.set(batch, 'before');
      await expectRefusal(bench.append(author, large), 'relay/unavailable');
      expect(await kept(bench)).toBeGreaterThanOrEqual(1_000_000);
      for (let runs = 0; runs < 2; runs++) await bench.mailbox.sweep();
      expect(await kept(bench)).toBeGreaterThanOrEqual(1_000_000);
      bench.wait(DAY);
      for (let runs = 0; runs < 2; runs++) await bench.mailbox.sweep();
      expect(await kept(bench)).toBeLessThan(1_000);
    });
  });

  describe('counting anew what the relay keeps', () => {
    const kept = async (bench: Bench) =>
      Number((await bench.database.query('SELECT bytes FROM kept'))[0]?.['bytes']);

    it('[MB19] what was paid for and is still on its way counts', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      for (let runs = 0; runs < 2; runs++) await bench.mailbox.sweep();
      const large = await author.update(1_000_000);
      // It looks, looks at the budget, pays and stages.
      const stage = bench.database.batches + 3;
      let counted = 0;
      bench.database.onBatch = async (batch) => {
        if (batch !== stage) return;
        expect(await bench.database.query('SELECT * FROM chunks')).toEqual([]);
        await bench.mailbox.sweep();
        counted = await kept(bench);
      };
      await bench.append(author, large);
      expect(counted).toBeGreaterThanOrEqual(large.length);
    });

    it('[MB19] what was paid in advance counts as long as it may be used', async () => {
      const { bench, author } = await open();
      const update = await author.update();
      await bench.append(author, update);
      for (let runs = 0; runs < 2; runs++) await bench.mailbox.sweep();
      expect(await kept(bench)).toBe(32_768);
      bench.wait(DAY);
      await bench.mailbox.sweep();
      expect(await kept(bench)).toBe(update.length);
    });

    it('[MB19] what is left of a log that is removed piece by piece counts to its end', async () => {
      const { bench, author } = await open({ retentionDays: 1 });
      await bench.append(author, ...(await updates(author, 30, 1_000)));
      for (let runs = 0; runs < 2; runs++) await bench.mailbox.sweep();
      bench.wait(2 * DAY);
      expect(await bench.mailbox.sweep(20)).toMatchObject({ sessions: 1, isDone: false });
      const [{ stored } = { stored: null }] = await bench.database.query(
        'SELECT sum(length(body)) AS stored FROM log',
      );
      expect(Number(stored)).toBeGreaterThan(10_000);
      expect(await kept(bench)).toBeGreaterThanOrEqual(Number(stored));
      expect(await bench.mailbox.sweep(20)).toMatchObject({ isDone: true });
      expect(await kept(bench)).toBe(0);
    });
  });

  describe('the end', () => {
    it('[MB21] a tombstone empties the mailbox and stays', async () => {
      const { bench, author } = await open();
      const { epoch } = await bench.append(
        author,
        ...(await updates(author, 2)),
        await author.update(1_000_000),
      );
      const snapshot = await author.snapshot(null, 2);
      await bench.put(author, snapshot);
      const tombstone = await author.tombstone();
      expect(await bench.append(author, tombstone)).toMatchObject({ head: 4, seqs: [4] });
      for (const table of ['log', 'snapshots', 'chunks']) {
        expect(await bench.database.query(`SELECT * FROM ${table}`)).toEqual([]);
      }
      bench.wait(1_000 * DAY);
      await bench.mailbox.sweep();
      for (const after of [0, 1, 4]) {
        const log = await bench.pull(author, after, epoch);
        expect(log.tombstone).toEqual(tombstone);
        expect(log.header).toMatchObject({
          epoch,
          head: 4,
          first: 5,
          entries: [],
          snapshot: null,
          current: null,
        });
      }
      expect(await bench.append(author, tombstone)).toMatchObject({ head: 4, seqs: [4] });
      for (const sent of [await author.tombstone(), await author.update()]) {
        await expectRefusal(bench.append(author, sent), 'mailbox/deleted');
      }
      await expectRefusal(bench.put(author, await author.snapshot(null, 0)), 'mailbox/deleted');
      await expectRefusal(bench.mailbox.listSnapshots(author.caller('reader')), 'mailbox/deleted');
      await expectRefusal(bench.mailbox.readSnapshot(author.caller(), idOf(snapshot)), 'mailbox/deleted');
      const stranger = { ...author.caller('reader'), publicKey: author.writer.publicKey };
      await expectRefusal(bench.mailbox.listSnapshots(stranger), 'mailbox/not-found');
      expect(await bench.database.query('SELECT * FROM remains')).toEqual([]);
    });

    it('[MB21] a tombstone comes alone, and is small', async () => {
      const { bench, author } = await open();
      const tombstone = await author.tombstone();
      const update = await author.update();
      await expectRefusal(bench.append(author, tombstone, update), 'mailbox/malformed');
      await expectRefusal(bench.append(author, update, tombstone), 'mailbox/malformed');
      const large = await author.seal({ kind: 'tombstone' }, 1_000);
      await expectRefusal(bench.append(author, large), 'mailbox/too-large');
    });

    it('[MB21] a session can be deleted when the budget does not allow to remove what it kept at once', async () => {
      const { bench, author } = await open();
      await bench.append(author, ...(await updates(author, 60)));
      bench.wait(DAY);
      const poor = new Bench(bench.database, { dailyRows: 20 });
      poor.now = bench.now;
      await poor.append(author, await author.tombstone());
      expect((await poor.pull(author)).header).toMatchObject({ head: 61, entries: [] });
      expect(await poor.database.query('SELECT count(*) AS rows FROM log')).toEqual([{ rows: 60 }]);
      expect(await poor.mailbox.sweep(40)).toMatchObject({ isDone: false });
      expect(await poor.mailbox.sweep(40)).toMatchObject({ isDone: true });
      expect(await poor.database.query('SELECT * FROM log')).toEqual([]);
      expect(await poor.database.query('SELECT * FROM remains')).toEqual([]);
    });

    it('[MB22] a session that nobody has visited for the time of retention is deleted and leaves nothing', async () => {
      const { bench, author } = await open();
      const kept = await Author.create();
      const { epoch } = await bench.append(author, await author.update(), await author.update(1_000_000));
      await bench.put(author, await author.snapshot(null, 1));
      await bench.append(kept, await kept.update());
      bench.wait(179 * DAY);
      expect(await bench.mailbox.sweep()).toMatchObject({ sessions: 0, isDone: true });
      await bench.mailbox.pull(kept.caller('reader'), 0, null);
      bench.wait(DAY);
      expect(await bench.mailbox.sweep()).toMatchObject({ sessions: 1, isDone: true });
      await expectRefusal(bench.pull(author), 'mailbox/not-found');
      for (const table of ['log', 'snapshots', 'chunks']) {
        expect(await bench.database.query(`SELECT * FROM ${table} WHERE epoch = '${epoch}'`)).toEqual([]);
      }
      expect((await bench.pull(kept)).header.head).toBe(1);
      const anew = await bench.append(author, await author.update());
      expect(anew).toMatchObject({ head: 1, seqs: [1] });
      expect(anew.epoch).not.toBe(epoch);
    });

    it('[MB22] a log of which much is left goes piece by piece, and one that was made anew is not touched', async () => {
      const { bench, author } = await open({ retentionDays: 1 });
      await bench.append(author, ...(await updates(author, 30)));
      bench.wait(2 * DAY);
      expect(await bench.mailbox.sweep(20)).toMatchObject({ sessions: 1, isDone: false });
      const again = await author.update();
      await bench.append(author, again);
      expect((await bench.pull(author)).entries).toEqual([{ seq: 1, bytes: again }]);
      expect(await bench.mailbox.sweep(20)).toMatchObject({ sessions: 0, isDone: true });
      expect(await bench.database.query('SELECT seq FROM log')).toEqual([{ seq: 1 }]);
      expect((await bench.pull(author)).entries).toEqual([{ seq: 1, bytes: again }]);
    });

    it('[MB22] who writes has visited, too', async () => {
      const { bench, author } = await open();
      const other = await Author.create();
      for (const each of [author, other]) await bench.append(each, await each.update());
      bench.wait(179 * DAY);
      await bench.append(author, await author.update());
      await bench.put(other, await other.snapshot(null, 1));
      bench.wait(179 * DAY);
      expect(await bench.mailbox.sweep()).toMatchObject({ sessions: 0 });
      bench.wait(DAY);
      expect(await bench.mailbox.sweep()).toMatchObject({ sessions: 2 });
    });

    it('[MB22] a visit is noted once a day', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const batchesOf = async () => {
        const before = bench.database.batches;
        await bench.mailbox.pull(author.caller('reader'), 0, null);
        return bench.database.batches - before;
      };
      expect(await batchesOf()).toBe(1);
      bench.wait(DAY);
      expect(await batchesOf()).toBe(2);
      expect(await batchesOf()).toBe(1);
    });

    it('[MB10] [MB22] a visit that cannot be noted is reported, and keeps the log from nobody', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      bench.wait(DAY);
      bench.database.failures.set(bench.database.batches + 1, 'before');
      expect((await bench.pull(author)).header.head).toBe(1);
      expect(bench.reports).toHaveLength(1);
      expect(await bench.database.query('SELECT visited_day FROM sessions')).toEqual([
        { visited_day: Math.floor(bench.now / DAY) - 1 },
      ]);
      await bench.pull(author);
      expect(await bench.database.query('SELECT visited_day FROM sessions')).toEqual([
        { visited_day: Math.floor(bench.now / DAY) },
      ]);
    });

    it('[MB10] chunks that no commit ever named are removed after an hour, and no others', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update(1_000_000));
      const snapshot = await author.snapshot(null, 0, 1_000_000);
      await bench.put(author, snapshot);
      // It looks, looks at the budget, pays, stages and commits, and then looks and commits again.
      const commit = bench.database.batches + 4;
      for (const batch of [commit, commit + 2]) bench.database.failures.set(batch, 'before');
      await expectRefusal(bench.append(author, await author.update(1_000_000)), 'relay/unavailable');
      const chunks = async () => (await bench.database.query('SELECT part FROM chunks')).length;
      expect(await chunks()).toBe(6);
      bench.wait(3_600_000);
      await bench.mailbox.sweep();
      expect(await chunks()).toBe(6);
      bench.wait(1);
      await bench.mailbox.sweep();
      expect(await chunks()).toBe(4);
      const log = await bench.pull(author);
      expect(log.snapshot).toEqual(snapshot);
      expect(log.entries).toHaveLength(1);
    });

    it('[MB10] what is sent again within the hour has another hour', async () => {
      const { bench, author } = await open();
      await bench.append(author, await author.update());
      const large = await author.update(1_000_000);
      const chunks = async () => (await bench.database.query('SELECT part FROM chunks')).length;
      for (const minutes of [50, 50]) {
        // It looks, looks at the budget, pays, stages and commits, and then looks and commits again.
        const commit = bench.database.batches + 4;
        for (const batch of [commit, commit + 2]) bench.database.failures.set(batch, 'before');
        await expectRefusal(bench.append(author, large), 'relay/unavailable');
        bench.wait(minutes * 60_000);
        await bench.mailbox.sweep();
        expect(await chunks()).toBe(2);
      }
      bench.wait(11 * 60_000);
      await bench.mailbox.sweep();
      expect(await chunks()).toBe(0);
    });
  });

  describe('a storage that fails', () => {
    /** Something that is committed, on a session with a snapshot, a body in chunks and a spent credit. */
    const commits: [string, (author: Author, prev: Bytes) => Promise<(bench: Bench) => Promise<unknown>>][] =
      [
        [
          'an append',
          async (author) => {
            const envelopes = [await author.update(), await author.update(1_000_000)];
            return (bench) => bench.append(author, ...envelopes);
          },
        ],
        [
          'a snapshot',
          async (author, prev) => {
            const snapshot = await author.snapshot(idOf(prev), 3, 1_000_000);
            return (bench) => bench.put(author, snapshot);
          },
        ],
        [
          'a tombstone',
          async (author) => {
            const tombstone = await author.tombstone();
            return (bench) => bench.append(author, tombstone);
          },
        ],
      ];

    const openScene = async () => {
      const author = await Author.create();
      const bench = await openBench();
      await bench.append(author, ...(await updates(author, 2)), await author.update(1_000_000));
      const prev = await author.snapshot(null, 2);
      await bench.put(author, prev);
      bench.wait(DAY);
      return { author, bench, prev };
    };

    it.each(commits)('[MB10] %s that fails at any statement changes nothing', async (_, prepare) => {
      const { author, bench, prev } = await openScene();
      const send = await prepare(author, prev);
      const before = await fingerprint(await bench.pull(author));
      let statement = 0;
      for (; statement < 30; statement++) {
        bench.database.onBatch = (batch) => void bench.database.failures.set(batch, statement);
        const outcome = await send(bench).catch((error: unknown) => error);
        bench.database.onBatch = () => undefined;
        bench.database.failures.clear();
        if (!(outcome instanceof Error)) break;
        expect(outcome).toMatchObject({ code: 'relay/unavailable' });
        expect(await fingerprint(await bench.pull(author))).toBe(before);
      }
      expect(statement).toBeGreaterThan(3);
      expect(statement).toBeLessThan(30);
      expect(await fingerprint(await bench.pull(author))).not.toBe(before);
    });

    it.each(commits)(
      '[MB10] %s that was committed but not acknowledged is answered all the same',
      async (_, prepare) => {
        const { author, bench, prev } = await openScene();
        const send = await prepare(author, prev);
        const revision = async () =>
          (await bench.database.query('SELECT revision FROM sessions'))[0]?.['revision'];
        const before = await revision();
        let hasFailed = false;
        bench.database.onDone = async () => {
          if (hasFailed || (await revision()) === before) return;
          hasFailed = true;
          throw new Error('the connection broke');
        };
        expect(await send(bench)).toMatchObject({ epoch: expect.any(String) });
        expect(hasFailed).toBe(true);
      },
    );

    it.each(commits)(
      '[MB10] %s whose batches are not acknowledged is made once, and answered',
      async (_, prepare) => {
        const { author, bench, prev } = await openScene();
        const send = await prepare(author, prev);
        const { head } = (await bench.pull(author)).header;
        const first = bench.database.batches;
        let answered = 0;
        for (let batch = first; batch < first + 12; batch++) {
          bench.database.failures.set(bench.database.batches + (batch - first), 'after');
          const outcome = await send(bench).catch((error: unknown) => error);
          bench.database.failures.clear();
          if (!(outcome instanceof Error)) answered += 1;
          else if (answered === 0) expect(outcome).toMatchObject({ code: 'relay/unavailable' });
        }
        expect(answered).toBeGreaterThan(0);
        const log = await bench.pull(author);
        expect(log.header.head - head).toBeLessThanOrEqual(2);
        const ids = await bench.database.query('SELECT count(*) - count(DISTINCT id) AS doubles FROM log');
        expect(ids).toEqual([{ doubles: 0 }]);
      },
    );
  });
}
