import { catalogue } from '../session/error-sentences.ts';
import type { DeviceState } from './device.ts';
import type { HubState } from './mesh.ts';

/** What is known about where a session's work is and who can be reached. Nothing here is guessed. */
export interface SyncFacts {
  readonly device: DeviceState;
  /** The browser says that there is a network. */
  readonly online: boolean;
  readonly hub: HubState;
  /** Other people who are present in the session right now. */
  readonly others: number;
  /** Nothing of the session has arrived on this device yet. */
  readonly waiting: boolean;
  /** It was opened a moment ago: whoever is there may not have been found yet. */
  readonly looking: boolean;
}

export interface SyncStatus {
  /** `calm`: all is as it should be. `waiting`: something is on its way. `danger`: work could be lost. */
  readonly tone: 'calm' | 'waiting' | 'danger';
  /** The last change is committed on this device: fills the pill's ring. */
  readonly onDevice: boolean;
  /** A few words, for the pill. */
  readonly label: string;
  /** One sentence each, for the pill's details. */
  readonly device: string;
  readonly people: string;
  readonly relay: string;
}

/** Puts the facts into words. It never says more than they do: a connection is not called a copy. */
export function describeSync(facts: SyncFacts): SyncStatus {
  const lost = facts.device !== 'saved' && facts.device !== 'saving';
  const reach = describeReach(facts);
  return {
    tone: lost ? 'danger' : facts.device === 'saving' || facts.waiting ? 'waiting' : 'calm',
    onDevice: facts.device === 'saved' && !facts.waiting,
    label: [facts.waiting ? 'Waiting' : shortDevice[facts.device], reach].filter(Boolean).join(' · '),
    device: facts.waiting
      ? 'Nothing of this session has arrived on this device yet.'
      : longDevice[facts.device],
    people: describePeople(facts),
    relay: describeRelay(facts),
  };
}

/** What to tell who has opened a good link and has nothing of the session yet: what is so, and what happens next. */
export function describeWaiting(facts: SyncFacts): { what: string; next: string } {
  const here = 'Your link is good, but nothing of the session is on this device yet.';
  if (!facts.online) {
    return {
      what: 'You are offline.',
      next: `${here} It comes when you are online together with somebody who has it.`,
    };
  }
  if (facts.others > 0) {
    return { what: 'Receiving the session.', next: `${here} It comes from those who are here.` };
  }
  if (facts.hub === 'unreachable') {
    return {
      what: 'The relay cannot be reached.',
      next: `${here} Without the relay nobody who has it can be found. Trying again by itself.`,
    };
  }
  if (facts.hub === 'connecting' || facts.looking) {
    return { what: 'Looking for somebody who has this session.', next: 'This takes a few seconds.' };
  }
  return {
    what: 'Nobody who has this session is online right now.',
    next: `${here} It appears by itself as soon as somebody who has it is online.`,
  };
}

const shortDevice: Record<DeviceState, string> = {
  saving: 'Saving',
  saved: 'On this device',
  'device/full': 'Not saved: storage is full',
  'device/failed': 'Not saved',
  'device/unavailable': 'Only in this tab',
};

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

function describeReach({ online, others }: SyncFacts): string {
  if (others > 0) return `connected to ${count(others)}`;
  return online ? '' : 'offline';
}

function describePeople({ online, others, hub }: SyncFacts): string {
  if (others > 0) return `Connected to ${count(others)}. What you write is sent to them as you write it.`;
  if (!online) return 'You are offline. Everything works; it travels when you are back.';
  if (hub === 'connecting') return 'Looking for others.';
  if (hub === 'unreachable') return 'Nobody can be found while the relay cannot be reached.';
  return 'Nobody else is here now. What you write travels when you are here at the same time.';
}

function describeRelay({ online, hub }: SyncFacts): string {
  if (!online) return 'Not reached: this device is offline.';
  if (hub === 'connected') return 'Reached. It introduces people to each other and keeps nothing.';
  return hub === 'connecting' ? 'Connecting.' : 'It cannot be reached. Trying again by itself.';
}

function count(people: number): string {
  return people === 1 ? '1 person' : `${people} people`;
}
