import { catalogue } from '../session/error-sentences.ts';
import type { DeviceState } from './device.ts';
import { countPeople, tellTime, type SyncFacts, type TellTime } from './status.ts';

/** One sentence or two each, for the pill's details: where the last change is, and what happens next. */
export interface SyncDetails {
  readonly device: string;
  readonly people: string;
  readonly relay: string;
  /** What came and was left out, because it was not what it claimed to be; empty for nothing. */
  readonly refused: string;
}

/** Puts the facts into sentences. It never says more than they do. Not needed for the first paint, and loaded after it. */
export function describeDetails(facts: SyncFacts, time: TellTime = tellTime): SyncDetails {
  return {
    device: describeDevice(facts),
    people: describePeople(facts),
    relay: describeRelay(facts, time),
    refused: describeRefused(facts),
  };
}

/** What to tell who has opened a good link and has nothing of the session yet: what is so, and what happens next. */
export function describeWaiting(facts: SyncFacts): { what: string; next: string } {
  const { mailbox, others, viewing } = facts;
  const here = 'Your link is good, but nothing of the session is on this device yet.';
  if (!facts.online) {
    return {
      what: 'You are offline.',
      next: 'Nothing of this session is on this device yet. It comes when you are online.',
    };
  }
  if (mailbox.state === 'behind')
    return { what: 'Receiving the session.', next: 'It comes from the relay, encrypted.' };
  if (!viewing && others > 0)
    return { what: 'Receiving the session.', next: 'It comes from those who are here.' };
  if (mailbox.trouble === 'relay/deleted') {
    return {
      what: 'This session has been deleted from the relay.',
      next: viewing
        ? 'Somebody with the edit link did that. A view link shows what the relay has, so there is nothing to show.'
        : 'Somebody with the edit link did that. It can still come from somebody who has it, while you are here together.',
    };
  }
  if (mailbox.trouble) return catalogue[mailbox.trouble];
  if (mailbox.state === 'unreachable') {
    return {
      what: 'The relay cannot be reached.',
      next: 'Nothing of this session is on this device yet, and without the relay nothing arrives. Trying again by itself.',
    };
  }
  if (mailbox.state === 'starting' || (!viewing && mailbox.state === 'unknown' && facts.looking)) {
    return { what: 'Looking for the session.', next: 'This takes a few seconds.' };
  }
  if (viewing && mailbox.state === 'unknown') {
    return {
      what: 'The relay does not know this view link.',
      next: 'Somebody who can edit has to be online once, so that the relay gets to know it: ask whoever sent it. If it still does not open then, it is not the link to this session, or the session is gone. Trying again by itself.',
    };
  }
  return {
    what: 'The relay has nothing of this session yet.',
    next: `${here} It appears by itself as soon as somebody who has it is online.`,
  };
}

const longDevice: Record<DeviceState, string> = {
  saving: 'The last change is being saved on this device.',
  saved: 'The last change is saved on this device.',
  'device/full': explain('device/full'),
  'device/failed': explain('device/failed'),
  'device/unavailable': explain('device/unavailable'),
};

function explain(code: keyof typeof catalogue): string {
  return `${catalogue[code].what} ${catalogue[code].next}`;
}

function describeDevice({ device, waiting, viewing }: SyncFacts): string {
  if (waiting) return 'Nothing of this session has arrived on this device yet.';
  if (viewing && device === 'saved') return 'What has arrived is saved on this device.';
  return longDevice[device];
}

function describePeople({ online, others, hub, mailbox, viewing }: SyncFacts): string {
  const isReached = mailbox.state !== 'unreachable' && mailbox.state !== 'starting';
  if (others > 0) {
    return viewing
      ? `Connected to ${countPeople(others)}. What they write appears as they write it.`
      : `Connected to ${countPeople(others)}. What you write is sent to them as you write it.`;
  }
  if (!online) return 'You are offline. Everything works; it travels when you are back.';
  if (!isReached && hub === 'connecting') return 'Looking for others.';
  if (!isReached && hub !== 'connected') return 'Nobody can be found while the relay cannot be reached.';
  return 'Nobody else is here now.';
}

function describeRelay({ online, mailbox, viewing }: SyncFacts, time: TellTime): string {
  const { state, trouble, onRelay, unreachableSince } = mailbox;
  const isThere = 'Everything that was written here is on the relay.';
  const isSentLater = 'What it lacks is kept on this device and sent by itself.';
  if (trouble && trouble !== 'relay/quarantined') return explain(trouble);
  if (!online) {
    if (viewing) return 'This device is offline. What is new comes when you are back.';
    return `This device is offline. ${onRelay ? isThere : isSentLater}`;
  }
  if (state === 'unreachable') {
    const since =
      unreachableSince === null
        ? 'It cannot be reached.'
        : `It has not answered since ${time(unreachableSince)}.`;
    return `${since} ${viewing ? 'Trying again by itself.' : onRelay ? isThere : isSentLater}`;
  }
  if (state === 'starting') return 'Connecting.';
  if (state === 'behind') return 'It has more than has arrived here. Receiving.';
  if (viewing) {
    return state === 'current'
      ? 'This device has all that the relay has told of.'
      : 'It does not know this view link, or no longer has the session. What is on this device stays.';
  }
  if (onRelay)
    return `${isThere} Whoever has the link gets it though nobody is online; the relay cannot read it.`;
  return `The last change is on its way to the relay. ${isSentLater}`;
}

function describeRefused({ mailbox: { dropped } }: SyncFacts): string {
  if (dropped === 0) return '';
  const what =
    dropped === 1 ? 'One message was not what it claimed' : `${dropped} messages were not what they claimed`;
  return `${what} to be, and did not get into the session. Nothing of yours is affected.`;
}
