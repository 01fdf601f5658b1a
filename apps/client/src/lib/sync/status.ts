import type { DeviceAccess } from './access.ts';
import type { DeviceState } from './device.ts';
import type { MailboxStatus, MailboxTrouble } from './mailbox/ports.ts';
import type { Reached } from './reached.ts';

/** Whether the relay's hub can be reached. Without it, those who are connected stay so, and nobody new is found. */
export type HubState = 'connecting' | 'connected' | 'unreachable';

/** What is known about where a session's work is and who can be reached. Nothing here is guessed. */
export interface SyncFacts {
  readonly device: DeviceState;
  /** The browser says that there is a network. */
  readonly online: boolean;
  readonly hub: HubState;
  readonly mailbox: MailboxStatus;
  /** This device has the view link only. */
  readonly viewing: boolean;
  /** Other people who are present in the session right now. */
  readonly others: number;
  /** Those of them who have told that this device's last change is saved on theirs ([RC1]). */
  readonly having: number;
  /** Nothing of the session has arrived on this device yet. */
  readonly waiting: boolean;
  /** It was opened a moment ago: whoever is there may not have been found yet. */
  readonly looking: boolean;
  /** Another tab of this browser holds the connections, for this one as well ([TB1]). */
  readonly following: boolean;
  /** This device reaches others through the relay only, which hides its address from them. */
  readonly relayOnly: boolean;
  /** Something that came directly from another browser could not be applied: until the page is loaded anew, others are reached through the relay. */
  readonly isMeshShut: boolean;
  /** What last went wrong with the relay, though it may be right again; null if nothing has. */
  readonly lastTrouble: LastTrouble | null;
}

/** What the pill and its details need: what is known, who is reached how, and what can be changed. */
export interface SyncView {
  readonly facts: SyncFacts;
  readonly reached: readonly Reached[];
  /** Of the app, and of the browser as it calls itself. */
  readonly version: string;
  readonly browser: string;
  /** Looks anew how the others are reached. */
  look(): void;
  /** @returns false where the browser does not keep it */
  reachThroughRelayOnly(relayOnly: boolean): Promise<boolean>;
  /** What can be done about the access key of the relay. Loaded late, because hardly anybody needs it. */
  access(): Promise<DeviceAccess>;
}

export interface LastTrouble {
  readonly code: MailboxTrouble | 'relay/unreachable';
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface SyncStatus {
  /** `calm`: all is as it should be. `waiting`: something is on its way. `danger`: work could be lost. */
  readonly tone: 'calm' | 'waiting' | 'danger';
  /** The last change is committed on this device: fills the pill's first arc. */
  readonly onDevice: boolean;
  /** The pill's second arc. `filled`: all who are present have told that they have this device's last change. `waiting`: not all of them. */
  readonly peopleArc: 'empty' | 'waiting' | 'filled';
  /**
   * The pill's third arc. `filled`: the relay has acknowledged all that this device holds; for a viewer, this device has all that the
   * relay has told of, and could use it ([SY19]). `waiting`: it has yet to. `danger`: it contradicts itself.
   */
  readonly relayArc: 'empty' | 'waiting' | 'filled' | 'danger';
  /** A few words, for the pill. */
  readonly label: string;
  /** The part of them that has to be seen even where there is little room; empty when there is nothing of the kind. */
  readonly notice: string;
}

/** A time of day in a few characters. @param time milliseconds since 1970 */
export type TellTime = (time: number) => string;

export const tellTime: TellTime = (time) =>
  new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' }).format(time);

/** Puts the facts into words. It never says more than they do: a connection is not called a copy. */
export function describeSync(facts: SyncFacts, time: TellTime = tellTime): SyncStatus {
  const { device, waiting, online, mailbox } = facts;
  const { incomplete } = mailbox;
  const lost = device !== 'saved' && device !== 'saving';
  const relay = online ? shortRelay(facts, time) : 'offline';
  const missing = incomplete ? 'something is missing' : '';
  const label = [waiting ? 'Waiting' : shortDevice[device], shortPeople(facts), relay, missing];
  const stuck = !online
    ? ''
    : relayTrouble(mailbox)
      ? relay
      : mailbox.state === 'unreachable'
        ? UNREACHABLE
        : '';
  return {
    tone: lost ? 'danger' : device === 'saving' || waiting || incomplete ? 'waiting' : 'calm',
    onDevice: device === 'saved' && !waiting,
    peopleArc: peopleArc(facts),
    relayArc: relayArc(facts),
    label: label.filter(Boolean).join(' · '),
    notice: lost ? shortDevice[device].replace(/:.*/, '') : stuck || missing,
  };
}

const UNREACHABLE = 'relay unreachable';

/** The trouble that one has with the relay as such, and not with a single change; null for none. */
export function relayTrouble({
  trouble,
}: MailboxStatus): Exclude<MailboxTrouble, 'relay/quarantined'> | null {
  return trouble === 'relay/quarantined' ? null : trouble;
}

const shortDevice: Record<DeviceState, string> = {
  saving: 'Saving',
  saved: 'On this device',
  'device/full': 'Not saved: storage is full',
  'device/failed': 'Not saved',
  'device/unavailable': 'Only in this tab',
};

/** What was written here can be with others. */
function isGiver({ viewing, waiting }: SyncFacts): boolean {
  return !viewing && !waiting;
}

function peopleArc(facts: SyncFacts): SyncStatus['peopleArc'] {
  const { others, having } = facts;
  if (others === 0 || !isGiver(facts)) return 'empty';
  return having === others ? 'filled' : 'waiting';
}

function shortPeople(facts: SyncFacts): string {
  const { others, having } = facts;
  if (others === 0) return '';
  const people = countPeople(others);
  if (!isGiver(facts)) return `${people} here`;
  if (having === 0) return `not yet with ${people}`;
  return having === others ? `with ${people}` : `with ${having} of ${people}`;
}

function relayArc({ mailbox, viewing, waiting }: SyncFacts): SyncStatus['relayArc'] {
  const { state, trouble } = mailbox;
  if (trouble === 'relay/forked' || trouble === 'relay/rolled-back') return 'danger';
  if (trouble === 'relay/deleted' || waiting) return 'empty';
  if (viewing) {
    if (state === 'current' && hasAllOfIt(mailbox)) return 'filled';
    return state === 'current' || state === 'behind' ? 'waiting' : 'empty';
  }
  if (isOnRelay(mailbox)) return 'filled';
  return state === 'starting' ? 'empty' : 'waiting';
}

function shortRelay({ mailbox, viewing, waiting }: SyncFacts, time: TellTime): string {
  const { state, trouble, quarantined, unreachableSince } = mailbox;
  switch (trouble) {
    case 'relay/quota-exceeded':
      return 'relay: full';
    case 'relay/budget-spent':
      return 'relay: takes no more now';
    case 'relay/forked':
    case 'relay/rolled-back':
      return 'relay contradicts itself';
    case 'relay/deleted':
      return 'deleted from the relay';
    case 'relay/refused':
      return 'relay refuses';
    case 'relay/private':
      return 'relay is private';
  }
  if (unreachableSince !== null) return `${UNREACHABLE} since ${time(unreachableSince)}`;
  if (state === 'unreachable') return UNREACHABLE;
  if (state === 'behind') return 'receiving';
  // Before anything has arrived, the page itself says what is waited for.
  if (waiting) return '';
  if (viewing) {
    if (state === 'unknown') return 'relay does not know the link';
    if (quarantined > 0) return 'something was left out';
    return state === 'current' && hasAllOfIt(mailbox) ? 'on the relay' : '';
  }
  if (isOnRelay(mailbox)) return 'on the relay';
  return state === 'starting' ? '' : 'waiting for the relay';
}

/** The relay has all that this device holds. One that does not know the session has nothing of it. */
export function isOnRelay({ onRelay, state }: MailboxStatus): boolean {
  return onRelay && state !== 'unknown';
}

/** What the relay has told of can all be shown here. */
export function hasAllOfIt({ incomplete, quarantined }: MailboxStatus): boolean {
  return !incomplete && quarantined === 0;
}

/** So many people, in words. */
function countPeople(people: number): string {
  return people === 1 ? '1 person' : `${people} people`;
}
