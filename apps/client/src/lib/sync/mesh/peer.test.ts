import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { CHUNKS, OWN_KINDS, OWN_MESSAGE } from './chunks.ts';
import { FakePeerConnection, type FakeChannel } from './fake-rtc.ts';
import { MENDING } from './mending.ts';
import Peer, { PATIENCE } from './peer.ts';
import type { Signal } from './signal.ts';

/** After it came to no connection. */
const PAUSE = 1_000;

/** What comes first from everybody. */
const FIRST = Uint8Array.of(0);

let clock = new ManualClock();

beforeEach(() => {
  clock = new ManualClock();
  FakePeerConnection.reset();
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
});

afterEach(() => void vi.unstubAllGlobals());

/** Everything that waits for nothing but itself has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function meet(initiator: boolean, ice = () => Promise.resolve({})) {
  const told: unknown[] = [];
  const said: Signal[] = [];
  const peer = new Peer({
    initiator,
    remotePeerId: 'other',
    ice,
    after: clock.after,
    onData: (_peer, read) => read(),
    onOwn: (_peer, message) => told.push(['own', message.length]),
    pauseAfter: () => PAUSE,
    onOpen: () => told.push('open'),
    onReach: () => told.push('reach'),
    onClose: () => told.push('closed'),
  });
  peer.on('signal', (signal) => said.push(signal));
  // As y-webrtc does, which nobody is to be told of here.
  peer.on('connect', () => peer.send(FIRST));
  peer.on('data', (message) => message.length > FIRST.length && told.push(message.length));
  return {
    peer,
    told,
    said,
    to: (other: { peer: Peer }) => said.splice(0).forEach((s) => other.peer.signal(s)),
  };
}

/** Hands on what they say until they have nothing to say any more. */
async function talk(
  a: ReturnType<typeof meet>,
  b: ReturnType<typeof meet>,
  change = (signal: Signal): unknown => signal,
) {
  do {
    await settled();
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const signal of from.said.splice(0)) to.peer.signal(change(signal));
    }
    await settled();
  } while (a.said.length + b.said.length > 0);
}

async function connect() {
  const [a, b] = [meet(true), meet(false)];
  await talk(a, b);
  const [ours, theirs] = FakePeerConnection.open;
  const [channel] = ours?.channels ?? [];
  if (!ours || !theirs || !channel) throw new Error('they have not met');
  return { a, b, ours, theirs, channel };
}

describe('a peer', () => {
  it('[ME2] says what it is along with its description, and opens once', async () => {
    const { a, b, channel } = await connect();
    expect([a.told, b.told]).toEqual([['open'], ['open']]);
    expect([a.peer.isOwn, a.peer.isConnected, b.peer.isOwn]).toEqual([true, true, true]);
    a.peer.send(Uint8Array.of(0, 1));
    await settled();
    expect([b.told, channel.sent]).toEqual([
      ['open', 2],
      [FIRST, Uint8Array.of(0, 1)],
    ]);
  });

  it('[ME2] never sends frames to a stock client, and counts what is too large for one', async () => {
    const [a, b] = [meet(true), meet(false)];
    await talk(a, b, (signal) => ('sdp' in signal ? { type: signal.type, sdp: signal.sdp } : signal));
    expect(a.peer.isOwn).toBe(false);
    a.peer.send(new Uint8Array(CHUNKS.whole + 1));
    a.peer.send(new Uint8Array(CHUNKS.whole));
    await settled();
    expect([a.peer.refused, b.told]).toEqual([1, ['open', CHUNKS.whole]]);
  });

  it('[ME6] a malformed frame closes its connection; of the others each goes to whom it is for', async () => {
    const { a, b, channel } = await connect();
    a.peer.send(Uint8Array.of(OWN_MESSAGE, OWN_KINDS.message, 1));
    a.peer.send(Uint8Array.of(0, 1));
    await settled();
    expect(b.told).toEqual(['open', ['own', 3], 2]);
    a.peer.send(Uint8Array.of(OWN_MESSAGE, OWN_KINDS.nextFrame, 1));
    await settled();
    expect([b.told.at(-1), a.told.at(-1), channel.readyState]).toEqual(['closed', 'closed', 'closed']);
  });

  it('[ME6] nonsense from the hub is dropped, and a description that the browser refuses ends it', async () => {
    const [a, b] = [meet(true), meet(false)];
    for (const nonsense of [null, 'x', {}, { type: 'offer' }, { candidate: 3 }, { renegotiate: 1 }]) {
      b.peer.signal(nonsense);
    }
    await talk(a, b);
    expect(b.told).toEqual(['open']);
    const c = meet(false);
    c.peer.signal({ type: 'offer', sdp: 'nonsense' });
    await settled();
    clock.pass(PAUSE);
    expect(c.told).toEqual(['closed']);
  });

  it('[ME3] an offer that is not answered is given up, and so is what comes without an offer', async () => {
    const [a, b] = [meet(true), meet(false)];
    b.peer.signal({ candidate: { candidate: 'candidate:1' } });
    await settled();
    clock.pass(PATIENCE.offer);
    expect([a.told, b.told]).toEqual([[], ['closed']]);
    clock.pass(PATIENCE.answer - PATIENCE.offer);
    expect([a.told, FakePeerConnection.open]).toEqual([[], []]);
    clock.pass(PAUSE);
    expect([a.told, clock.isIdle]).toEqual([['closed'], true]);
  });

  it('[ME3] a connection that does not open is given up, and one that does is not', async () => {
    const { a } = await connect();
    const [b, c] = [meet(true), meet(false)];
    await settled();
    b.to(c);
    await settled();
    clock.pass(PATIENCE.answer - 1);
    expect(c.told).toEqual([]);
    clock.pass(PATIENCE.open + PAUSE);
    expect([a.told, c.told]).toEqual([['open'], ['closed']]);
  });

  it('[ME3] who has given up an offer does not weigh it against another any more', async () => {
    const a = meet(true);
    expect(a.peer.isOffering).toBe(false);
    await settled();
    expect(a.peer.isOffering).toBe(true);
    clock.pass(PATIENCE.answer);
    expect([a.told, a.peer.isOffering]).toEqual([[], false]);
  });

  it('[ME3] who could not be connected to is not tried again at once, but may try it', async () => {
    const [a, b] = [meet(true), meet(false)];
    await settled();
    a.to(b);
    await settled();
    for (const pc of FakePeerConnection.open) pc.become('failed');
    expect([a.told, b.told, FakePeerConnection.open]).toEqual([[], [], []]);
    const again = meet(true);
    b.said.splice(0);
    await talk(again, b);
    expect([again.told, b.told]).toEqual([['open'], ['open']]);
    clock.pass(PAUSE);
    expect([a.told, b.told]).toEqual([['closed'], ['open']]);
  });

  it('[ME4] of two that offer one gives way, and they are connected', async () => {
    const [a, b] = [meet(true), meet(true)];
    await settled();
    // What decides is y-webrtc's: it drops the offer of one of them.
    b.said.splice(0);
    expect([a.peer.isOffering, b.peer.isOffering]).toEqual([true, true]);
    await talk(a, b);
    expect([a.told, b.told, b.peer.isOffering]).toEqual([['open'], ['open'], false]);
    expect(FakePeerConnection.open).toHaveLength(2);
  });

  it('[ME4] who is still making an offer when one comes says nothing of its own any more', async () => {
    const ice = Promise.withResolvers<RTCConfiguration>();
    const [a, b] = [meet(true), meet(true, () => ice.promise)];
    await settled();
    a.to(b);
    ice.resolve({});
    await settled();
    expect(b.said.map(({ type }) => type)).toEqual(['answer']);
    await talk(a, b);
    expect([a.told, b.told]).toEqual([['open'], ['open']]);
  });

  it('[ME4] an offer of another connection takes the place of the one that was here', async () => {
    const { a, b, ours } = await connect();
    ours.channels.forEach((channel: FakeChannel) => (channel.other = null));
    a.peer.destroy();
    const again = meet(true);
    await talk(again, b);
    expect([again.told, b.told]).toEqual([['open'], ['open', 'reach', 'open']]);
  });

  it('[ME9] what is interrupted is restarted by who offered, again and again, and is back', async () => {
    const { a, b, ours, theirs } = await connect();
    ours.become('disconnected');
    theirs.become('disconnected');
    expect([a.peer.isConnected, a.told]).toEqual([false, ['open', 'reach']]);
    clock.pass(MENDING.first - 1);
    await settled();
    expect(a.said).toEqual([]);
    clock.pass(1);
    await settled();
    expect([a.said.map(({ type }) => type), b.said.map(({ type }) => type)]).toEqual([
      ['offer'],
      ['renegotiate'],
    ]);
    // The hub has lost it.
    a.said.splice(0);
    b.said.splice(0);
    clock.pass(MENDING.again);
    await talk(a, b);
    expect([a.told, b.told]).toEqual([
      ['open', 'reach', 'reach'],
      ['open', 'reach', 'reach'],
    ]);
    clock.pass(60_000);
    expect([a.peer.isConnected, a.said, FakePeerConnection.open.length]).toEqual([true, [], 2]);
  });

  it('[ME9] a late answer to an earlier restart is not taken for that to the last one', async () => {
    const { a, b, ours } = await connect();
    ours.become('disconnected');
    clock.pass(MENDING.first);
    await settled();
    a.to(b);
    await settled();
    const late = b.said.splice(0);
    clock.pass(MENDING.again);
    await settled();
    for (const signal of late) a.peer.signal(signal);
    await settled();
    expect([late.length, ours.signalingState, a.peer.isConnected]).toEqual([1, 'have-local-offer', false]);
    await talk(a, b);
    expect([ours.signalingState, a.peer.isConnected]).toEqual(['stable', true]);
  });

  it('[ME9] what has failed, or was asleep, is restarted at once', async () => {
    const { a, b, ours, theirs } = await connect();
    ours.become('failed');
    await settled();
    expect(a.said).toHaveLength(1);
    await talk(a, b);
    b.peer.wake();
    theirs.become('disconnected');
    expect(b.said.map(({ type }) => type)).toEqual(['renegotiate']);
    await talk(a, b);
    clock.pass(MENDING.haste);
    theirs.become('disconnected');
    expect(b.said).toEqual([]);
  });

  it('[ME9] what does not come back is given up', async () => {
    const { a, ours } = await connect();
    ours.become('disconnected');
    clock.pass(MENDING.lost - 1);
    ours.become('failed');
    expect(a.told.at(-1)).toBe('reach');
    clock.pass(1);
    expect(a.told.at(-1)).toBe('closed');
    await settled();
    expect(clock.isIdle).toBe(true);
  });

  it('[ME8] whoever leaves is still heard, though the connection has just been interrupted', async () => {
    const { a, b, ours } = await connect();
    ours.become('disconnected');
    a.peer.send(new Uint8Array(5));
    a.peer.destroy();
    await settled();
    expect([b.told, ours.connectionState]).toEqual([['open', 5, 'closed'], 'closed']);
  });

  it('is closed where there is no way to any other, or the browser takes it away', async () => {
    const a = meet(true, () => Promise.reject(new Error('relay only, and none there')));
    await settled();
    clock.pass(PAUSE);
    expect(a.told).toEqual(['closed']);
    const { b, channel } = await connect();
    channel.end();
    expect(b.told).toEqual(['open', 'closed']);
    b.peer.destroy();
    expect(b.told).toEqual(['open', 'closed']);
  });
});
