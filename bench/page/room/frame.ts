import type { Joining, Member, MeshCode } from './member.ts';
import { countTraffic, type Traffic } from './traffic.ts';

/** A member with a window of its own: as on another computer, as far as code can tell. */
export interface FramedMember extends Member {
  readonly traffic: Traffic;
  /** When its code was there and it began to join, by this page's `performance.now()`. */
  readonly since: number;
}

/** Lets somebody join a room, with a copy of the mesh's code: y-webrtc has one room of a name. */
export function joinInFrame(script: string, joining: Joining): FramedMember {
  const element = document.createElement('iframe');
  document.body.appendChild(element);
  const window = element.contentWindow as (Window & typeof globalThis & { mesh: MeshCode }) | null;
  if (!window) throw new Error('a frame has a window');
  const traffic = countTraffic(window);
  // The stock mesh finds whoever is in the same browser by it, and connects to them in no other way.
  window.BroadcastChannel = class extends window.EventTarget {
    postMessage() {}
    close() {}
  } as unknown as typeof BroadcastChannel;
  window.eval(script);
  const since = performance.now();
  const member = window.mesh.join(joining);
  return {
    ...member,
    ...{ traffic, since },
    leave() {
      member.leave();
      element.remove();
    },
  };
}
