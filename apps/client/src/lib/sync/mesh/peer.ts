import { ObservableV2 } from 'lib0/observable';
import { CHUNKS, OWN_MESSAGE } from './chunks.ts';
import { Mending } from './mending.ts';
import { PeerConnection } from './peer-connection.ts';
import type { PeerOptions } from './peer-hooks.ts';
import { readSignal, type Description, type Signal } from './signal.ts';

/** In milliseconds. */
export const PATIENCE = {
  /** For the other's offer, where something else of it came first, and for its answer. */
  offer: 10_000,
  answer: 20_000,
  /** Until a connection is open once both have agreed. */
  open: 30_000,
} as const;

/**
 * A connection to one other browser, in place of simple-peer's class of that name, which y-webrtc uses: it speaks the same protocol, and
 * also takes messages of any size, gives up what is not answered, and mends what was interrupted.
 */
export default class Peer extends ObservableV2<{
  signal: (signal: Signal) => void;
  connect: () => void;
  data: (message: Uint8Array<ArrayBuffer>) => void;
  close: () => void;
}> {
  readonly name: string;
  /** Messages that were too large for the other one. */
  refused = 0;
  readonly #options: PeerOptions;
  #initiates: boolean;
  /** The other one is a Parley of this version or later. */
  #isOwn = false;
  #isClosed = false;
  /** An offer of the other one waits to be taken: an own one that is being made does not go out any more. */
  #isGivingWay = false;
  #connection: PeerConnection | null = null;
  /** Those of the other one that came before its description. */
  #candidates: RTCIceCandidateInit[] = [];
  readonly #mending: Mending;
  #wasOpen = false;
  /** Signals are dealt with one after the other. */
  #work: Promise<void> = Promise.resolve();
  #cancelDeadline: (() => void) | null = null;

  constructor(options: PeerOptions) {
    super();
    this.#options = options;
    this.name = options.remotePeerId;
    this.#initiates = options.initiator;
    const { after } = options;
    this.#mending = new Mending({ after, onRestart: () => this.#restart(), onLost: () => this.destroy() });
    this.#expectWithin(options.initiator ? PATIENCE.answer : PATIENCE.offer);
    this.#enqueue(async () => {
      await this.#open();
      if (this.#initiates) await this.#connection?.offer();
    });
  }

  /** Whether it has made an offer that nobody has answered yet. */
  get isOffering(): boolean {
    return this.#initiates && this.#connection?.hasTaken === false;
  }

  /** Whether it is connected, and nothing interrupts that. */
  get isConnected(): boolean {
    return this.#connection?.isOpen === true && !this.#mending.isInterrupted;
  }

  /** Whether the other one understands what only Parley's own peers send. */
  get isOwn(): boolean {
    return this.#isOwn;
  }

  /** Deals with what the other one says through the hub. Nonsense is dropped. */
  signal(data: unknown): void {
    const signal = readSignal(data);
    if (!signal) return;
    if (signal.type === 'offer') this.#isGivingWay = true;
    this.#enqueue(async () => {
      if ('renegotiate' in signal) {
        if (this.#connection?.hasOpened && this.#initiates) this.#restart();
      } else if ('candidate' in signal) await this.#addCandidate(signal.candidate);
      else {
        this.#isOwn = signal.parley === 1;
        await (signal.type === 'offer' ? this.#takeOffer(signal) : this.#takeAnswer(signal));
      }
    });
  }

  /** Sends a message. What the other one cannot take is counted and not sent. */
  send(message: Uint8Array<ArrayBuffer>): void {
    if (message.length > (this.#isOwn ? CHUNKS.message : CHUNKS.whole)) this.refused += 1;
    else this.#connection?.send(message);
  }

  /** Time has passed unnoticed, or the network is another one: what is interrupted is restarted at once. */
  wake(): void {
    this.#mending.wake();
  }

  /** What the browser knows of the connection. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#connection?.stats()) ?? null;
  }

  override destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelDeadline?.();
    this.#mending.stop();
    this.#drop();
    this.#options.onClose(this);
    this.emit('close', []);
    super.destroy();
  }

  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#isClosed ? undefined : task()))
      // The browser refuses a description: there is no way on from here but a new connection.
      .catch(() => this.#fail());
  }

  #expectWithin(patience: number): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#options.after(patience, () => this.#fail());
  }

  /**
   * It comes to no connection. y-webrtc looks for another one as soon as this one is closed, where two cannot connect at all for ever: its
   * place is kept for a while. An offer still finds it.
   */
  #fail(): void {
    const hasTried = this.#initiates || this.#connection?.hasTaken;
    if (this.#isClosed || this.#wasOpen || !hasTried) {
      this.destroy();
      return;
    }
    const pause = this.#options.pauseAfter(this);
    this.#drop();
    this.#candidates = [];
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#options.after(pause, () => this.destroy());
  }

  async #open(): Promise<void> {
    const configuration = await this.#options.ice();
    if (this.#isClosed) return;
    this.#connection = new PeerConnection(configuration, {
      after: this.#options.after,
      isGivingWay: () => this.#isGivingWay,
      onSignal: (signal) => this.#tell(signal),
      onState: (state) => this.#noteState(state),
      onOpen: () => this.#noteOpen(),
      onMessage: (message) => this.#receive(message),
      onLost: () => this.destroy(),
    });
    if (this.#initiates) this.#connection.openChannel();
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  #noteOpen(): void {
    this.#cancelDeadline?.();
    this.#wasOpen = true;
    this.emit('connect', []);
    this.#options.onOpen(this);
  }

  #receive(message: Uint8Array<ArrayBuffer>): void {
    if (message[0] === OWN_MESSAGE) this.#options.onOwn(this, message);
    else this.#options.onData(this, () => this.emit('data', [message]));
  }

  async #takeOffer(offer: Description): Promise<void> {
    this.#isGivingWay = false;
    // There is no connection, the offer is preferred to ours, or it comes of another connection than the one that was here.
    if (!this.#connection || this.isOffering || this.#connection.isOther(offer)) {
      const wasConnected = this.isConnected;
      this.#initiates = false;
      this.#drop();
      if (wasConnected) this.#options.onReach();
      await this.#open();
    }
    const connection = this.#connection;
    if (!connection) return;
    await this.#take(connection, offer);
    await connection.answer();
  }

  async #takeAnswer(answer: Description): Promise<void> {
    // It may be to an offer before the last one.
    if (this.#connection?.isAwaiting(answer)) await this.#take(this.#connection, answer);
  }

  async #take(connection: PeerConnection, description: Description): Promise<void> {
    await connection.take(description);
    if (!connection.hasOpened) this.#expectWithin(PATIENCE.open);
    await connection.addCandidates(this.#candidates.splice(0));
  }

  async #addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    this.#candidates.push(candidate);
    if (this.#connection?.hasTaken) await this.#connection.addCandidates(this.#candidates.splice(0));
  }

  #tell(signal: Signal): void {
    this.emit('signal', [signal]);
  }

  #noteState(state: RTCPeerConnectionState): void {
    const hasFailed = state === 'failed';
    const hasOpened = this.#connection?.hasOpened;
    const was = this.#mending.isInterrupted;
    if (hasFailed && !hasOpened) this.#fail();
    else if (state === 'closed') this.destroy();
    else if (state === 'connected') this.#mending.restored();
    else if (hasOpened && (hasFailed || state === 'disconnected')) this.#mending.interrupted(hasFailed);
    if (was !== this.#mending.isInterrupted) this.#options.onReach();
  }

  /** Looks for another way to the other one. Who answered once can only ask for it. */
  #restart(): void {
    if (!this.#initiates) {
      if (this.#mending.isInterrupted) this.#tell({ type: 'renegotiate', renegotiate: true });
      return;
    }
    this.#enqueue(async () => {
      // The ways of an hour ago may not be open any more.
      const configuration = await this.#options.ice();
      await this.#connection?.restart(configuration);
    });
  }
}
