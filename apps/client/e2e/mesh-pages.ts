import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { meshModules } from '../mesh-modules.ts';
import { bundle } from './bundle.ts';

declare const mesh: typeof import('./mesh-page.ts');

/** What a page of {@link openMesh} has as globals. */
interface Member {
  readonly doc: InstanceType<typeof mesh.Y.Doc>;
  readonly awareness: InstanceType<typeof mesh.Awareness>;
  readonly mesh: InstanceType<typeof mesh.Mesh>;
  readonly hub: InstanceType<typeof mesh.HubSocket>;
  /** What its mesh told. */
  readonly heard: string[];
}

declare global {
  var members: Member[];
  /** So many messages were sent over data channels, and so many frames to the hub. */
  var counted: { sent: number; hub: number };
  /** So many connections were made, and so often one was restarted. */
  var rtc: { made: number; restarted: number };
}

let built: Promise<string> | undefined;

/** A script that defines the global `mesh` with what `mesh-page.ts` exports. */
function meshBundle(): Promise<string> {
  built ??= bundle(fileURLToPath(new URL('mesh-page.ts', import.meta.url)), 'mesh', meshModules);
  return built;
}

export interface Joining {
  readonly room: string;
  readonly hub: string;
  readonly password?: string;
  /** So many of them, each with a mesh of its own. */
  readonly count?: number;
}

/** Goes to an empty page of the relay's origin and lets members join the mesh there. */
export async function openMesh(page: Page, url: string, joining: Joining): Promise<void> {
  await page.goto(`${url}/health`);
  await page.evaluate(() => {
    globalThis.members = [];
    globalThis.counted = { sent: 0, hub: 0 };
    globalThis.rtc = { made: 0, restarted: 0 };
    const { setLocalDescription, createOffer } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.setLocalDescription = function (...values: unknown[]) {
      if (!this.localDescription) rtc.made += 1;
      return Reflect.apply(setLocalDescription, this, values);
    };
    RTCPeerConnection.prototype.createOffer = function (...values: unknown[]) {
      const [options] = values as [RTCOfferOptions | undefined];
      if (options?.iceRestart) rtc.restarted += 1;
      return Reflect.apply(createOffer, this, values);
    };
    const { send } = RTCDataChannel.prototype;
    RTCDataChannel.prototype.send = function (...values: unknown[]) {
      counted.sent += 1;
      Reflect.apply(send, this, values);
    };
    const sendToHub = WebSocket.prototype.send;
    WebSocket.prototype.send = function (...values: Parameters<WebSocket['send']>) {
      counted.hub += 1;
      sendToHub.apply(this, values);
    };
  });
  await joinMesh(page, joining);
}

/** Lets members join in the page. */
async function joinMesh(page: Page, { room, hub, password = 'a password', count = 1 }: Joining) {
  const script = await meshBundle();
  await page.evaluate(
    ({ script, room, hub, password, count }) => {
      for (let joined = 0; joined < count; joined += 1) {
        // A copy each: y-webrtc has one room of a name.
        (0, eval)(script);
        const doc = new mesh.Y.Doc();
        const awareness = new mesh.Awareness(doc);
        const surroundings = {
          now: () => Date.now(),
          random: () => Math.random(),
          randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
          after: (milliseconds: number, action: () => void) => {
            const timer = setTimeout(action, milliseconds);
            return () => clearTimeout(timer);
          },
        };
        const socket = new mesh.HubSocket({
          connect: () => new WebSocket(hub),
          surroundings,
          events: window,
          isOnline: () => navigator.onLine,
        });
        const heard: string[] = [];
        const member = new mesh.Mesh({
          ...{ doc, awareness, room, password, hub: socket, surroundings },
          ice: () => Promise.resolve({ iceServers: [] }),
          isOfRelay: () => false,
          onReach: () => undefined,
          onMessage: (_peer, message) => heard.push(new TextDecoder().decode(message)),
          onBroken: () => heard.push('broken'),
        });
        members.push({ doc, awareness, mesh: member, hub: socket, heard });
      }
    },
    { script, room, hub, password, count },
  );
}
