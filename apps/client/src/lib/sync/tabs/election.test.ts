import { describe, expect, it } from 'vitest';
import {
  advanceElection,
  ELECTION,
  joinElection,
  type Election,
  type ElectionEffect,
  type ElectionEvent,
} from './election.ts';

/** A tab's election, with the time in the test's hands. */
class Voter {
  now = 1_000_000;
  done: ElectionEffect[] = [];
  election: Election;

  constructor(isHidden = false) {
    const [election, ...effects] = joinElection('me', isHidden, { now: this.now, random: 0 });
    this.election = election;
    this.done = effects;
  }

  /** What follows from events, one after the other. */
  when(...events: ElectionEvent[]): ElectionEffect[] {
    this.done = [];
    for (const event of events) this.#advance(event);
    return this.done;
  }

  /** What follows while time goes by. */
  after(milliseconds: number): ElectionEffect[] {
    this.done = [];
    const end = this.now + milliseconds;
    while (this.election.due !== null && this.election.due <= end) {
      this.now = Math.max(this.now, this.election.due);
      this.#advance({ type: 'woke' });
    }
    this.now = end;
    return this.done;
  }

  #advance(event: ElectionEvent): void {
    const [election, ...effects] = advanceElection(this.election, event, { now: this.now, random: 0 });
    this.election = election;
    this.done.push(...effects);
  }
}

const pong = (hidden: number, from = 'leader'): ElectionEvent => ({
  type: 'heard',
  ...{ from, leads: true, message: { type: 'pong', hidden } },
});
const asked = (type: 'ping' | 'yield', to = 'me'): ElectionEvent => ({
  type: 'heard',
  ...{ from: 'other', leads: false, message: { type, to } },
});
const types = (effects: readonly ElectionEffect[]) =>
  effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type));

describe('a follower', () => {
  it('[TB1] stands in the queue, and leads once the lock is its own', () => {
    const voter = new Voter();
    expect(types(voter.done)).toEqual(['queue']);
    expect(types(voter.when({ type: 'granted' }))).toEqual(['lead']);
    expect(voter.election.phase).toBe('leading');
  });

  it('[TB3] steals from a leader that left three questions in six seconds unanswered', () => {
    const voter = new Voter();
    expect(types(voter.after(5_999))).toEqual(['ping', 'ping', 'ping']);
    expect(types(voter.after(1))).toEqual(['steal']);
  });

  it('[TB3] does not while answers come, nor when it was itself held up', () => {
    const voter = new Voter();
    for (let i = 0; i < 20; i++) {
      expect(types(voter.after(ELECTION.pingEvery))).not.toContain('steal');
      voter.when(pong(0));
    }
    voter.after(5_000);
    voter.now += 30_000;
    expect(types(voter.after(5_000))).not.toContain('steal');
  });

  it('[TB3] that is hidden asks nobody, and begins when it is shown', () => {
    const voter = new Voter(true);
    expect(voter.after(60_000)).toEqual([]);
    voter.when({ type: 'shown' });
    expect(types(voter.after(0))).toEqual(['ping']);
    voter.when({ type: 'hidden' });
    expect(voter.after(60_000)).toEqual([]);
  });

  it('[TB4] asks a leader that has been hidden for a minute to let go, and takes over when it has', () => {
    const voter = new Voter();
    voter.after(0);
    expect(types(voter.when(pong(ELECTION.hidden - 1)))).toEqual([]);
    expect(types(voter.when(pong(ELECTION.hidden)))).toEqual(['yield']);
    expect(types(voter.when(pong(ELECTION.hidden)))).toEqual([]);
    const yielded = { type: 'yielded', to: 'me' } as const;
    const event = { type: 'heard', from: 'leader', leads: false, message: yielded } as const;
    expect(types(voter.when(event))).toEqual(['steal']);
  });

  it('[TB4] steals from one that does not answer within two seconds, unless it can be seen again', () => {
    const [patient, other] = [new Voter(), new Voter()];
    for (const voter of [patient, other]) {
      voter.after(0);
      voter.when(pong(ELECTION.hidden));
    }
    expect(types(patient.after(ELECTION.yieldWithin))).toEqual(['steal']);
    other.when(pong(0));
    expect(types(other.after(ELECTION.yieldWithin))).not.toContain('steal');
  });

  it('[TB3] notices a frozen leader in time though the clock is set back', () => {
    const voter = new Voter();
    voter.after(3_000);
    voter.now -= 3_600_000;
    voter.when(asked('ping'));
    expect(types(voter.after(6_500))).toContain('steal');
  });

  it('[TB1] whose lock was stolen before it had it stands in the queue again', () => {
    expect(types(new Voter().when({ type: 'stolen' }))).toEqual(['queue']);
  });
});

describe('a leader', () => {
  it('[TB3] that is robbed lets go at once, and stands in the queue when it has', () => {
    const voter = new Voter();
    voter.when({ type: 'granted' });
    expect(types(voter.when({ type: 'stolen' }))).toEqual(['follow']);
    expect(types(voter.when(asked('ping')))).toEqual([]);
    expect(types(voter.when({ type: 'let-go' }))).toEqual(['queue']);
    expect(voter.election.phase).toBe('following');
  });

  it('[TB4] lets go for who asks while it is hidden, and not when it can be seen', () => {
    const voter = new Voter();
    voter.when({ type: 'granted' });
    expect(types(voter.when(asked('yield')))).toEqual(['pong']);
    voter.when({ type: 'hidden' });
    expect(types(voter.when(asked('yield', 'somebody else')))).toEqual([]);
    expect(types(voter.when(asked('yield')))).toEqual(['follow']);
    expect(types(voter.when({ type: 'let-go' }))).toEqual(['yielded']);
    expect(types(voter.when({ type: 'stolen' }))).toEqual(['queue']);
  });

  it('[TB4] that has let go for somebody who does not take over leads again', () => {
    const voter = new Voter();
    voter.when({ type: 'granted' }, { type: 'hidden' }, asked('yield'), { type: 'let-go' });
    expect(types(voter.after(ELECTION.takenWithin))).toEqual(['lead']);
  });

  it('[TB4] tells for how long it has been hidden', () => {
    const voter = new Voter();
    voter.when({ type: 'granted' }, { type: 'hidden' });
    voter.now += 1_234;
    expect(voter.when(asked('ping'))).toEqual([{ type: 'send', message: { type: 'pong', hidden: 1_234 } }]);
    // When the clock is set back, it goes on from there.
    voter.now -= 3_600_000;
    voter.when({ type: 'woke' });
    voter.now += 1_000;
    expect(voter.when(asked('ping'))).toEqual([{ type: 'send', message: { type: 'pong', hidden: 2_234 } }]);
  });
});
