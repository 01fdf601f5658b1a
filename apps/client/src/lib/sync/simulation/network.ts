import { encodeBase64url } from '@parley/signaling/base64url';
import type { AppendAnswer, Log } from '@parley/signaling/mailbox';
import type { Caller } from '@parley/relay/mailbox';
import type { VirtualClock } from './clock.ts';
import type { Page } from './device.ts';
import type { SimulatedLine } from './line.ts';
import type { SeededRandom } from './random.ts';
import type { RelayFrame, SimulatedRelay } from './relay.ts';
import type { SimulatedSocket } from './socket.ts';

/** How often what goes wrong: probabilities. */
export interface NetworkFaults {
  lostRequest: number;
  lostAnswer: number;
  repeatedRequest: number;
  lostFrame: number;
  repeatedFrame: number;
  /** Frames overtake one another. */
  disorder: boolean;
}

export const NO_FAULTS: NetworkFaults = {
  lostRequest: 0,
  lostAnswer: 0,
  repeatedRequest: 0,
  lostFrame: 0,
  repeatedFrame: 0,
  disorder: false,
};

/** What a relay that lies makes of its answers. */
export interface Lies {
  pull?(log: Log, caller: Caller): Log;
  append?(envelopes: readonly Uint8Array<ArrayBuffer>[], line: SimulatedLine): AppendAnswer | null;
}

/** Whose way to the relay it is. */
export interface Holder {
  /** Nothing gets through. */
  readonly isCut: boolean;
  /** Which relay it is told by. */
  readonly relay: SimulatedRelay;
}

/** A page as the network knows it. */
export interface NetworkPage extends Page {
  readonly name: string;
  readonly holder: Holder;
}

/** What is between everybody and the relay. */
export class SimulatedNetwork {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  faults: NetworkFaults = { ...NO_FAULTS };
  lies: Lies = {};
  /** Nobody reaches the relay. */
  isGone = false;
  requests = 0;
  /** Requests that a quota or a budget refused. */
  limited = 0;
  /** Told about every request that would change the log. */
  onWriting: (line: SimulatedLine) => void = () => undefined;
  /** Answers that were changed on their way. */
  readonly tampered = new WeakSet<Log>();
  /** Told about every question; what it gives is told about its answer, just before that arrives. */
  onQuestion: (line: SimulatedLine) => (answer: unknown) => void = () => () => undefined;
  /** Those that are open, or being opened. */
  readonly sockets = new Set<SimulatedSocket>();
  readonly trace: (line: string) => void;
  /** Live envelopes that went by, for a viewer to send again. */
  readonly overheard: Uint8Array<ArrayBuffer>[] = [];

  constructor(clock: VirtualClock, random: SeededRandom, trace: (line: string) => void) {
    this.clock = clock;
    this.random = random;
    this.trace = trace;
  }

  publish(relay: SimulatedRelay, frame: RelayFrame): void {
    for (const socket of this.sockets) if (socket.page.holder.relay === relay) socket.deliver(frame);
  }

  /** Passes a live envelope to all others. */
  pass(from: SimulatedSocket | null, envelope: Uint8Array<ArrayBuffer>): void {
    this.overheard.push(envelope);
    const frame = { type: 'live', topic: '', envelope: encodeBase64url(envelope) } as const;
    for (const socket of this.sockets) if (socket !== from) socket.deliver(frame);
  }

  /** The hub's connections end, and their pages know. */
  disconnect(whose: (page: NetworkPage) => boolean = () => true): void {
    for (const socket of [...this.sockets]) if (whose(socket.page)) socket.lose();
  }
}
