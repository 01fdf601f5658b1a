/**
 * For tests: what of WebRTC a peer uses, without a network. Descriptions name the connection they belong to, as real ones do; whoever has
 * both is connected; channels deliver in their order, one microtask after the other.
 */
const all = new Map<string, FakePeerConnection>();

interface Description {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

let made = 0;

export class FakeChannel {
  binaryType = '';
  readyState: RTCDataChannelState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onbufferedamountlow: (() => void) | null = null;
  other: FakeChannel | null = null;
  /** What was sent over it. */
  readonly sent: Uint8Array[] = [];
  /** While it is held, what is sent waits in the browser. */
  isHeld = false;
  /** Whether it loses what is sent over it, as Chromium's may that the other one has made, until something has come. */
  isUnheard = false;
  #waiting: Uint8Array[] = [];

  send(message: Uint8Array): void {
    if (this.readyState !== 'open') throw new DOMException('not open', 'InvalidStateError');
    const copy = message.slice();
    this.sent.push(copy);
    if (this.isUnheard) return;
    this.bufferedAmount += copy.length;
    this.#waiting.push(copy);
    queueMicrotask(() => this.flush());
  }

  /** Delivers what waits, at most so many messages of it. */
  flush(count = Infinity, isForced = false): void {
    if (this.isHeld && !isForced) return;
    for (const message of this.#waiting.splice(0, count)) {
      const before = this.bufferedAmount;
      this.bufferedAmount -= message.length;
      this.other?.receive(message.buffer);
      const low = this.bufferedAmountLowThreshold;
      if (before > low && this.bufferedAmount <= low) this.onbufferedamountlow?.();
    }
  }

  /** Something comes from the other one. */
  receive(data: unknown): void {
    this.isUnheard = false;
    this.onmessage?.({ data });
  }

  open(): void {
    this.readyState = 'open';
    this.onopen?.();
  }

  /** Sends first what waits; while it is held, that takes for ever. */
  close(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return;
    this.readyState = 'closing';
    queueMicrotask(() => {
      this.flush();
      if (!this.isHeld) this.end();
    });
  }

  /** Is closed for both, at once: what waits is lost. */
  end(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#waiting = [];
    this.onclose?.();
    this.other?.end();
  }
}

export class FakePeerConnection {
  readonly id = `${(made += 1)}`;
  readonly configuration: RTCConfiguration;
  connectionState: RTCPeerConnectionState = 'new';
  signalingState: RTCSignalingState = 'stable';
  iceGatheringState = 'complete';
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ondatachannel: ((event: { channel: FakeChannel }) => void) | null = null;
  readonly candidates: unknown[] = [];
  readonly channels: FakeChannel[] = [];
  restarts = 0;
  #version = 0;

  constructor(configuration: RTCConfiguration = {}) {
    this.configuration = configuration;
    all.set(this.id, this);
  }

  /** All that were made since {@link FakePeerConnection.reset} and are not closed. */
  static get open(): FakePeerConnection[] {
    return [...all.values()];
  }

  static reset(): void {
    all.clear();
  }

  setConfiguration(): void {
    this.restarts += 1;
  }

  createDataChannel(): FakeChannel {
    const channel = new FakeChannel();
    this.channels.push(channel);
    return channel;
  }

  createOffer(): Promise<Description> {
    return Promise.resolve({ type: 'offer', sdp: this.#describe() });
  }

  createAnswer(): Promise<Description> {
    return Promise.resolve({ type: 'answer', sdp: this.#describe() });
  }

  setLocalDescription(description: Description): Promise<void> {
    this.localDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
    return Promise.resolve();
  }

  setRemoteDescription(description: Description): Promise<void> {
    const id = idOf(description);
    // Another one's key is not that of the connection that there is.
    const isOther = this.remoteDescription !== null && idOf(this.remoteDescription) !== id;
    if (!id || isOther) return Promise.reject(new DOMException('no description', 'OperationError'));
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
    const other = all.get(id);
    if (description.type === 'answer' && other) queueMicrotask(() => this.#connect(other));
    return Promise.resolve();
  }

  addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
    return Promise.reject(new DOMException('unknown', 'OperationError'));
  }

  getStats(): Promise<Map<string, unknown>> {
    return Promise.resolve(new Map());
  }

  /** Something happens to the way between the two. */
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    all.delete(this.id);
    this.connectionState = 'closed';
    for (const channel of this.channels) channel.end();
  }

  #describe(): string {
    const version = (this.#version += 1);
    return `v=0\r\no=- ${this.id} ${version} IN IP4 127.0.0.1\r\na=ice-ufrag:${this.id}+${version}\r\n`;
  }

  #connect(other: FakePeerConnection): void {
    for (const pc of [this, other]) if (pc.connectionState !== 'closed') pc.become('connected');
    for (const [here, there] of [
      [this, other],
      [other, this],
    ] as const) {
      for (const channel of here.channels.filter(({ other }) => other === null)) {
        const opposite = there.createDataChannel();
        [channel.other, opposite.other] = [opposite, channel];
        opposite.readyState = 'open';
        opposite.isUnheard = true;
        there.ondatachannel?.({ channel: opposite });
        // A browser says so, too, though it was open when it was handed over.
        opposite.onopen?.();
        channel.open();
      }
    }
  }
}

function idOf({ sdp }: Description): string | undefined {
  return /^o=- (\S+)/m.exec(sdp)?.[1];
}
