import { EMPTY_CHAIN } from '@parley/signaling/envelope';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { holdingsOf, NOTHING } from '../holdings.ts';
import { ManualClock } from '../manual-clock.ts';
import { Driving, type Deed } from './driving.ts';
import { createMailbox, type MailboxEvent } from './engine.ts';
import { MailboxRefusal, type MailboxStatus } from './ports.ts';

const NONE = {
  log: null,
  coverage: NOTHING,
  ahead: [],
  contradictions: [],
  gone: [],
  outbox: [],
  quarantine: [],
};
const STARTED: MailboxEvent = { type: 'started', held: NOTHING, remembered: NONE };

/** Mistakes that were to be seen as such. */
let mistakes: unknown[] = [];
const note = (error: unknown) => mistakes.push(error);

beforeEach(() => {
  mistakes = [];
  // What is thrown where nobody catches it.
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
    try {
      task();
    } catch (error) {
      note(error);
    }
  });
});

afterEach(() => void vi.restoreAllMocks());

/** What is wanted is answered with nothing, if not otherwise. */
function drive(
  perform: (deed: Deed) => Promise<MailboxEvent | null> = () => Promise.resolve(null),
  role: 'reader' | 'writer' = 'reader',
) {
  const clock = new ManualClock();
  const told: (MailboxStatus['state'] | 'given up' | Deed['type'] | 'log' | 'next')[] = [];
  const driving = new Driving({
    mailbox: createMailbox(role),
    surroundings: { now: () => clock.now, random: () => 0.5, after: clock.after },
    perform: (deed) => {
      told.push(deed.type);
      return perform(deed);
    },
    giveUp: () => told.push('given up'),
    onStatus: ({ state }) => told.push(state),
    onLog: () => told.push('log'),
  });
  return { clock, driving, told };
}

/** The relay has a log, and nothing is in it. */
const pulled = (epoch: string): MailboxEvent => ({
  type: 'pulled',
  log: {
    ...{ epoch, head: 0, current: null, deleted: false, snapshot: null, entries: [] },
    base: { seq: 0, chain: EMPTY_CHAIN },
  },
});

/** Everything that waits for nothing but itself has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('what the engine wants', () => {
  it('[SY19] is told at once where it is about the state, and done in its turn otherwise', async () => {
    const { driving, told } = drive();
    const before = Promise.withResolvers<undefined>();
    driving.enqueue(() => before.promise);
    driving.happen(STARTED);
    expect(told).toEqual(['starting']);
    await settled();
    expect(told).toEqual(['starting']);
    before.resolve(undefined);
    await settled();
    expect(told).toEqual(['starting', 'pull']);
  });

  it('[SY23] is told at once, too, where a question is not to be waited for', async () => {
    const { driving, told } = drive();
    driving.happen(STARTED);
    await settled();
    driving.happen({ type: 'offline' });
    expect(told).toEqual(['starting', 'pull', 'given up']);
  });

  it('[SY9] comes with the news that the log is known otherwise than before', async () => {
    const { driving, told } = drive();
    driving.happen(STARTED);
    await settled();
    driving.happen(pulled('an epoch'));
    await settled();
    expect(told.slice(0, 4)).toEqual(['starting', 'pull', 'log', 'apply']);
    driving.happen({ type: 'dropped', count: 1 });
    expect(told.filter((what) => what === 'log')).toHaveLength(1);
  });

  it('is done anew at its time, and not once it has stopped', async () => {
    const { clock, driving, told } = drive();
    driving.happen(STARTED);
    await settled();
    driving.request(Promise.reject(new MailboxRefusal('relay/unreachable')), () => Promise.resolve());
    await settled();
    expect(told).toEqual(['starting', 'pull', 'unreachable']);
    clock.pass(60_000);
    await settled();
    expect(told).toEqual(['starting', 'pull', 'unreachable', 'pull']);
    driving.request(Promise.reject(new MailboxRefusal('relay/unreachable')), () => Promise.resolve());
    await settled();
    driving.stop();
    expect(clock.isIdle).toBe(true);
    driving.happen({ type: 'online' });
    await driving.settled();
    expect(told.filter((what) => what === 'pull')).toHaveLength(2);
  });

  it('is not done any more once it has stopped, though it was wanted before', async () => {
    const { driving, told } = drive();
    driving.happen(STARTED);
    driving.enqueue(() => Promise.resolve(void told.push('next')));
    driving.stop();
    await driving.settled();
    expect(told).toEqual(['starting']);
  });

  it('is not done either where it stops halfway', async () => {
    const { driving, told } = drive((deed) => {
      if (deed.type === 'keep' && deed.part === 'doubt') driving.stop();
      return Promise.resolve(deed.type === 'apply' ? { type: 'applied', results: new Map() } : null);
    });
    driving.happen(STARTED);
    await settled();
    // That it gives the log up is kept before the other one is applied.
    driving.happen(pulled('an epoch'));
    driving.happen({ type: 'online' });
    driving.happen({ type: 'told-by-relay', epoch: 'another', head: 1, current: null, log: null });
    driving.happen(pulled('another'));
    await settled();
    expect(told.filter((what) => what === 'keep' || what === 'apply')).toEqual(['apply', 'keep', 'keep']);
  });

  it('is followed by what comes of it, before anything else is done', async () => {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'text');
    const answers: MailboxEvent[] = [{ type: 'refused', code: 'mailbox/not-found', retryAfter: null }];
    const { driving, told } = drive(() => Promise.resolve(answers.shift() ?? null), 'writer');
    driving.happen({ ...STARTED, held: holdingsOf(doc) });
    driving.enqueue(() => Promise.resolve(void told.push('next')));
    await settled();
    expect(told.filter((what) => what === 'pull' || what === 'seal' || what === 'next')).toEqual([
      'pull',
      'seal',
      'next',
    ]);
    doc.destroy();
  });
});

describe('a mistake', () => {
  it('in what is done is seen as one, is told as an attempt that came to nothing, and keeps nothing from being done', async () => {
    const mistake = new Error('a mistake');
    const { driving, told } = drive(() => Promise.reject(mistake));
    driving.happen(STARTED);
    let isDone = false;
    driving.enqueue(() => Promise.reject(mistake));
    driving.enqueue(() => Promise.resolve(void (isDone = true)));
    await settled();
    expect([mistakes, isDone, told]).toEqual([[mistake, mistake], true, ['starting', 'pull']]);
  });

  it('[SY16] in what is applied is told as nonsense, too: it is asked for again', async () => {
    const { driving, told } = drive((deed) =>
      deed.type === 'apply' ? Promise.reject(new Error('a mistake')) : Promise.resolve(null),
    );
    driving.happen(STARTED);
    await settled();
    driving.happen(pulled('an epoch'));
    await settled();
    expect([mistakes, told.at(-1)]).toEqual([[new Error('a mistake')], 'unreachable']);
  });

  it('in an answer, or in what is made of it, is told as nonsense', async () => {
    for (const [question, then] of [
      [() => Promise.reject(new Error('no refusal')), () => Promise.resolve()],
      [() => Promise.resolve(), () => Promise.reject(new Error('a mistake'))],
    ] as const) {
      const { driving, told } = drive();
      driving.happen(STARTED);
      await settled();
      driving.request(question(), then);
      await settled();
      expect(told).toEqual(['starting', 'pull', 'unreachable']);
    }
    expect(mistakes).toEqual([new Error('a mistake')]);
  });
});
