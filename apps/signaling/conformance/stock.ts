import { createRequire } from 'node:module';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { WebrtcProvider } from 'y-webrtc';
import type { Doc } from 'yjs';

interface Stock {
  WebrtcProvider: typeof WebrtcProvider;
  Doc: typeof Doc;
}

/**
 * The y-webrtc of npm, in a copy of its own, because one copy keeps one room of a name: what it ships for CommonJS, which the
 * patch leaves alone.
 */
function loadStock(): Stock {
  const require = createRequire(import.meta.url);
  const { Doc } = require('yjs') as Stock;
  Reflect.deleteProperty(require.cache, require.resolve('y-webrtc'));
  return { WebrtcProvider: (require('y-webrtc') as Stock).WebrtcProvider, Doc };
}

/**
 * As much of WebRTC as signaling needs, for Node has none: it makes descriptions and candidates that say whose they are, and notes what
 * it is given. Whether browsers connect with real ones is shown by the client's end-to-end tests.
 */
function fakeWebRtc(name: string) {
  const received: string[] = [];
  class RTCPeerConnection {
    signalingState = 'stable';
    iceConnectionState = 'new';
    iceGatheringState = 'new';
    localDescription: unknown = null;
    remoteDescription: unknown = null;
    onicecandidate: (event: unknown) => void = () => undefined;
    createDataChannel() {
      return { close: () => undefined };
    }
    async createOffer() {
      return { type: 'offer', sdp: `offer of ${name}` };
    }
    async createAnswer() {
      return { type: 'answer', sdp: `answer of ${name}` };
    }
    async setLocalDescription(description: unknown) {
      this.localDescription = description;
      const candidate = { candidate: `candidate of ${name}`, sdpMLineIndex: 0, sdpMid: '0' };
      queueMicrotask(() => this.onicecandidate({ candidate }));
    }
    async setRemoteDescription(description: { sdp: string }) {
      this.remoteDescription = description;
      received.push(description.sdp);
    }
    async addIceCandidate({ candidate }: { candidate: string }) {
      received.push(candidate);
    }
    getStats(done: (error: Error | null, report: unknown[]) => void) {
      done(null, []);
    }
    close() {}
  }
  function Plain(this: object, init: object) {
    Object.assign(this, init);
  }
  return { received, wrtc: { RTCPeerConnection, RTCSessionDescription: Plain, RTCIceCandidate: Plain } };
}

/** The stock client of npm introduces two of itself to each other. */
export function describeStock(url: () => string): void {
  it.each([null, 'a password'])(
    '[HB1] the stock y-webrtc of npm finds its peers; its password: %j',
    async (password) => {
      const room = `conformance/${crypto.randomUUID()}`;
      const join = (name: string) => {
        const { WebrtcProvider, Doc } = loadStock();
        const { received, wrtc } = fakeWebRtc(name);
        const provider = new WebrtcProvider(room, new Doc(), {
          signaling: [url()],
          ...(password === null ? {} : { password }),
          // Tabs of one browser find each other without a hub.
          filterBcConns: false,
          peerOpts: { wrtc },
        });
        onTestFinished(() => provider.destroy());
        return received;
      };
      const [ada, bob] = [join('Ada'), join('Bob')];
      await vi.waitFor(() => {
        const met = [...ada, ...bob].sort();
        expect(met).toEqual(expect.arrayContaining(['candidate of Ada', 'candidate of Bob']));
        expect(met.some((sdp) => sdp.startsWith('offer of '))).toBe(true);
        expect(met.some((sdp) => sdp.startsWith('answer of '))).toBe(true);
      }, 10_000);
    },
  );
}
