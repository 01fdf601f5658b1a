import { OWN_KINDS, OWN_MESSAGE } from '../../../apps/client/src/lib/sync/mesh/chunks.ts';

/** So many messages, and their bytes without what WebSocket, SCTP and DTLS put around them. */
export interface Count {
  messages: number;
  bytes: number;
}

/** What one member has sent and received. */
export interface Traffic {
  /** Frames to the hub and from it, but pings. */
  readonly toHub: Count;
  readonly fromHub: Count;
  /** Messages over data channels. */
  readonly sent: Count;
  readonly received: Count;
  /** Those of the sent that are receipts: questions and answers. */
  readonly receipts: Count;
  /** Those that tell whom somebody reaches. */
  readonly reach: Count;
}

const PING = /^\{"type":"p[io]ng"/;

/** Counts what goes through the WebSockets and data channels of a window, from now on. */
export function countTraffic(window: Window & typeof globalThis): Traffic {
  const none = (): Count => ({ messages: 0, bytes: 0 });
  const traffic = {
    toHub: none(),
    fromHub: none(),
    sent: none(),
    received: none(),
    receipts: none(),
    reach: none(),
  };
  const frame = (count: Count, data: unknown) => {
    if (typeof data === 'string' && !PING.test(data)) add(count, new TextEncoder().encode(data).length);
  };

  const { WebSocket, RTCPeerConnection, RTCDataChannel } = window;
  window.WebSocket = class extends WebSocket {
    constructor(...values: ConstructorParameters<typeof WebSocket>) {
      super(...values);
      this.addEventListener('message', ({ data }) => frame(traffic.fromHub, data));
    }
  };
  const { send: sendToHub } = WebSocket.prototype;
  WebSocket.prototype.send = function (data: unknown) {
    frame(traffic.toHub, data);
    Reflect.apply(sendToHub, this, [data]);
  };

  const listen = (channel: RTCDataChannel) =>
    channel.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) =>
      add(traffic.received, data.byteLength),
    );
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...values: ConstructorParameters<typeof RTCPeerConnection>) {
      super(...values);
      this.addEventListener('datachannel', ({ channel }) => listen(channel));
    }
    override createDataChannel(...values: Parameters<RTCPeerConnection['createDataChannel']>) {
      const channel = super.createDataChannel(...values);
      listen(channel);
      return channel;
    }
  };
  const { send } = RTCDataChannel.prototype;
  // Both meshes send views of bytes.
  RTCDataChannel.prototype.send = function (data: unknown) {
    const bytes = data as Uint8Array;
    add(traffic.sent, bytes.byteLength);
    if (bytes[0] === OWN_MESSAGE) {
      if (bytes[1] === OWN_KINDS.message) add(traffic.receipts, bytes.byteLength);
      if (bytes[1] === OWN_KINDS.reach) add(traffic.reach, bytes.byteLength);
    }
    Reflect.apply(send, this, [data]);
  };
  return traffic;
}

function add(count: Count, bytes: number): void {
  count.messages += 1;
  count.bytes += bytes;
}
