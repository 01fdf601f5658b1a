/** How a person is reached: from browser to browser, or by way of a TURN server, the relay, or others who are here. */
export type Way = 'direct' | 'turn' | 'relay' | 'others';

/** Somebody else who is present. */
interface Somebody {
  readonly id: string;
  readonly name: string;
  readonly hue: number;
  readonly viewing: boolean;
  /** By which name the mesh knows their device; null where it is in none. */
  readonly peer: string | null;
}

/** A connection of the mesh, from this device's end. */
export interface PeerConnection {
  readonly peer: string;
  readonly state: 'connecting' | 'connected';
  /** null as long as it is not known. */
  readonly way: 'direct' | 'turn' | null;
  /** In bytes. */
  readonly sent: number;
  readonly received: number;
}

export interface Reached extends Somebody {
  readonly way: Way;
  /** A connection from browser to browser is being made. */
  readonly connecting: boolean;
  /** Over that connection, in bytes; null where there is none. */
  readonly traffic: { readonly sent: number; readonly received: number } | null;
  /** They have told that this device's last change is saved on theirs. */
  readonly having: boolean;
}

/** Puts together who is present and how each of them is reached. Whom neither the mesh nor the relay reaches, somebody else has told of. */
export function listReached(
  others: readonly Somebody[],
  connections: readonly PeerConnection[],
  having: readonly string[],
  isRelayReached: boolean,
): Reached[] {
  return others.map((person) => {
    const known = connections.find(({ peer }) => peer === person.peer);
    const connection = known?.state === 'connected' ? known : null;
    return {
      ...person,
      way: connection ? (connection.way ?? 'direct') : isRelayReached ? 'relay' : 'others',
      connecting: known?.state === 'connecting',
      traffic: connection && { sent: connection.sent, received: connection.received },
      having: having.includes(person.id),
    };
  });
}
