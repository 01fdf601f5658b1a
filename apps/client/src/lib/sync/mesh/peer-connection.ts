import type { Surroundings } from '../surroundings.ts';
import { Assembly, FrameError } from './chunks.ts';
import { Outgoing } from './outgoing.ts';
import { attemptOf, gatherCandidates, sessionOf, type Description, type Signal } from './signal.ts';

/** For what was sent last, a goodbye perhaps, to reach the other one before the connection goes, in milliseconds. */
export const PARTING = 2_000;

export interface PeerConnectionOptions {
  readonly after: Surroundings['after'];
  /** Whether an own offer that is being made does not go out any more. */
  isGivingWay(): boolean;
  onSignal(signal: Signal): void;
  onState(state: RTCPeerConnectionState): void;
  /** Messages go both ways: for the first time, or over another channel than before. */
  onOpen(): void;
  onMessage(message: Uint8Array<ArrayBuffer>): void;
  /** It has ended, what came over it makes no sense, or too much waits. */
  onLost(): void;
}

/** One of the browser's connections to another one: its descriptions and candidates, and its channel for messages of any size. */
export class PeerConnection {
  readonly #options: PeerConnectionOptions;
  readonly #pc: RTCPeerConnection;
  #channel: RTCDataChannel | null = null;
  #outgoing: Outgoing | null = null;
  readonly #assembly = new Assembly();
  /** Whether the description went out: candidates that come now go out one by one. */
  #isDescribed = false;
  #isClosed = false;

  /** @throws what the browser throws about the configuration */
  constructor(configuration: RTCConfiguration, options: PeerConnectionOptions) {
    this.#options = options;
    const pc = new RTCPeerConnection(configuration);
    this.#pc = pc;
    pc.onicecandidate = ({ candidate }) => {
      // With a password a raw RTCIceCandidate is encoded as {}.
      if (candidate?.candidate && this.#isDescribed)
        options.onSignal({ type: 'candidate', candidate: candidate.toJSON() });
    };
    pc.onconnectionstatechange = () => options.onState(pc.connectionState);
    pc.ondatachannel = ({ channel }) => void this.#listen(channel);
  }

  /** Whether it has taken a description of the other one. */
  get hasTaken(): boolean {
    return this.#pc.remoteDescription !== null;
  }

  /** Whether it has been opened, whatever has become of it since. */
  get hasOpened(): boolean {
    return this.#channel !== null;
  }

  get isOpen(): boolean {
    return this.#channel?.readyState === 'open';
  }

  /** Whether an offer comes of another connection than the one that is known here. */
  isOther(offer: RTCSessionDescriptionInit): boolean {
    const known = this.#pc.remoteDescription;
    return known !== null && sessionOf(known) !== sessionOf(offer);
  }

  /** Whether an answer is to the last offer. A stock client does not say to which it is. */
  isAwaiting({ attempt }: Description): boolean {
    const { signalingState, localDescription } = this.#pc;
    if (signalingState !== 'have-local-offer' || !localDescription) return false;
    return attempt === undefined || attempt === attemptOf(localDescription);
  }

  /** Makes the channel, which is for who offers to do. */
  openChannel(): void {
    const channel = this.#pc.createDataChannel('parley');
    channel.onopen = this.#listen(channel);
  }

  async offer(options: RTCOfferOptions = {}): Promise<void> {
    await this.#describe(await this.#pc.createOffer(options));
  }

  async answer(): Promise<void> {
    await this.#describe(await this.#pc.createAnswer());
  }

  /** Looks for another way to the other one. */
  async restart(configuration: RTCConfiguration): Promise<void> {
    this.#pc.setConfiguration(configuration);
    await this.offer({ iceRestart: true });
  }

  /** @throws what the browser throws about a description */
  async take(description: RTCSessionDescriptionInit): Promise<void> {
    await this.#pc.setRemoteDescription(description);
  }

  async addCandidates(candidates: readonly RTCIceCandidateInit[]): Promise<void> {
    for (const candidate of candidates) {
      // One that the browser does not know what to do with, or of an attempt that is over, is one way less.
      await this.#pc.addIceCandidate(candidate).catch(() => undefined);
    }
  }

  /** What is sent before it is open, or once it is closed, is lost. */
  send(message: Uint8Array<ArrayBuffer>): void {
    this.#outgoing?.send(message);
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  /** Ends it: nothing more is told. What was sent last still goes out, also over one that is interrupted: it may be back at once. */
  close(): void {
    this.#isClosed = true;
    const [pc, channel] = [this.#pc, this.#channel];
    this.#outgoing?.close();
    if (channel) channel.onmessage = channel.onclose = null;
    pc.onicecandidate = pc.onconnectionstatechange = pc.ondatachannel = null;
    if (channel?.readyState === 'open') this.#part(channel);
    else pc.close();
  }

  /** A channel that closes sends first what it has been given; a connection does not. */
  #part(channel: RTCDataChannel): void {
    const cancel = this.#options.after(PARTING, () => this.#pc.close());
    channel.onclose = () => {
      cancel();
      this.#pc.close();
    };
    channel.close();
  }

  /**
   * Whoever made the channel is heard first. Chromium hands the other one a channel that it calls open, and may yet lose without a word what
   * is sent over it before something has come.
   *
   * @returns what begins to use it
   */
  #listen(channel: RTCDataChannel): () => void {
    let isUsed = false;
    const use = (): void => {
      if (isUsed || this.#isClosed) return;
      isUsed = true;
      this.#use(channel);
    };
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      use();
      if (!this.#isClosed && data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    };
    channel.onclose = () => {
      if (!this.#isClosed && (!isUsed || this.#channel === channel)) this.#options.onLost();
    };
    return use;
  }

  /** A stock client that takes back its own offer for ours goes on listening to the channel that it has made itself: the last one counts. */
  #use(channel: RTCDataChannel): void {
    this.#channel = channel;
    this.#outgoing?.close();
    this.#outgoing = new Outgoing(channel, this.#options.onLost);
    this.#options.onOpen();
  }

  #receive(received: Uint8Array<ArrayBuffer>): void {
    if (received.length === 0) return;
    let message: Uint8Array<ArrayBuffer> | null;
    try {
      message = this.#assembly.take(received);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#options.onLost();
      return;
    }
    if (message) this.#options.onMessage(message);
  }

  async #describe(description: RTCSessionDescriptionInit): Promise<void> {
    const { after, isGivingWay, onSignal } = this.#options;
    const pc = this.#pc;
    this.#isDescribed = false;
    await pc.setLocalDescription(description);
    await gatherCandidates(pc, after);
    if (this.#isClosed || !pc.localDescription) return;
    const { type, sdp } = pc.localDescription;
    if (type === 'offer' && isGivingWay()) return;
    this.#isDescribed = true;
    if (type === 'offer') onSignal({ type, sdp, parley: 1 });
    else if (type === 'answer' && pc.remoteDescription) {
      onSignal({ type, sdp, parley: 1, attempt: attemptOf(pc.remoteDescription) });
    }
  }
}
