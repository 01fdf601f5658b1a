import type { Surroundings } from '../surroundings.ts';

/** Until what was gathered of candidates goes out with the description, in milliseconds: mostly all of them, in one frame instead of five. */
const GATHERING = 100;

/** What two peers tell each other through the hub until they are connected: simple-peer's protocol, and `parley`. */
export type Signal =
  | {
      readonly type: 'offer' | 'answer';
      readonly sdp: string;
      readonly parley?: 1;
      /** In an answer of a Parley's: that of the offer ({@link attemptOf}). */
      readonly attempt?: string;
    }
  | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateInit }
  | { readonly type: 'renegotiate'; readonly renegotiate: true };

export type Description = Extract<Signal, { readonly sdp: string }>;

/** @returns null for what is none; what a later version adds is passed by */
export function readSignal(data: unknown): Signal | null {
  if (!isRecord(data)) return null;
  const { type, sdp, attempt, candidate, renegotiate } = data;
  if ((type === 'offer' || type === 'answer') && typeof sdp === 'string') {
    if (data['parley'] !== 1) return { type, sdp };
    return { type, sdp, parley: 1, ...(typeof attempt === 'string' ? { attempt } : {}) };
  }
  if (isRecord(candidate) && typeof candidate['candidate'] === 'string') {
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    return {
      type: 'candidate',
      candidate: {
        candidate: candidate['candidate'],
        sdpMid: typeof sdpMid === 'string' ? sdpMid : null,
        sdpMLineIndex: typeof sdpMLineIndex === 'number' ? sdpMLineIndex : null,
        ...(typeof usernameFragment === 'string' ? { usernameFragment } : {}),
      },
    };
  }
  return renegotiate === true ? { type: 'renegotiate', renegotiate } : null;
}

/** Resolves when a connection has found all its candidates, or it has taken long enough: what comes later goes out by itself. */
export function gatherCandidates(pc: RTCPeerConnection, after: Surroundings['after']): Promise<void> {
  return new Promise((resolve) => {
    const gathered = () => pc.iceGatheringState === 'complete' && resolve();
    pc.onicegatheringstatechange = gathered;
    after(GATHERING, resolve);
    gathered();
  });
}

/** Which connection a description belongs to: the `o=` line without its version (RFC 8866, RFC 9429). */
export function sessionOf({ sdp = '' }: { readonly sdp?: string }): string {
  return /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? '';
}

/** Which attempt to connect a description belongs to: its ICE user name, which a restart changes (RFC 8445, section 9). */
export function attemptOf({ sdp = '' }: { readonly sdp?: string }): string {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
