import type { Surroundings } from '../surroundings.ts';
import type Peer from './peer.ts';

/** What a peer needs of the mesh that it is in. */
export interface PeerHooks {
  ice(): Promise<RTCConfiguration>;
  readonly after: Surroundings['after'];
  /** A message of y-webrtc's came. `read` hands it to y-webrtc, and throws if it is none. */
  onData(peer: Peer, read: () => void): void;
  /** A message came that only Parley's own peers send. */
  onOwn(peer: Peer, message: Uint8Array<ArrayBuffer>): void;
  /** It has been opened: for the first time, or anew because the other one began again. */
  onOpen(peer: Peer): void;
  /** It has been interrupted, or is back. */
  onReach(): void;
  /** How long nobody tries again after it came to no connection, in milliseconds. */
  pauseAfter(peer: Peer): number;
  onClose(peer: Peer): void;
}

export interface PeerOptions extends PeerHooks {
  readonly initiator: boolean;
  /** The name of the other in the mesh. */
  readonly remotePeerId: string;
}
