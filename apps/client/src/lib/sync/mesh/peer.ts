import { ObservableV2 } from 'lib0/observable';
import { Assembly, CHUNKS, FrameError, OWN_MESSAGE } from './chunks.ts';
import { Mending } from './mending.ts';
import { Outgoing } from './outgoing.ts';
import type { PeerOptions } from './peer-hooks.ts';
import {
  attemptOf,
  gatherCandidates,
  readSignal,
  sessionOf,
  type Description,
  type Signal,
} from './signal.ts';

/** In milliseconds. */
export const PATIENCE = {
  /** For the other's offer, where something else of it came first, and for its answer. */
  offer: 10_000,
  answer: 20_000,
  /** Until a connection is open once both have agreed. */
  open: 30_000,
  /** For what was sent last, a goodbye perhaps, to reach the other one before the connection goes. */
  parting: 2_000,
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
  #pc: RTCPeerConnection | null = null;
  #channel: RTCDataChannel | null = null;
  #outgoing: Outgoing | null = null;
  #assembly = new Assembly();
  #candidates: RTCIceCandidateInit[] = [];
  /** Whether the description went out: candidates that come now go out one by one. */
  #isDescribed = false;
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
      if (this.#initiates) await this.#offer({});
    });
  }

  /** Whether it has made an offer that nobody has answered yet. */
  get isOffering(): boolean {
    return this.#initiates && this.#pc !== null && !this.#pc.remoteDescription;
  }

  /** Whether it is connected, and nothing interrupts that. */
  get isConnected(): boolean {
    return this.#channel?.readyState === 'open' && !this.#mending.isInterrupted;
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
        if (this.#channel && this.#initiates) this.#restart();
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
    else this.#outgoing?.send(message);
  }

  /** Time has passed unnoticed, or the network is another one: what is interrupted is restarted at once. */
  wake(): void {
    this.#mending.wake();
  }

  /** What the browser knows of the connection. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#pc?.getStats()) ?? null;
  }

  override destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelDeadline?.();
    this.#drop();
    this.#mending.stop();
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
    const hasTried = this.#initiates || this.#pc?.remoteDescription;
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
    const pc = new RTCPeerConnection(configuration);
    this.#pc = pc;
    pc.onicecandidate = ({ candidate }) => {
      // With a password a raw RTCIceCandidate is encoded as {}.
      if (candidate?.candidate && this.#isDescribed)
        this.#tell({ type: 'candidate', candidate: candidate.toJSON() });
    };
    pc.onconnectionstatechange = () => this.#noteState(pc);
    pc.ondatachannel = ({ channel }) => this.#listen(channel);
    if (this.#initiates) this.#listen(pc.createDataChannel('parley'));
  }

  #drop(): void {
    const { isConnected } = this;
    const [pc, channel] = [this.#pc, this.#channel];
    [this.#pc, this.#channel] = [null, null];
    this.#outgoing?.close();
    this.#outgoing = null;
    this.#assembly = new Assembly();
    if (channel) channel.onmessage = channel.onclose = null;
    if (!pc) return;
    pc.onicecandidate = pc.onconnectionstatechange = pc.ondatachannel = null;
    if (channel && isConnected) this.#part(pc, channel);
    else pc.close();
  }

  /** A channel that closes sends first what it has been given; a connection does not. */
  #part(pc: RTCPeerConnection, channel: RTCDataChannel): void {
    const cancel = this.#options.after(PATIENCE.parting, () => pc.close());
    channel.onclose = () => {
      cancel();
      pc.close();
    };
    channel.close();
  }

  #listen(channel: RTCDataChannel): void {
    const pc = this.#pc;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      if (this.#pc === pc && data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    };
    channel.onopen = () => {
      if (this.#pc === pc) this.#use(channel);
    };
    channel.onclose = () => {
      if (this.#channel === channel) this.destroy();
    };
    if (channel.readyState === 'open') this.#use(channel);
  }

  /** A stock client that takes back its own offer for ours goes on listening to the channel that it has made itself: the last one counts. */
  #use(channel: RTCDataChannel): void {
    // One that comes from the other side is open, and says so once more.
    if (channel === this.#channel) return;
    this.#cancelDeadline?.();
    this.#channel = channel;
    this.#wasOpen = true;
    this.#outgoing?.close();
    this.#outgoing = new Outgoing(channel, () => this.destroy());
    this.emit('connect', []);
    this.#options.onOpen(this);
  }

  #receive(received: Uint8Array<ArrayBuffer>): void {
    if (received.length === 0) return;
    let message: Uint8Array<ArrayBuffer> | null;
    try {
      message = this.#assembly.take(received);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.destroy();
      return;
    }
    if (!message) return;
    if (message[0] === OWN_MESSAGE) this.#options.onOwn(this, message);
    else this.#options.onData(this, () => this.emit('data', [message]));
  }

  async #offer(options: RTCOfferOptions): Promise<void> {
    const pc = this.#pc;
    if (!pc) return;
    await this.#describe(pc, await pc.createOffer(options));
  }

  async #takeOffer(offer: RTCSessionDescriptionInit): Promise<void> {
    this.#isGivingWay = false;
    const known = this.#pc?.remoteDescription;
    // There is none, it is preferred to ours, or it comes of another connection than the one that was here.
    if (!this.#pc || this.isOffering || (known && sessionOf(known) !== sessionOf(offer))) {
      const wasConnected = this.isConnected;
      this.#initiates = false;
      this.#drop();
      if (wasConnected) this.#options.onReach();
      await this.#open();
    }
    const pc = this.#pc;
    if (!pc) return;
    await pc.setRemoteDescription(offer);
    if (!this.#channel) this.#expectWithin(PATIENCE.open);
    await this.#addCandidates(pc);
    await this.#describe(pc, await pc.createAnswer());
  }

  async #takeAnswer(answer: Description): Promise<void> {
    const pc = this.#pc;
    if (pc?.signalingState !== 'have-local-offer' || !pc.localDescription) return;
    // It may be to an offer before this one. A stock client does not say to which.
    if (answer.attempt !== undefined && answer.attempt !== attemptOf(pc.localDescription)) return;
    await pc.setRemoteDescription(answer);
    if (!this.#channel) this.#expectWithin(PATIENCE.open);
    await this.#addCandidates(pc);
  }

  async #describe(pc: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
    this.#isDescribed = false;
    await pc.setLocalDescription(description);
    await gatherCandidates(pc, this.#options.after);
    if (this.#pc !== pc || !pc.localDescription) return;
    const { type, sdp } = pc.localDescription;
    if (type === 'offer' && this.#isGivingWay) return;
    this.#isDescribed = true;
    if (type === 'offer') this.#tell({ type, sdp, parley: 1 });
    else if (type === 'answer' && pc.remoteDescription) {
      this.#tell({ type, sdp, parley: 1, attempt: attemptOf(pc.remoteDescription) });
    }
  }

  async #addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    this.#candidates.push(candidate);
    if (this.#pc?.remoteDescription) await this.#addCandidates(this.#pc);
  }

  async #addCandidates(pc: RTCPeerConnection): Promise<void> {
    for (const candidate of this.#candidates.splice(0)) {
      // One that the browser does not know what to do with, or of an attempt that is over, is one way less.
      await pc.addIceCandidate(candidate).catch(() => undefined);
    }
  }

  #tell(signal: Signal): void {
    this.emit('signal', [signal]);
  }

  #noteState(pc: RTCPeerConnection): void {
    if (pc !== this.#pc) return;
    const { connectionState: state } = pc;
    const hasFailed = state === 'failed';
    const was = this.#mending.isInterrupted;
    if (hasFailed && !this.#channel) this.#fail();
    else if (state === 'closed') this.destroy();
    else if (state === 'connected') this.#mending.restored();
    else if (this.#channel && (hasFailed || state === 'disconnected')) this.#mending.interrupted(hasFailed);
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
      this.#pc?.setConfiguration(configuration);
      await this.#offer({ iceRestart: true });
    });
  }
}
