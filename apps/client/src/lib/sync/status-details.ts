import { catalogue } from '../session/error-sentences.ts';
import type { ErrorCode } from '../session/errors.ts';
import type { DeviceState } from './device.ts';
import { describeBytes } from './reached-words.ts';
import type { MailboxStatus } from './mailbox/ports.ts';
import { hasAllOfIt, isOnRelay, relayTrouble, tellTime, type SyncFacts, type TellTime } from './status.ts';
import { isNearlyFull, type StorageRoom } from './storage-room.ts';

/** One sentence or two each, for the pill's details: where the last change is, and what happens next. */
export interface SyncDetails {
  readonly device: string;
  readonly people: string;
  readonly relay: string;
  /** What others wrote and cannot be shown yet; empty for nothing. */
  readonly missing: string;
  /** What came and was left out, because it was not what it claimed to be or cannot be opened; empty for nothing. */
  readonly refused: string;
  /** What last went wrong, where it is right again; empty for nothing. */
  readonly past: string;
}

/** What is so, and what happens next or can be done. */
interface Sentences {
  readonly what: string;
  readonly next: string;
}

/** Puts the facts into sentences. It never says more than they do. Not needed for the first paint, and loaded after it. */
export function describeDetails(facts: SyncFacts, time: TellTime = tellTime): SyncDetails {
  return {
    device: describeDevice(facts),
    people: describePeople(facts),
    relay: describeRelay(facts, time),
    missing: facts.mailbox.incomplete
      ? 'Something that others wrote builds on what has not arrived here yet. It appears by itself once that has.'
      : '',
    refused: describeRefused(facts),
    past: describePast(facts, time),
  };
}

/** What to tell who has opened a good link and has nothing of the session yet. */
export function describeWaiting(facts: SyncFacts): Sentences {
  const { mailbox, others, viewing } = facts;
  const { trouble, state } = mailbox;
  const notHere = 'Nothing of this session is on this device yet.';
  if (!facts.online) return { what: 'You are offline.', next: `${notHere} It comes when you are online.` };
  if (state === 'behind')
    return { what: 'Receiving the session.', next: 'It comes from the relay, encrypted.' };
  if (!viewing && others > 0) {
    return {
      what: 'Waiting for the session.',
      next: 'It appears by itself as soon as it comes from somebody who is here.',
    };
  }
  if (trouble === 'relay/deleted') {
    return {
      what: 'This session has been deleted from the relay.',
      next: viewing
        ? 'Somebody with the edit link did that. A view link shows what the relay has, so there is nothing to show.'
        : 'Somebody with the edit link did that. It can still come from somebody who has it, while you are here together.',
    };
  }
  if (trouble === 'relay/private') {
    return {
      what: catalogue[trouble].what,
      next: `It takes an access key, which whoever runs it gives out. ${notHere} It comes once this device is let in.`,
    };
  }
  if (trouble) {
    const todo = trouble === 'relay/refused' ? 'Check that the date and time of this device are right. ' : '';
    return { what: catalogue[trouble].what, next: `${todo}${notHere}` };
  }
  if (state === 'unreachable') {
    return {
      what: 'The relay cannot be reached.',
      next: `${notHere} ${viewing ? 'It comes from the relay alone' : 'It comes from the relay, or from somebody who has it'}: Parley tries again by itself.`,
    };
  }
  if (state === 'starting' || (!viewing && state === 'unknown' && facts.looking)) {
    return { what: 'Looking for the session.', next: 'This takes a few seconds.' };
  }
  if (viewing && state === 'unknown') {
    return {
      what: 'This session cannot be shown yet.',
      next: 'The relay, which keeps sessions for those who come later, does not know this view link: it gets to know one from somebody who can edit and is online. Ask whoever sent it to open the session. If it still does not appear here then, this is not the link to it, or the session is gone. Parley tries again by itself.',
    };
  }
  if (mailbox.incomplete) {
    return {
      what: 'A part of the session is missing.',
      next: 'What has arrived builds on what has not. It appears by itself once that has, too.',
    };
  }
  return {
    what: 'Nothing of this session has arrived yet.',
    next: 'Your link is good, but the relay, which keeps sessions for those who come later, has nothing of this one yet. It appears by itself as soon as somebody who has it is online.',
  };
}

/** What is told of a trouble. The catalogue speaks to those who write; who only reads sends nothing and can give nothing back. */
export function explainTrouble(code: ErrorCode, viewing: boolean): Sentences {
  return { ...catalogue[code], ...(viewing && forViewers[code]) };
}

const forViewers: { readonly [Code in ErrorCode]?: Partial<Sentences> } = {
  'device/unavailable': {
    next: 'Private windows and blocked site data do that. You can read and follow, but keep the link: when this tab closes, this device forgets.',
  },
  'device/full': {
    next: 'What arrives now is in this tab only. Free some space and it is saved by itself.',
  },
  'device/failed': {
    what: 'This device could not save what has arrived.',
    next: 'It is in this tab only, and saving is tried again by itself.',
  },
  'device/damaged': {
    next: 'The rest is here. What is missing comes back from the relay, if that has it.',
  },
  'document/newer': {
    next: 'You can read it. If something looks wrong, reload until the new version is here.',
  },
  'relay/quota-exceeded': {
    next: 'What others write from now on may not arrive here.',
  },
  'relay/budget-spent': {
    next: 'What others write may arrive here later, by tomorrow at the latest.',
  },
  'relay/forked': {
    next: 'It may have been restored from a backup, or somebody tampers with it. It cannot read or forge anything, but something may be missing here. If this comes back, tell whoever sent you the link.',
  },
  'relay/rolled-back': {
    next: 'What has arrived here stays. Those who can edit send again what it lacks.',
  },
  'relay/deleted': {
    next: 'What has arrived here stays. What others write from now on does not go to the relay, and so not to you.',
  },
  'relay/private': {
    next: 'It takes an access key, which whoever runs it gives out. What others write comes once this device is let in.',
  },
  'relay/refused': {
    what: 'The relay does not accept what this device asks.',
    next: 'Check that the date and time of this device are right, then reload the page.',
  },
};

/** What becomes of a link that is handed on now: whether its receiver finds the session. */
export function describeSharing(facts: SyncFacts): string {
  const { online, viewing, waiting, mailbox } = facts;
  const { state } = mailbox;
  const trouble = relayTrouble(mailbox);
  const unreadable = 'It cannot read a word of it.';
  if (waiting)
    return 'Nothing of this session has arrived here yet. Whoever opens the link may have to wait for it as well.';
  if (trouble === 'relay/deleted') {
    const gone =
      'This session has been deleted from the relay. A view link shows nothing to whoever opens it now';
    return viewing ? `${gone}.` : `${gone}; an edit link does, while somebody is here who has the session.`;
  }
  if (viewing) {
    return state === 'unknown'
      ? 'The relay does not know this view link, or no longer has the session. Until that changes, whoever opens the link finds nothing.'
      : `Whoever opens the link gets what the relay has of the session, so nobody else has to be online. ${unreadable}`;
  }
  if (trouble === 'relay/quota-exceeded')
    return 'The relay has no more room for this session. Whoever opens the link gets what it has, and the rest only from browsers that connect to theirs directly: keep this tab open meanwhile. A view link shows what the relay has.';
  if (trouble === 'relay/forked' || trouble === 'relay/rolled-back')
    return `${catalogue[trouble].what} Whoever opens the link may get less than is here: keep this tab open meanwhile.`;
  const why = !online
    ? 'This device is offline.'
    : trouble
      ? catalogue[trouble].what
      : state === 'unreachable'
        ? 'The relay cannot be reached.'
        : '';
  const sentence = isOnRelay(mailbox)
    ? `The relay keeps what was written here, encrypted, for whoever opens the link, so nobody else has to be online. ${unreadable}`
    : 'Not all that is here is on the relay yet. Keep this tab open until it is: whoever opens the link before may get less.';
  return why ? `${why} ${sentence}` : sentence;
}

const forEditors: Record<DeviceState, string> = {
  saving: 'The last change is being saved on this device.',
  saved: 'The last change is saved on this device.',
  'device/full': explain('device/full', false),
  'device/failed': explain('device/failed', false),
  'device/unavailable': explain('device/unavailable', false),
};

function explain(code: ErrorCode, viewing: boolean): string {
  const { what, next } = explainTrouble(code, viewing);
  return `${what} ${next}`;
}

function isLost(device: DeviceState): boolean {
  return device !== 'saved' && device !== 'saving';
}

function describeDevice({ device, waiting, viewing, mailbox }: SyncFacts): string {
  if (waiting) return 'Nothing of this session has arrived on this device yet.';
  if (!viewing) return forEditors[device];
  if (device === 'saving') return 'What has arrived is being saved on this device.';
  if (device !== 'saved') return explain(device, true);
  // What waits for a change that is missing is not committed ([SY6]).
  return `What ${mailbox.incomplete ? 'can be shown' : 'has arrived'} is saved on this device.`;
}

function describePeople(facts: SyncFacts): string {
  const { online, others, hub, mailbox, viewing, waiting, looking } = facts;
  const { state } = mailbox;
  if (others > 0) {
    const here = others === 1 ? '1 other person is here.' : `${others} other people are here.`;
    if (viewing) return `${here} What they write comes to you through the relay.`;
    if (waiting) return `${here} The session appears by itself as soon as it comes from one who has it.`;
    const isPassedOn = online && state !== 'unreachable' && !relayTrouble(mailbox);
    return isPassedOn
      ? `${describeHaving(facts)} What you write is sent to them as you write it.`
      : `${describeHaving(facts)} What you write is sent to those of them whose browser is connected to yours directly.`;
  }
  if (!online) {
    if (viewing || waiting) return 'You are offline. What others write comes when you are back.';
    return 'You are offline. You can go on: what you write is sent when you are back.';
  }
  if (viewing && state === 'unknown')
    return 'Nobody can be found while the relay does not know this view link.';
  const isReached = hub === 'connected' || state === 'behind' || state === 'current' || state === 'unknown';
  if (!isReached && hub !== 'connecting' && state === 'unreachable') {
    const why = mailbox.trouble === 'relay/private' ? 'does not let this device in' : 'cannot be reached';
    return `Nobody can be found while the relay ${why}.`;
  }
  return !isReached || looking ? 'Looking for others.' : 'Nobody else is here now.';
}

/** Who has said that this device's last change is saved on theirs. */
function describeHaving({ others, having }: SyncFacts): string {
  if (others === 1) {
    return having === 1
      ? 'The other person who is here has your last change.'
      : 'The other person who is here has not confirmed your last change yet.';
  }
  const people = `the ${others} others who are here`;
  if (having === others)
    return `${others === 2 ? 'Both' : `All ${others}`} others who are here have your last change.`;
  if (having === 0) return `None of ${people} has confirmed your last change yet.`;
  return having === 1
    ? `1 of ${people} has your last change.`
    : `${having} of ${people} have your last change.`;
}

function describeRelay(facts: SyncFacts, time: TellTime): string {
  const { online, mailbox, viewing, waiting, device } = facts;
  const { state, unreachableSince } = mailbox;
  const trouble = relayTrouble(mailbox);
  const trying = 'Parley tries again by itself.';
  // What it says of a copy on this device needs one.
  if (trouble) return waiting || isLost(device) ? catalogue[trouble].what : explain(trouble, viewing);
  const ours = isOnRelay(mailbox)
    ? 'Everything that was written here is on the relay.'
    : device === 'saved'
      ? 'What it lacks is kept on this device and sent by itself.'
      : 'What it lacks is sent by itself while this tab is open.';
  const isGiver = !viewing && !waiting;
  if (!online) return `This device is offline. ${isGiver ? ours : 'What is new comes when you are back.'}`;
  if (state === 'unreachable') {
    const since =
      unreachableSince === null
        ? 'It cannot be reached.'
        : `It has not answered since ${time(unreachableSince)}.`;
    return `${since} ${isGiver ? ours : trying}`;
  }
  if (state === 'starting') return 'Connecting.';
  if (state === 'behind') return 'It has more than has arrived here. Receiving.';
  if (viewing && state === 'unknown')
    return `It does not know this view link${waiting ? '' : ', or no longer has the session'}.${device === 'saved' && !waiting ? ' What is on this device stays.' : ''}`;
  if (waiting && hasAllOfIt(mailbox)) return 'It has nothing of this session yet.';
  if (viewing || waiting) return describeReceived(mailbox);
  if (isOnRelay(mailbox))
    return `${ours} Whoever has the link gets it though nobody is online; the relay cannot read it.`;
  return state === 'unknown'
    ? `It has nothing of this session yet. ${ours}`
    : `It does not have all that is here yet. ${ours}`;
}

function describeReceived({ incomplete, quarantined }: MailboxStatus): string {
  if (incomplete) return 'It has told of nothing more than has arrived here, and that is not all.';
  if (quarantined > 0) return 'This device has all that the relay has told of, but for what was left out.';
  return 'This device has all that the relay has told of.';
}

function describeRefused({ isMeshShut, mailbox: { dropped, quarantined } }: SyncFacts): string {
  const refused =
    dropped === 1 ? 'One message was not what it claimed' : `${dropped} messages were not what they claimed`;
  return [
    isMeshShut
      ? 'Something that another browser sent directly cannot be opened safely. Until you reload the page, this tab reaches others through the relay only, where it can be left out.'
      : '',
    quarantined > 0 ? catalogue['relay/quarantined'].what : '',
    dropped > 0 ? `${refused} to be, and did not get into the session. Nothing of yours is affected.` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** What is wrong now is said elsewhere. */
function describePast({ lastTrouble, mailbox }: SyncFacts, time: TellTime): string {
  if (!lastTrouble || mailbox.trouble !== null || mailbox.state === 'unreachable') return '';
  const { code, at } = lastTrouble;
  const what = code === 'relay/unreachable' ? 'The relay could not be reached.' : catalogue[code].what;
  return `At ${time(at)}: ${what} That is over.`;
}

/** How much of what the browser gives is used, and whether it may take it back. */
export function describeRoom(room: StorageRoom | null): string {
  if (!room) return '';
  const used = `Parley uses ${describeBytes(room.used)} of the ${describeBytes(room.quota)} that this browser gives it.`;
  if (isNearlyFull(room)) {
    return `${used} That is nearly all: forget sessions that you no longer need, or free space on the device.`;
  }
  return room.persisted
    ? used
    : `${used} When the device runs out of space, the browser may delete it: install Parley, or keep the link.`;
}
