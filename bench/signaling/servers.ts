import type { Peer, SIGNALING_SERVERS } from '../peers/start.ts';

/** A signaling server that is a process of its own. */
export type Kind = keyof typeof SIGNALING_SERVERS;

export const KINDS: readonly Kind[] = ['y-webrtc', 'parley', 'bare'];

export const NAMES = {
  'y-webrtc': 'y-webrtc’s server',
  parley: 'Parley’s hub under Node, all rules on',
  bare: 'The limit: frames forwarded as they are, without a rule',
} as const satisfies Record<Kind, string>;

export type Servers = ReadonlyMap<Kind, Peer & { readonly port: number }>;
