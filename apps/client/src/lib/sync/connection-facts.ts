import { NOT_ASKED, type MailboxStatus } from './mailbox/ports.ts';
import type { PeerConnection } from './reached.ts';
import type { HubState, LastTrouble } from './status.ts';

/** What is known of a session's connections, whichever tab of this device holds them. */
export interface ConnectionFacts {
  readonly hub: HubState;
  readonly mailbox: MailboxStatus;
  /** Ids of those who have told that this device's last change is saved on theirs. */
  readonly having: readonly string[];
  readonly connections: readonly PeerConnection[];
  readonly lastTrouble: LastTrouble | null;
  /** What came through the mesh has broken the document in this tab: until the page is loaded anew, others are reached through the relay. */
  readonly isMeshShut: boolean;
  /** By which name the mesh knows this device; null while it is in none. */
  readonly peer: string | null;
}

export const NOT_CONNECTED: ConnectionFacts = {
  hub: 'connecting',
  mailbox: NOT_ASKED,
  having: [],
  connections: [],
  lastTrouble: null,
  isMeshShut: false,
  peer: null,
};
