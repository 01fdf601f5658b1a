import type * as Y from 'yjs';

/** How somebody comes into a room of the mesh. */
export interface Joining {
  readonly room: string;
  readonly password: string;
  /** The WebSocket address of the hub. */
  readonly hub: string;
}

/** Somebody in a room, whose mesh is ours or the stock one. */
export interface Member {
  readonly doc: Y.Doc;
  /** To how many others it is connected. */
  connected(): number;
  /** From now on the awareness does not say every 15 seconds that somebody is still there. */
  quieten(): void;
  leave(): void;
}

/** What the scripts of `parley.ts` and `stock.ts` define. */
export interface MeshCode {
  join(joining: Joining): Member;
}

/** Those scripts. */
export interface MeshScripts {
  readonly parley: string;
  readonly stock: string;
}

export type MeshKind = keyof MeshScripts;
