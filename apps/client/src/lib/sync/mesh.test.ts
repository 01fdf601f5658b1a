import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import { messageYjsUpdate, writeUpdate } from 'y-protocols/sync';
import * as Y from 'yjs';
import { Mesh, type HubState } from './mesh.ts';

/** y-webrtc's number for messages of the sync protocol. */
const SYNC = 0;

let rooms = 0;
let end: (() => void)[] = [];

beforeEach(() => {
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  vi.stubGlobal('navigator', { onLine: true });
});

afterEach(() => {
  for (const stop of end) stop();
  end = [];
  vi.unstubAllGlobals();
});

/** A document in a mesh, and what another tab of this browser hears of its changes. */
async function join() {
  const room = `room ${(rooms += 1)}`;
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  const heard = new Y.Doc();
  const states: HubState[] = [];
  const tab = new BroadcastChannel(room);
  // Without a password what the tabs tell each other is not encrypted.
  const mesh = new Mesh({
    ...{ doc, awareness, room, password: '', hub: 'ws://hub.invalid' },
    onHub: (state) => states.push(state),
    onReach: () => undefined,
  });
  tab.onmessage = ({ data }: MessageEvent<Uint8Array>) => {
    const decoder = decoding.createDecoder(new Uint8Array(data));
    if (decoding.readVarUint(decoder) !== SYNC || decoding.readVarUint(decoder) !== messageYjsUpdate) return;
    Y.applyUpdate(heard, decoding.readVarUint8Array(decoder));
  };
  let hasLeft = false;
  const leave = () => {
    if (!hasLeft) mesh.destroy();
    hasLeft = true;
  };
  /** What another tab says. */
  const say = (update: Uint8Array) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    writeUpdate(encoder, update);
    const other = new BroadcastChannel(room);
    other.postMessage(encoding.toUint8Array(encoder));
    other.close();
  };
  end.push(() => {
    leave();
    tab.close();
    awareness.destroy();
  });
  await vi.waitFor(() => expect(awareness.getLocalState()).toHaveProperty('peer'));
  return { doc, states, leave, say, heard: () => heard.getText('text').toJSON() };
}

function writing(words: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, words);
  return Y.encodeStateAsUpdate(doc);
}

describe('the hub', () => {
  it('[SY23] is not looked for while the device is offline, and is once it is online', async () => {
    const listeners = new EventTarget();
    const tried: string[] = [];
    vi.stubGlobal('addEventListener', listeners.addEventListener.bind(listeners));
    vi.stubGlobal('removeEventListener', listeners.removeEventListener.bind(listeners));
    vi.stubGlobal(
      'RTCPeerConnection',
      class {
        close(): void {}
      },
    );
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor(url: string) {
          tried.push(url);
        }

        close(): void {}
      },
    );
    const network = { onLine: false };
    vi.stubGlobal('navigator', network);
    const { states } = await join();
    expect([tried, states.at(-1)]).toEqual([[], 'unreachable']);
    const turn = (type: 'online' | 'offline') => {
      network.onLine = type === 'online';
      listeners.dispatchEvent(new Event(type));
    };
    turn('online');
    expect(tried).toEqual(['ws://hub.invalid']);
    turn('offline');
    expect(tried).toHaveLength(1);
    expect(states).toEqual(['unreachable', 'connecting', 'unreachable']);
  });
});

describe('what a document emits', () => {
  it('is passed on once: what was done here, and what came from elsewhere', async () => {
    const { doc, heard } = await join();
    const passed = vi.spyOn(BroadcastChannel.prototype, 'postMessage');
    doc.getText('text').insert(0, 'own');
    await vi.waitFor(() => expect(heard()).toBe('own'));
    Y.applyUpdate(doc, writing('theirs'), 'mailbox');
    await vi.waitFor(() => expect(heard()).toHaveLength('owntheirs'.length));
    expect(passed).toHaveBeenCalledTimes(2);
    passed.mockRestore();
  });

  it('[SY16] nothing of an update that fails while it is applied is passed on: the mesh is left before', async () => {
    const { doc, leave, say, heard } = await join();
    let emitted = 0;
    doc.on('update', () => (emitted += 1));
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    doc.getText('text').insert(0, 'own');
    try {
      Y.applyUpdate(doc, writing('half'), 'mailbox');
    } catch {
      leave();
    }
    expect(emitted).toBe(2);
    await vi.waitFor(() => expect(heard()).toBe('own'));
    // What is said later is heard later.
    say(writing('later'));
    await vi.waitFor(() => expect(heard()).toContain('later'));
    expect(heard()).not.toContain('half');
  });
});
