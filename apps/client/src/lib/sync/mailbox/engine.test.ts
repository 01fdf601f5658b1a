import { EMPTY_CHAIN } from '@parley/signaling/envelope';
import { describe, expect, it } from 'vitest';
import {
  advanceMailbox,
  createMailbox,
  PACE,
  type Entry,
  type Mailbox,
  type MailboxEffect,
  type MailboxEvent,
  type Remembered,
} from './engine.ts';
import { NOTHING, type Holdings } from '../holdings.ts';
import { beginLog } from './known-log.ts';
import type { OpenedContent, OpenedEntry, OpenedLog, OpenedSnapshot } from './opened.ts';
import type { RefusalCode } from './ports.ts';
import { storeDoubt } from './stored.ts';

const EPOCH = 'epoch-0000000000000000';
const OTHER_EPOCH = 'epoch-1111111111111111';

const insertion = (client: number, start: number, end: number): Holdings => ({
  inserted: new Map([[client, [start, end]]]),
  deleted: new Map(),
});
const deletion = (client: number, start: number, end: number): Holdings => ({
  inserted: new Map(),
  deleted: new Map([[client, [start, end]]]),
});

const blank: Remembered = {
  log: null,
  coverage: NOTHING,
  ahead: [],
  contradictions: [],
  gone: [],
  outbox: [],
  quarantine: [],
};

const sealed = (hash: string, holdings: Holdings, bytes = 10): Entry => ({
  hash,
  holdings,
  bytes: new Uint8Array(bytes),
});

const entry = (seq: number, content?: OpenedContent, more: Partial<OpenedEntry> = {}): OpenedEntry => ({
  seq,
  hash: `hash ${seq}`,
  chain: `chain ${seq}`,
  size: 10,
  seen: null,
  content: content ?? { kind: 'update', update: Uint8Array.of(seq) },
  ...more,
});

/** A mailbox client with a clock and chance of its own, and what it was told to do. */
class Bench {
  readonly mailbox: Mailbox;
  now = 1_000_000;
  chance = 0.5;
  effects: MailboxEffect[] = [];

  constructor(role: 'writer' | 'reader' = 'writer', remembered: Partial<Remembered> = {}, held = NOTHING) {
    this.mailbox = createMailbox(role, { envelopes: 5, bytes: 1_000 });
    this.happen({ type: 'started', held, remembered: { ...blank, ...remembered } });
  }

  happen(event: MailboxEvent, later = 0): MailboxEffect[] {
    this.now += later;
    this.effects = advanceMailbox(this.mailbox, event, { now: this.now, random: () => this.chance });
    return this.effects;
  }

  /** What it does, by kind. */
  get kinds(): string[] {
    return this.effects.map(({ type }) => type).filter((type) => !['wake', 'status', 'keep'].includes(type));
  }

  get wakesIn(): number | null {
    return this.mailbox.wake === null ? null : this.mailbox.wake - this.now;
  }

  get status() {
    return this.mailbox.status;
  }

  log(entries: readonly OpenedEntry[], more: Partial<OpenedLog> = {}): OpenedLog {
    const before = (entries[0]?.seq ?? 1) - 1;
    return {
      epoch: EPOCH,
      head: entries.at(-1)?.seq ?? 0,
      current: null,
      deleted: false,
      snapshot: null,
      base: { seq: before, chain: before === 0 ? EMPTY_CHAIN : `chain ${before}` },
      entries,
      ...more,
    };
  }

  /** Answers a pull, and applies what is in it. Each update n brings the insertion n … n+1 of client 9. */
  pull(
    entries: readonly OpenedEntry[],
    more: Partial<OpenedLog> = {},
    quarantined: readonly string[] = [],
  ): void {
    this.happen({ type: 'pulled', log: this.log(entries, more) });
    this.apply(quarantined);
  }

  apply(quarantined: readonly string[] = []): void {
    const apply = this.effects.find((effect) => effect.type === 'apply');
    if (!apply) return;
    const results = new Map<string, Holdings | null>();
    for (const { hash, update } of apply.items) {
      const at = update[0] ?? 0;
      const brought = insertion(9, at, at + 1);
      results.set(hash, quarantined.includes(hash) ? null : brought);
      if (!quarantined.includes(hash)) this.happen({ type: 'changed', own: false, added: brought });
    }
    this.happen({ type: 'applied', results });
  }

  /** Brings it to where it has caught up with an empty log. */
  static caughtUp(role: 'writer' | 'reader' = 'writer'): Bench {
    const bench = new Bench(role);
    bench.pull([]);
    return bench;
  }

  edit(holdings = insertion(1, 0, 3)): void {
    this.happen({ type: 'changed', own: true, added: holdings });
  }

  /** Acknowledges what it sent: the log has the last of them as its head. A chain is known only where nothing lies between. */
  acknowledge(seqs: number[], later = 0): void {
    const joins = seqs[0] === (this.mailbox.log?.seq ?? 0) + 1;
    this.happen(
      {
        type: 'appended',
        answer: { epoch: EPOCH, head: seqs.at(-1) ?? 0, seqs },
        chains: joins ? seqs.map((seq) => `chain ${seq}`) : [],
        contradicted: [],
      },
      later,
    );
  }

  /** Lets the time come at which it wants to be woken. */
  wake(): void {
    this.happen({ type: 'woke' }, this.wakesIn ?? 0);
  }

  refuse(code: RefusalCode, retryAfter: number | null = null): void {
    this.happen({ type: 'refused', code, retryAfter });
  }
}

describe('what the mailbox holds', () => {
  it('[SY2] a change is on the relay once it is acknowledged, not when it is sealed or sent', () => {
    const bench = Bench.caughtUp();
    expect(bench.status?.onRelay).toBe(true);
    bench.edit();
    expect(bench.status?.onRelay).toBe(false);
    bench.wake();
    expect(bench.kinds).toEqual(['seal']);
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    expect(bench.kinds).toEqual(['append']);
    expect(bench.status?.onRelay).toBe(false);
    bench.acknowledge([1]);
    expect(bench.status).toMatchObject({ onRelay: true, state: 'current' });
  });

  it('[SY1] a deletion is a change: it is not on the relay before it is acknowledged', () => {
    const bench = Bench.caughtUp();
    bench.edit(deletion(9, 4, 5));
    expect(bench.status?.onRelay).toBe(false);
  });

  it('[SY2] an envelope of one’s own that comes back in the log is acknowledged by it, and not applied again', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('hash 1', insertion(1, 0, 3)), isTooLarge: false });
    bench.refuse('relay/unreachable');
    bench.happen({ type: 'online' });
    bench.happen({ type: 'pulled', log: bench.log([entry(1)]) });
    expect(bench.effects).toContainEqual({ type: 'apply', items: [] });
    bench.happen({ type: 'applied', results: new Map() });
    expect(bench.status?.onRelay).toBe(true);
    expect(bench.mailbox.outbox).toEqual([]);
  });

  it('[SY5] an envelope of one’s own that the document lost in a crash is applied', () => {
    const bench = new Bench('writer', { outbox: [sealed('hash 1', insertion(1, 0, 3))] });
    bench.happen({ type: 'pulled', log: bench.log([entry(1)]) });
    const apply = bench.effects.find(({ type }) => type === 'apply');
    expect(apply).toMatchObject({ items: [{ hash: 'hash 1' }] });
  });

  it('[SY4] having caught up, it sends what the document holds and the mailbox lacks', () => {
    const bench = new Bench('writer', {}, insertion(7, 0, 5));
    bench.pull([entry(1)]);
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(7, 0, 5) });
  });

  it('[SY4] what a quarantined envelope carries, and the document holds all the same, is sent once more, and once only', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1)], {}, ['hash 1']);
    expect([bench.status?.quarantined, bench.wakesIn]).toEqual([1, null]);
    // Somebody who could apply it has it, and brings it in another way.
    bench.happen({ type: 'changed', own: false, added: insertion(9, 1, 2) });
    expect(bench.status?.onRelay).toBe(false);
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(9, 1, 2) });
    bench.happen({ type: 'sealed', entry: sealed('hash 2', insertion(9, 1, 2)), isTooLarge: false });
    bench.acknowledge([2]);
    expect(bench.status?.onRelay).toBe(true);
    bench.happen({ type: 'up' });
    bench.pull([], { head: 2, base: { seq: 2, chain: 'chain 2' } });
    expect(bench.kinds).toEqual([]);
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY6] a position whose document is gone is not believed', () => {
    const log = { ...beginLog(EPOCH), seq: 4, chains: ['chain 4'] };
    const whole = new Bench('writer', { log, coverage: insertion(9, 0, 4) }, insertion(9, 0, 4));
    expect(whole.effects).toContainEqual({ type: 'pull', after: 4, epoch: EPOCH });
    const lost = new Bench('writer', { log, coverage: insertion(9, 0, 4) }, insertion(9, 0, 3));
    expect(lost.effects).toContainEqual({ type: 'pull', after: 0, epoch: null });
  });

  it('[SY15] what a snapshot lacks of what it claims to cover is sent again', () => {
    const coverage = insertion(9, 0, 4);
    const log = { ...beginLog(EPOCH), seq: 2, chains: ['chain 2'] };
    const bench = new Bench('writer', { log, coverage }, coverage);
    const snapshot: OpenedSnapshot = {
      ...{ hash: 'snapshot', id: 'id', covers: 6, chain: 'chain 6', seen: null, size: 9 },
      update: Uint8Array.of(1),
    };
    bench.pull([], {
      snapshot,
      head: 6,
      current: { id: 'id', covers: 6 },
      base: { seq: 6, chain: 'chain 6' },
    });
    expect(bench.status?.onRelay).toBe(false);
    bench.wake();
    const seal = bench.effects.find(({ type }) => type === 'seal');
    expect(seal).toEqual({
      type: 'seal',
      wanted: { inserted: new Map([[9, [0, 1, 2, 4]]]), deleted: new Map() },
    });
  });
});

describe('pace', () => {
  it('[SY3] the first change after quiet goes at once, the next no sooner than two seconds after it', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    expect(bench.wakesIn).toBe(PACE.firstAppend);
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    const sentAt = bench.now;
    bench.edit(insertion(1, 3, 4));
    bench.acknowledge([1], 80);
    expect(bench.now + (bench.wakesIn ?? 0)).toBe(sentAt + PACE.betweenAppends);
  });

  it('[SY3] other people’s changes wait, each client for another time, and go only if they are still lacking', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'changed', own: false, added: insertion(2, 0, 1) });
    expect(bench.wakesIn).toBe(PACE.othersAtLeast + PACE.othersJitter / 2);
    bench.happen({ type: 'changed', own: false, added: insertion(2, 1, 2) }, 1_000);
    expect(bench.wakesIn).toBe(PACE.othersAtLeast + PACE.othersJitter / 2 - 1_000);
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(2, 0, 2) });
  });

  it('[SY3] one’s own change takes no other people’s along', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'changed', own: false, added: insertion(2, 0, 1) });
    bench.edit();
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(1, 0, 3) });
  });

  it('[SY3] what somebody else has sent for one is in no hurry any more, and takes nothing along', () => {
    const bench = Bench.caughtUp();
    bench.edit(insertion(9, 1, 2));
    bench.happen({ type: 'changed', own: false, added: insertion(2, 0, 1) });
    expect(bench.wakesIn).toBe(PACE.firstAppend);
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log: bench.log([entry(1)]) });
    bench.apply();
    expect(bench.wakesIn).toBe(PACE.othersAtLeast + PACE.othersJitter / 2);
  });

  it('[PR2] [SY19] what others did and the mailbox lacks is not on the relay, whoever brings it there', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'changed', own: false, added: insertion(9, 1, 2) });
    expect(bench.status).toMatchObject({ onRelay: false, state: 'current' });
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log: bench.log([entry(1)]) });
    bench.apply();
    expect(bench.status).toMatchObject({ onRelay: true, state: 'current' });
    const viewer = Bench.caughtUp('reader');
    viewer.happen({ type: 'changed', own: false, added: insertion(9, 1, 2) });
    expect(viewer.status?.onRelay).toBe(true);
  });

  it('[SY19] what waits in the document for something that has not arrived is told', () => {
    const bench = Bench.caughtUp('reader');
    expect(bench.status?.incomplete).toBe(false);
    bench.happen({ type: 'waits', incomplete: true });
    expect(bench.effects).toContainEqual({ type: 'status', status: bench.status });
    expect(bench.status).toMatchObject({ incomplete: true, state: 'current' });
    bench.happen({ type: 'waits', incomplete: false });
    expect(bench.status?.incomplete).toBe(false);
  });

  it('leaving sends at once', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.happen({ type: 'flush' });
    expect(bench.kinds).toEqual(['seal']);
  });

  it('[SY7] when all is there, nothing is done and nothing is due', () => {
    const bench = Bench.caughtUp();
    expect(bench.wakesIn).toBeNull();
    bench.happen({ type: 'woke' }, 3_600_000);
    expect(bench.effects).toEqual([]);
  });

  it('[SY3] a large envelope goes alone, small ones together, a hundred at most', () => {
    const outbox = [
      sealed('a', insertion(1, 0, 1), 600_000),
      ...Array.from({ length: 150 }, (_, index) => sealed(`s ${index}`, insertion(1, index + 1, index + 2))),
    ];
    const bench = new Bench('writer', { outbox }, insertion(1, 0, 200));
    bench.pull([]);
    const sizes: number[] = [];
    let seq = 0;
    for (let effect = bench.effects.find(({ type }) => type === 'append'); effect?.type === 'append';) {
      const { length } = effect.entries;
      sizes.push(length);
      const seqs = effect.entries.map((_, index) => seq + 1 + index);
      seq += length;
      bench.acknowledge(seqs);
      effect = bench.effects.find(({ type }) => type === 'append');
    }
    expect(sizes).toEqual([1, 100, 50]);
  });

  it('a clock that is set back delays nothing', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.happen({ type: 'woke' }, -3_600_000);
    expect(bench.wakesIn).toBe(PACE.firstAppend);
  });
});

describe('not trusting the relay', () => {
  it('[SY9] a head that goes back is told, and everything is asked for and sent again', () => {
    const bench = Bench.caughtUp();
    bench.pull([]);
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.pull([], { head: 1, base: { seq: 1, chain: 'chain 1' } });
    expect(bench.status).toMatchObject({ trouble: 'relay/rolled-back', onRelay: false, state: 'behind' });
    expect(bench.effects).toContainEqual({ type: 'pull', after: 0, epoch: EPOCH });
    bench.pull([entry(1)]);
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(9, 2, 3) });
  });

  it('[SY9] a frame that overtakes the answer to a pull makes nobody a liar', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log: bench.log([entry(1)]) });
    bench.apply();
    bench.pull([], { head: 0 });
    expect(bench.status).toMatchObject({ trouble: null, state: 'current', onRelay: true });
  });

  it('[SY9] another envelope at a seq that was known is told', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.pull([entry(2, undefined, { chain: 'another' }), entry(3)]);
    expect(bench.status).toMatchObject({ trouble: 'relay/forked', onRelay: false });
  });

  it('[SY9] an acknowledgement binds: another envelope at its seq is told', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('mine', insertion(1, 0, 3)), isTooLarge: false });
    bench.acknowledge([2]);
    expect(bench.status?.onRelay).toBe(true);
    bench.wake();
    bench.pull([entry(1), entry(2)]);
    expect(bench.status).toMatchObject({ trouble: 'relay/forked', onRelay: false });
  });

  it('[SY9] an acknowledgement of what the log never shows is told', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('mine', insertion(1, 0, 3)), isTooLarge: false });
    bench.acknowledge([1]);
    bench.happen({ type: 'up' });
    bench.pull([]);
    expect(bench.status).toMatchObject({ trouble: 'relay/rolled-back', onRelay: false });
  });

  it('[SY9] an envelope whose maker had seen another log is told once, and applied', () => {
    const seen = { epoch: EPOCH, seq: 1, chain: 'another' };
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2, undefined, { seen })]);
    expect(bench.status?.trouble).toBe('relay/forked');
    // Everything is asked for once more; the same contradiction is in it, and is no news.
    bench.pull([entry(1), entry(2, undefined, { seen })]);
    expect(bench.status).toMatchObject({ state: 'current', onRelay: true });
    expect(bench.kinds).toEqual([]);
  });

  it('[SY9] somebody who sees more than the relay shows is believed', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 3, chain: 'chain 3' } });
    bench.wake();
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([entry(1)]);
    expect(bench.status?.trouble).toBe('relay/rolled-back');
  });

  it('[SY22] what somebody else sees already is waited for, and not asked for if it comes', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 1, chain: 'chain 1' } });
    expect(bench.kinds).not.toContain('pull');
    const log = bench.log([entry(1)]);
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log });
    bench.apply();
    expect(bench.status).toMatchObject({ state: 'current', trouble: null });
    bench.wake();
    expect(bench.kinds).not.toContain('pull');
  });

  it('[SY7] who goes on speaking of another log is asked about once, and of one that is gone not at all', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1)]);
    let pulls = 0;
    const hear = (epoch: string) => {
      bench.happen({ type: 'told-by-writer', position: { epoch, seq: 3, chain: 'theirs' } });
      if (bench.wakesIn !== null) bench.wake();
      if (!bench.kinds.includes('pull')) return;
      pulls += 1;
      const { epoch: own, seq } = bench.mailbox.log ?? { epoch: EPOCH, seq: 0 };
      bench.pull([], { epoch: own, head: seq, base: { seq, chain: `chain ${seq}` } });
    };
    for (let i = 0; i < 10; i++) hear(OTHER_EPOCH);
    expect(pulls).toBe(1);
    const third = 'epoch-2222222222222222';
    bench.happen({ type: 'up' });
    bench.pull([entry(1)], { epoch: third });
    pulls = 0;
    for (let i = 0; i < 10; i++) hear(EPOCH);
    expect(pulls).toBe(0);
  });

  it('[SY9] who sees the same is no reason for anything', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 1, chain: 'chain 1' } });
    expect(bench.effects).toEqual([]);
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 1, chain: 'another' } });
    expect(bench.status?.trouble).toBe('relay/forked');
  });

  it('[SY10] nonsense is asked for again, and so is what the relay says there is and does not give', () => {
    const bench = new Bench();
    bench.happen({ type: 'pulled', log: null });
    expect(bench.status?.state).toBe('unreachable');
    bench.wake();
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([], { head: 5 });
    expect(bench.status?.state).toBe('unreachable');
    expect(bench.wakesIn).not.toBeNull();
  });

  it('[SY11] a log with another epoch is read from its beginning, and gets what it lacks', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.pull([entry(1)], { epoch: OTHER_EPOCH });
    expect(bench.status).toMatchObject({ trouble: null, onRelay: false, state: 'current' });
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(9, 2, 3) });
  });

  it('[SY19] that it believes nothing any more is kept at once', () => {
    const bench = Bench.caughtUp();
    const doubt = { type: 'keep', part: 'doubt' };
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    expect(bench.effects).not.toContainEqual(doubt);
    bench.happen({ type: 'up' });
    bench.refuse('mailbox/not-found');
    expect(bench.effects).toContainEqual(doubt);
    expect(storeDoubt(bench.mailbox)).toMatchObject({ known: null, gone: [EPOCH] });
    const deleted = Bench.caughtUp();
    deleted.happen({ type: 'up' });
    deleted.pull([], { deleted: true });
    expect(deleted.effects).toContainEqual(doubt);
  });

  it('[SY9] what is being read when the log is doubted is not taken over', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.happen({ type: 'pulled', log: bench.log([entry(3), entry(4)]) });
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 1, chain: 'another' } });
    expect(bench.effects).toContainEqual({ type: 'pull', after: 0, epoch: EPOCH });
    bench.happen({ type: 'applied', results: new Map([['hash 3', null]]) });
    expect(bench.mailbox.log?.seq).toBe(0);
    expect(bench.status).toMatchObject({ onRelay: false, quarantined: 1 });
    bench.pull([entry(1), entry(2), entry(3)]);
    expect(bench.mailbox.log?.seq).toBe(3);
  });

  it('[SY9] an answer to a question that was asked before the log was doubted is not read', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.happen({ type: 'told-by-writer', position: { epoch: EPOCH, seq: 1, chain: 'another' } });
    bench.happen({ type: 'pulled', log: bench.log([entry(3)]) });
    expect(bench.kinds).toEqual(['pull']);
    expect(bench.status?.state).toBe('behind');
  });

  it('[SY10] what follows on more than is known is nonsense, unless a snapshot leads there', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(3)]);
    expect(bench.mailbox.log?.seq).toBe(0);
    expect(bench.status?.state).toBe('unreachable');
  });

  it('[SY9] a log that was gone and is back is told', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)]);
    bench.happen({ type: 'up' });
    bench.refuse('mailbox/not-found');
    expect(bench.status?.trouble).toBeNull();
    bench.happen({ type: 'up' });
    bench.pull([entry(1)]);
    expect(bench.status?.trouble).toBe('relay/rolled-back');
  });

  it('[SY12] a tombstone ends sending, for good', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([], { deleted: true });
    expect(bench.status).toMatchObject({ trouble: 'relay/deleted', onRelay: false });
    bench.edit();
    bench.happen({ type: 'up' }, 100_000);
    expect(bench.kinds).toEqual([]);
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY12] a relay that only says that the session was deleted has to prove it', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    bench.refuse('mailbox/deleted');
    expect(bench.status?.trouble).toBeNull();
    bench.wake();
    expect(bench.kinds).toEqual(['pull']);
  });
});

describe('compaction', () => {
  const five = [1, 2, 3, 4, 5].map((seq) => entry(seq));

  it('[SY13] a snapshot is made after so many envelopes, by one of those present', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull(five);
    expect(bench.wakesIn).toBe(PACE.compactJitter / 2);
    bench.wake();
    const compact = { type: 'compact', prev: null, covers: 5, chain: 'chain 5', worth: Infinity };
    expect(bench.effects).toContainEqual(compact);
    bench.happen({
      type: 'compacted',
      id: 'id',
      answer: { epoch: EPOCH, head: 5, current: { id: 'id', covers: 5 } },
    });
    expect(bench.kinds).toEqual([]);
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY13] somebody else’s snapshot does as well', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull(five);
    const current = { id: 'id', covers: 5 };
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 5, current, log: null });
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY13] many bytes are enough, but not if the document is much larger', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1, undefined, { size: 5_000 })]);
    bench.wake();
    expect(bench.effects).toContainEqual({
      type: 'compact',
      prev: null,
      covers: 1,
      chain: 'chain 1',
      worth: 5_000,
    });
    bench.happen({ type: 'weighed', bytes: 20_000 });
    expect(bench.wakesIn).toBeNull();
  });

  it.each([
    ['could not be understood', { kind: 'unknown' } as const, []],
    ['is quarantined', undefined, ['hash 5']],
  ])('[SY14] nobody makes a snapshot past an envelope that %s', (_, content, quarantined) => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([...five.slice(0, 4), entry(5, content)], {}, quarantined);
    expect(bench.status?.state).toBe('current');
    expect(bench.wakesIn).toBeNull();
  });

  it.each([
    ['could not be understood', { kind: 'unknown' } as const, []],
    ['is quarantined', undefined, ['hash 2']],
  ])('[SY14] nor does somebody else’s snapshot change that for an envelope that %s', (_, content, bad) => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2, content), entry(3)], {}, bad);
    const current = { id: 'theirs', covers: 3 };
    const log = bench.log(
      [4, 5, 6, 7, 8, 9].map((seq) => entry(seq)),
      { current },
    );
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 9, current, log });
    bench.apply();
    expect(bench.mailbox.log).toMatchObject({ seq: 9, current });
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY14] a snapshot that is quarantined bars others, until a later one is applied', () => {
    const snapshot = (id: string, covers: number): OpenedSnapshot => ({
      ...{ hash: id, id, covers, chain: `chain ${covers}`, seen: null, size: 9 },
      update: Uint8Array.of(70),
    });
    const bench = Bench.caughtUp();
    const jump = (id: string, covers: number, bad: readonly string[]) => {
      bench.happen({ type: 'up' });
      const behind = [1, 2, 3, 4, 5].map((more) => entry(covers + more));
      bench.pull(behind, { snapshot: snapshot(id, covers), current: { id, covers } }, bad);
    };
    jump('bad', 20, ['bad']);
    // Others make snapshots that this client, being further, never reads.
    const current = { id: 'unseen', covers: 25 };
    const log = bench.log(
      [26, 27, 28, 29, 30].map((seq) => entry(seq)),
      { current },
    );
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 30, current, log });
    bench.apply();
    expect(bench.mailbox.due.compact).toBeNull();
    jump('good', 40, []);
    expect(bench.mailbox.due.compact).not.toBeNull();
  });

  it.each([
    ['is refused for the quota', 'mailbox/quota-exceeded', null, PACE.refusedPause],
    ['is refused for the budget', 'relay/budget-spent', 6 * 3_600_000, 6 * 3_600_000],
    ['comes too soon', 'mailbox/too-fast', null, PACE.refusedPause],
    ['is too large for the relay', 'mailbox/too-large', null, PACE.tooLargePause],
  ] as const)(
    '[SY18] a snapshot that %s is left alone for as long as that takes',
    (_, code, asked, pause) => {
      const bench = Bench.caughtUp();
      bench.happen({ type: 'up' });
      bench.pull(five);
      bench.wake();
      expect(bench.kinds).toEqual(['compact']);
      const refusedAt = bench.now;
      bench.refuse(code, asked);
      for (let i = 0; i < 20 && !bench.kinds.includes('compact'); i++) {
        bench.happen({ type: 'up' });
        bench.pull([], { head: 5, base: { seq: 5, chain: 'chain 5' } });
        if (!bench.kinds.includes('compact')) bench.wake();
      }
      expect(bench.kinds).toEqual(['compact']);
      expect(bench.now - refusedAt).toBeGreaterThanOrEqual(pause * 0.5);
    },
  );

  it('[SY18] a document that is too large for an envelope is not encoded over and over', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull(five);
    bench.wake();
    bench.happen({ type: 'weighed', bytes: Infinity });
    expect(bench.wakesIn).toBe(PACE.tooLargePause);
  });

  it('[SY18] while a budget is spent nothing is uploaded, a snapshot neither', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull(five);
    bench.edit();
    bench.happen({ type: 'flush' });
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    bench.refuse('relay/budget-spent', 6 * 3_600_000);
    expect(bench.wakesIn).toBe(6 * 3_600_000);
  });

  it('[SY13] a viewer makes none, and sends nothing', () => {
    const bench = new Bench('reader', {}, insertion(3, 0, 4));
    bench.pull(five);
    expect(bench.wakesIn).toBeNull();
    bench.happen({ type: 'changed', own: true, added: insertion(1, 0, 1) });
    expect(bench.wakesIn).toBeNull();
    expect(bench.status?.onRelay).toBe(true);
  });
});

describe('poison', () => {
  it('[SY16] what is quarantined is left out, told, and neither applied nor believed to be held again', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1), entry(2)], {}, ['hash 2']);
    expect(bench.status).toMatchObject({ trouble: 'relay/quarantined', quarantined: 1, state: 'current' });
    expect(bench.mailbox.coverage).toEqual(insertion(9, 1, 2));
    bench.happen({ type: 'up' });
    bench.happen({ type: 'pulled', log: bench.log([entry(3, undefined, { hash: 'hash 2' })]) });
    expect(bench.effects).toContainEqual({ type: 'apply', items: [] });
  });
});

describe('when things fail', () => {
  it('[SY17] it waits a random part of 1, 2, 4 … 60 seconds, and not at all once the device is online', () => {
    const bench = new Bench();
    bench.chance = 0.999_999;
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      bench.refuse('relay/unreachable');
      waits.push(Math.round((bench.wakesIn ?? 0) / 1_000));
      bench.wake();
      expect(bench.kinds).toEqual(['pull']);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    bench.refuse('relay/unreachable');
    bench.happen({ type: 'online' });
    expect(bench.kinds).toEqual(['pull']);
  });

  it('[SY26] a relay that refuses the access key is of no use, and says so until it lets the device in', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'online' });
    bench.refuse('access/key-refused');
    const since = bench.now;
    expect(bench.status).toMatchObject({
      state: 'unreachable',
      trouble: 'relay/private',
      unreachableSince: since,
    });
    bench.happen({ type: 'online' }, 5);
    bench.refuse('access/key-refused');
    expect(bench.status).toMatchObject({ trouble: 'relay/private', unreachableSince: since });
    // Without a network that is as true as before.
    bench.happen({ type: 'online' }, 5);
    bench.refuse('relay/unreachable');
    expect(bench.status).toMatchObject({ trouble: 'relay/private', unreachableSince: since });
    // Whatever else it says, it has let the device in.
    bench.happen({ type: 'online' }, 5);
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([]);
    expect(bench.status).toMatchObject({ state: 'current', trouble: null, unreachableSince: null });
  });

  it('[SY17] it waits as long as the relay asks for, if that is more', () => {
    const bench = new Bench();
    bench.refuse('relay/unavailable', 90_000);
    expect(bench.wakesIn).toBe(90_000);
  });

  it('[SY23] who does nothing asks whether the relay is there once the channel is lost, each after another time', () => {
    for (const [role, chance] of [
      ['writer', 0],
      ['reader', 0.5],
    ] as const) {
      const bench = Bench.caughtUp(role);
      bench.happen({ type: 'up' });
      bench.pull([]);
      bench.chance = chance;
      bench.happen({ type: 'down' });
      expect([bench.kinds, bench.wakesIn]).toEqual([[], PACE.lostAtLeast + chance * PACE.lostJitter]);
      // An attempt that fails does not put it off.
      bench.happen({ type: 'down' }, 1_000);
      bench.wake();
      expect(bench.now).toBe(1_000_000 + PACE.lostAtLeast + chance * PACE.lostJitter);
      expect(bench.kinds).toEqual(['pull']);
      expect(bench.status).toMatchObject({ state: 'current', unreachableSince: null });
      bench.refuse('relay/unreachable');
      expect(bench.status).toMatchObject({ state: 'unreachable', unreachableSince: bench.now });
    }
  });

  it('[SY23] where the relay answers and no channel comes up, each attempt of that asks what is new', () => {
    const bench = Bench.caughtUp();
    for (let attempt = 0; attempt < 2; attempt++) {
      bench.happen({ type: 'down' }, 30_000);
      bench.wake();
      expect(bench.kinds).toEqual(['pull']);
      bench.pull([]);
      expect([bench.status?.state, bench.wakesIn]).toEqual(['current', null]);
    }
  });

  it('[SY23] who knows that the relay is not there does not ask more often because the channel is lost', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'online' });
    bench.refuse('relay/unreachable', 60_000);
    bench.happen({ type: 'down' });
    expect(bench.wakesIn).toBe(60_000);
  });

  it('[SY23] a channel that comes up again in time is asked nothing but what was told meanwhile', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'down' });
    bench.happen({ type: 'up' }, 500);
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([]);
    expect(bench.wakesIn).toBeNull();
  });

  it('[SY23] a request that was begun while the relay was lost is given up when the channel comes up, and made anew', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.happen({ type: 'down' });
    bench.wake();
    const entry = sealed('a', insertion(1, 0, 3));
    bench.happen({ type: 'sealed', entry, isTooLarge: false });
    expect(bench.kinds).toEqual(['append']);
    bench.happen({ type: 'up' }, 10_000);
    expect(bench.kinds).toEqual(['give-up']);
    bench.happen({ type: 'up' });
    expect(bench.kinds).toEqual([]);
    bench.refuse('relay/unreachable');
    expect([bench.kinds, bench.status?.unreachableSince]).toEqual([['pull'], null]);
    bench.pull([]);
    expect(bench.effects).toContainEqual({ type: 'append', entries: [entry] });
  });

  it('[SY23] so is one that was begun after others had come to nothing', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'online' });
    bench.refuse('relay/unreachable');
    bench.wake();
    bench.happen({ type: 'up' });
    expect(bench.kinds).toEqual(['give-up']);
  });

  it('[SY23] an answer that was there before counts, though its question was given up', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'down' });
    bench.wake();
    bench.happen({ type: 'up' });
    expect(bench.kinds).toEqual(['give-up']);
    bench.pull([entry(1)]);
    expect(bench.mailbox.log?.seq).toBe(1);
    // What came up meanwhile is asked now.
    expect(bench.kinds).toEqual(['pull']);
    bench.refuse('relay/unreachable');
    expect(bench.status?.state).toBe('unreachable');
  });

  it('[SY23] a request that was begun while all was well goes on, and so does what is answered already', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'online' });
    bench.happen({ type: 'down' });
    bench.happen({ type: 'up' });
    expect(bench.kinds).toEqual([]);
    const other = Bench.caughtUp();
    other.happen({ type: 'down' });
    other.wake();
    other.happen({ type: 'pulled', log: other.log([entry(1)]) });
    other.happen({ type: 'up' });
    expect(other.kinds).toEqual([]);
  });

  it('[SY23] while the device is offline nothing is asked, and what was asked is given up', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'online' });
    expect(bench.kinds).toEqual(['pull']);
    bench.happen({ type: 'offline' });
    expect(bench.kinds).toEqual(['give-up']);
    bench.refuse('relay/unreachable');
    bench.edit();
    bench.happen({ type: 'down' });
    bench.happen({ type: 'woke' }, 600_000);
    expect([bench.kinds, bench.wakesIn]).toEqual([[], null]);
    expect(bench.status).toMatchObject({ onRelay: false, unreachableSince: null });
    bench.happen({ type: 'online' });
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([]);
    expect(bench.kinds).toEqual(['seal']);
  });

  it('[SY23] who begins offline asks nothing before it is online, or its channel is up', () => {
    for (const type of ['online', 'up'] as const) {
      const mailbox = createMailbox('writer');
      const happen = (event: MailboxEvent) => advanceMailbox(mailbox, event, { now: 5, random: () => 0.5 });
      happen({ type: 'offline' });
      const begun = happen({ type: 'started', held: NOTHING, remembered: blank });
      expect(begun.map((effect) => effect.type)).toEqual(['status']);
      expect(happen({ type })).toContainEqual({ type: 'pull', after: 0, epoch: null });
    }
  });

  it('[SY5] a failed append is tried again with the same bytes, and nothing else is sealed meanwhile', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    const entry = sealed('a', insertion(1, 0, 3));
    bench.happen({ type: 'sealed', entry, isTooLarge: false });
    bench.refuse('relay/unreachable');
    bench.edit(insertion(1, 3, 9));
    bench.wake();
    expect(bench.effects).toContainEqual({ type: 'append', entries: [entry] });
    expect(bench.kinds).toEqual(['append']);
  });

  it('a taken id is given up, and what it carried is sealed anew', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    bench.refuse('mailbox/conflict');
    bench.wake();
    bench.pull([]);
    expect(bench.effects).toContainEqual({ type: 'seal', wanted: insertion(1, 0, 3) });
  });

  it('[SY18] past the quota a snapshot is tried, the person told, receiving goes on and sending is tried again', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.pull([entry(1)]);
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    bench.refuse('mailbox/quota-exceeded');
    expect(bench.status).toMatchObject({ trouble: 'relay/quota-exceeded', onRelay: false });
    expect(bench.kinds).toEqual(['compact']);
    bench.refuse('mailbox/quota-exceeded');
    expect(bench.kinds).toEqual([]);
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 2, current: null, log: bench.log([entry(2)]) });
    bench.apply();
    expect(bench.status?.state).toBe('current');
    bench.wake();
    expect(bench.kinds).toEqual(['append']);
    bench.acknowledge([3]);
    expect(bench.status).toMatchObject({ trouble: null, onRelay: true });
  });

  it('a writer of whom the relay knows nothing begins the log; a viewer waits for it', () => {
    const writer = new Bench('writer', {}, insertion(1, 0, 3));
    writer.refuse('mailbox/not-found');
    expect(writer.status?.state).toBe('current');
    expect(writer.kinds).toEqual(['seal']);
    const viewer = new Bench('reader');
    viewer.refuse('mailbox/not-found');
    expect(viewer.status?.state).toBe('unknown');
    viewer.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log: null });
    expect(viewer.kinds).toEqual(['pull']);
  });

  it('[SY10] what the channel tells is taken over if it follows, and asked for if there is a gap', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 1, current: null, log: bench.log([entry(1)]) });
    bench.apply();
    expect(bench.mailbox.log?.seq).toBe(1);
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 3, current: null, log: null });
    expect(bench.effects).toContainEqual({ type: 'pull', after: 1, epoch: EPOCH });
    expect(bench.status?.state).toBe('behind');
  });

  it.each([
    ['an older answer', [] as const],
    ['an answer that knows less', [entry(1)] as const],
    ['an answer that has it all', [entry(1), entry(2), entry(3)] as const],
  ])(
    '[SY10] what the channel tells while a pull is under way is not lost, nor asked for for ever: %s',
    (_, first) => {
      const bench = Bench.caughtUp();
      bench.happen({ type: 'up' });
      expect(bench.kinds).toEqual(['pull']);
      // The first of three frames was lost, and the others overtake the answer.
      bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 2, current: null, log: null });
      bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 3, current: null, log: null });
      expect(bench.kinds).toEqual([]);
      bench.pull(first);
      expect(bench.kinds).toEqual(['pull']);
      const seq = bench.mailbox.log?.seq ?? 0;
      const log = bench.log([entry(1), entry(2), entry(3)].slice(seq), { head: 3 });
      bench.happen({
        type: 'pulled',
        log: { ...log, base: { seq, chain: seq === 0 ? EMPTY_CHAIN : `chain ${seq}` } },
      });
      bench.apply();
      expect(bench.kinds).toEqual([]);
      expect([bench.mailbox.log?.seq, bench.wakesIn]).toEqual([3, null]);
      expect(bench.status).toMatchObject({ state: 'current', trouble: null });
    },
  );

  it('[SY22] what the channel tells of, and the relay, being asked, does not show, is not asked for again', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 5, current: null, log: null });
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([]);
    expect([bench.kinds, bench.wakesIn]).toEqual([[], null]);
    expect(bench.status).toMatchObject({ state: 'current', trouble: null });
  });

  it('[SY10] what the channel tells while an answer is being applied is asked for', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.happen({ type: 'pulled', log: bench.log([entry(1)]) });
    const applying = bench.effects;
    const told = bench.log([entry(1), entry(2)]);
    bench.happen({ type: 'told-by-relay', epoch: EPOCH, head: 2, current: null, log: told });
    expect(bench.kinds).toEqual([]);
    bench.effects = applying;
    bench.apply();
    expect(bench.mailbox.log?.seq).toBe(1);
    expect(bench.effects).toContainEqual({ type: 'pull', after: 1, epoch: EPOCH });
    bench.pull([entry(2)]);
    expect(bench.kinds).toEqual([]);
    expect(bench.status).toMatchObject({ state: 'current', trouble: null });
  });

  it('an answer that could not be dealt with is asked for again', () => {
    const bench = Bench.caughtUp();
    bench.happen({ type: 'up' });
    bench.happen({ type: 'pulled', log: bench.log([entry(1)]) });
    bench.refuse('relay/nonsense');
    bench.wake();
    expect(bench.kinds).toEqual(['pull']);
    bench.pull([entry(1)]);
    expect(bench.status?.state).toBe('current');
  });

  it('one request at a time: what comes up meanwhile is done after it', () => {
    const bench = Bench.caughtUp();
    bench.edit();
    bench.wake();
    bench.happen({ type: 'sealed', entry: sealed('a', insertion(1, 0, 3)), isTooLarge: false });
    bench.happen({ type: 'up' });
    expect(bench.kinds).toEqual([]);
    bench.acknowledge([1]);
    expect(bench.kinds).toEqual(['pull']);
  });
});
