import type { ElectionMessage } from './messages.ts';

/** When who leads is asked, and given up, in milliseconds. */
export const ELECTION = {
  /** A tab that can be seen asks the leader so often, and a little later each time, so that two do not do the same at once. */
  pingEvery: 2_000,
  pingJitter: 300,
  /** So many questions without an answer, and the leader is taken for frozen. */
  unanswered: 3,
  /** A leader that has been hidden for so long gives way to a tab that can be seen: browsers slow down timers of hidden tabs. */
  hidden: 60_000,
  /** So long a leader has to let go once it is asked. */
  yieldWithin: 2_000,
  /** A leader that has let go for somebody who does not take over leads again. */
  takenWithin: 5_000,
  /** A timer that is later than this was held up, and answers with it. */
  heldUp: 1_000,
} as const;

/**
 * Where a tab stands: `following` waits for the lead lock; `leading` has it; `yielding` has it and lets go, or has let go, for a tab that
 * asked; `robbed` has lost it and is letting go.
 */
type Phase = 'following' | 'leading' | 'yielding' | 'robbed';

/** Who leads, as one tab sees it. */
export interface Election {
  readonly tab: string;
  readonly phase: Phase;
  /** Since when this tab is hidden, in milliseconds since 1970; null if it can be seen. */
  readonly hiddenSince: number | null;
  /** When the last event was, in milliseconds since 1970. */
  readonly now: number;
  /** When it is to be woken; null if nothing is due. */
  readonly due: number | null;
  /** Questions to the leader that were not answered. */
  readonly unanswered: number;
  /** The leader that was asked to let go. */
  readonly asked: string | null;
  /** For whom this tab lets go, and whether it has. */
  readonly yieldsTo: { readonly tab: string; readonly done: boolean } | null;
}

export type ElectionEvent =
  /** The lead lock is this tab's. */
  | { readonly type: 'granted' }
  /** Another tab has taken the lead lock away. */
  | { readonly type: 'stolen' }
  /** This tab has let go of its connections. */
  | { readonly type: 'let-go' }
  | { readonly type: 'shown' }
  | { readonly type: 'hidden' }
  | { readonly type: 'woke' }
  /** The page was frozen, and runs again. */
  | { readonly type: 'resumed' }
  /** Another tab with the same key said something; `leads`: as one that leads. */
  | { readonly type: 'heard'; readonly from: string; readonly leads: boolean; readonly message: unknown };

export type ElectionEffect =
  /** Stand in the queue for the lead lock. */
  | { readonly type: 'queue' }
  /** Take the lead lock from whoever has it, and leave the queue. */
  | { readonly type: 'steal' }
  /** Hold the connections from now on. */
  | { readonly type: 'lead' }
  /** Let go of the connections, and tell when that is done. */
  | { readonly type: 'follow' }
  | { readonly type: 'send'; readonly message: ElectionMessage };

export interface Moment {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A number from 0 up to but not including 1. */
  readonly random: number;
}

type Step = readonly [Election, ...ElectionEffect[]];

/** A tab that has just been opened: it stands in the queue, and asks for the leader if it can be seen. */
export function joinElection(tab: string, isHidden: boolean, { now }: Moment): Step {
  const election: Election = {
    ...{ tab, phase: 'following', unanswered: 0, asked: null, yieldsTo: null },
    hiddenSince: isHidden ? now : null,
    now,
    due: isHidden ? null : now,
  };
  return [election, { type: 'queue' }];
}

/** What follows from an event. The adapter calls with `woke` when {@link Election.due} has come. */
export function advanceElection(before: Election, event: ElectionEvent, moment: Moment): Step {
  const election = keepTime(before, moment);
  switch (event.type) {
    case 'granted':
      return election.phase === 'following' ? takeLead(election) : [election];
    case 'stolen':
      return beRobbed(election, moment);
    case 'let-go':
      return haveLetGo(election, moment);
    case 'shown':
      return [watch({ ...election, hiddenSince: null }, moment)];
    case 'hidden': {
      const hidden = { ...election, hiddenSince: election.hiddenSince ?? moment.now };
      return [election.phase === 'following' ? { ...hidden, due: null, asked: null } : hidden];
    }
    case 'resumed':
      return [watch(election, moment)];
    case 'woke':
      return wake(election, moment);
    case 'heard':
      return hear(election, event, moment);
  }
}

/** Clocks are set back now and then: what was due in two seconds is still due in two seconds. */
function keepTime(election: Election, { now }: Moment): Election {
  const { due, hiddenSince } = election;
  const back = Math.max(0, election.now - now);
  return {
    ...{ ...election, now },
    due: due === null ? null : due - back,
    hiddenSince: hiddenSince === null ? null : hiddenSince - back,
  };
}

function takeLead(election: Election): Step {
  return [
    { ...election, phase: 'leading', due: null, unanswered: 0, asked: null, yieldsTo: null },
    { type: 'lead' },
  ];
}

function beRobbed(election: Election, moment: Moment): Step {
  const { phase, yieldsTo } = election;
  if (phase === 'leading') return [{ ...election, phase: 'robbed', due: null }, { type: 'follow' }];
  if (phase === 'following') return [election, { type: 'queue' }];
  if (phase === 'robbed') return [election];
  const robbed: Election = { ...election, phase: 'robbed', yieldsTo: null, due: null };
  return yieldsTo?.done ? haveLetGo(robbed, moment) : [robbed];
}

function haveLetGo(election: Election, moment: Moment): Step {
  const { phase, yieldsTo } = election;
  if (phase === 'robbed') return [watch({ ...election, phase: 'following' }, moment), { type: 'queue' }];
  if (phase !== 'yielding' || !yieldsTo) return [election];
  const { tab } = yieldsTo;
  const due = moment.now + ELECTION.takenWithin;
  return [
    { ...election, yieldsTo: { tab, done: true }, due },
    { type: 'send', message: { type: 'yielded', to: tab } },
  ];
}

/** Begins to ask anew, if there is somebody to see it. */
function watch(election: Election, { now }: Moment): Election {
  if (election.phase !== 'following') return election;
  return { ...election, unanswered: 0, asked: null, due: election.hiddenSince === null ? now : null };
}

function wake(election: Election, moment: Moment): Step {
  const { phase, due, asked, yieldsTo } = election;
  const { now, random } = moment;
  if (due === null || now < due) return [election];
  if (phase === 'yielding' && yieldsTo?.done) return takeLead(election);
  if (phase !== 'following') return [{ ...election, due: null }];
  // Answers may have come while this tab could not hear them.
  const isHeldUp = now - due > ELECTION.heldUp;
  if (isHeldUp) return wake(watch(election, moment), moment);
  const next = now + ELECTION.pingEvery + Math.floor(random * ELECTION.pingJitter);
  if (asked !== null || election.unanswered >= ELECTION.unanswered)
    return [{ ...election, unanswered: 0, asked: null, due: next }, { type: 'steal' }];
  return [
    { ...election, unanswered: election.unanswered + 1, due: next },
    { type: 'send', message: { type: 'ping' } },
  ];
}

function hear(
  election: Election,
  { from, leads, message }: Extract<ElectionEvent, { type: 'heard' }>,
  { now }: Moment,
): Step {
  const { phase, tab, hiddenSince } = election;
  const said = message as ElectionMessage | { readonly type: null };
  if (phase === 'leading') {
    const isAsked = said.type === 'yield' && said.to === tab;
    if (isAsked && hiddenSince !== null)
      return [{ ...election, phase: 'yielding', yieldsTo: { tab: from, done: false } }, { type: 'follow' }];
    if (!isAsked && said.type !== 'ping') return [election];
    const hidden = hiddenSince === null ? 0 : now - hiddenSince;
    return [election, { type: 'send', message: { type: 'pong', hidden } }];
  }
  if (phase !== 'following') return [election];
  if (said.type === 'yielded') {
    const isHere = said.to === tab && election.asked === from;
    const heard = { ...election, unanswered: 0, asked: null };
    return isHere ? [heard, { type: 'steal' }] : [heard];
  }
  if (!leads) return [election];
  const isSlowed = said.type === 'pong' && said.hidden >= ELECTION.hidden && hiddenSince === null;
  // Another one has taken over meanwhile, or the one that was asked can be seen again.
  const asked = said.type !== 'pong' || isSlowed ? election.asked : null;
  const heard = { ...election, unanswered: 0, asked: asked === from ? asked : null };
  if (!isSlowed || heard.asked === from) return [heard];
  return [
    { ...heard, asked: from, due: now + ELECTION.yieldWithin },
    { type: 'send', message: { type: 'yield', to: from } },
  ];
}
