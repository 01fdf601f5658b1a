import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { CHUNKS, OWN_KINDS, OWN_MESSAGE } from './chunks.ts';
import { FakeChannel, FakePeerConnection } from './fake-rtc.ts';
import { PARTING, PeerConnection } from './peer-connection.ts';
import { attemptOf, type Description, type Signal } from './signal.ts';

let clock = new ManualClock();

beforeEach(() => {
  clock = new ManualClock();
  FakePeerConnection.reset();
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
});

afterEach(() => void vi.unstubAllGlobals());

/** Everything that waits for nothing but itself has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function make(isGivingWay = () => false) {
  const told: unknown[] = [];
  const said: Signal[] = [];
  const connection = new PeerConnection(
    {},
    {
      after: clock.after,
      isGivingWay,
      onSignal: (signal) => said.push(signal),
      onState: (state) => told.push(state),
      onOpen: () => told.push('open'),
      onMessage: (message) => told.push(message.length),
      onLost: () => told.push('lost'),
    },
  );
  const pc = FakePeerConnection.open.at(-1);
  if (!pc) throw new Error('it has made no connection');
  return { connection, pc, told, said, described: () => described(said) };
}

function described(said: readonly Signal[]): Description {
  const last = said.findLast((signal) => 'sdp' in signal);
  if (!last) throw new Error('it has not described itself');
  return last;
}

/** What comes first over a connection. */
const FIRST = Uint8Array.of(1);

async function connect() {
  const [a, b] = [make(), make()];
  a.connection.openChannel();
  await a.connection.offer();
  await b.connection.take(a.described());
  await b.connection.answer();
  await a.connection.take(b.described());
  await settled();
  // Nothing is waited for any more.
  clock.pass(1_000);
  const [channel] = a.pc.channels;
  if (!channel) throw new Error('they have not met');
  a.connection.send(FIRST);
  await settled();
  return { a, b, channel };
}

describe('a connection to another browser', () => {
  it('[ME2] says what it is along with its descriptions, and an answer to which offer it is', async () => {
    const { a, b } = await connect();
    expect([a.told, b.told]).toEqual([
      ['connected', 'open'],
      ['connected', 'open', FIRST.length],
    ]);
    const [offer, answer] = [a.described(), b.described()];
    expect([offer, answer]).toEqual([
      { type: 'offer', sdp: offer.sdp, parley: 1 },
      { type: 'answer', sdp: answer.sdp, parley: 1, attempt: attemptOf(offer) },
    ]);
  });

  it('[ME9] takes only the answer to its last offer, or one that does not say to which it is', async () => {
    const { a, b } = await connect();
    const late = b.described();
    expect(a.connection.isAwaiting(late)).toBe(false);
    await a.connection.restart({});
    expect(a.connection.isAwaiting(late)).toBe(false);
    expect(a.connection.isAwaiting({ type: 'answer', sdp: late.sdp })).toBe(true);
    await b.connection.take(a.described());
    await b.connection.answer();
    expect(a.connection.isAwaiting(b.described())).toBe(true);
  });

  it('[ME4] knows an offer of another connection from one of its own', async () => {
    const { a, b } = await connect();
    const other = make();
    expect(other.connection.isOther(a.described())).toBe(false);
    await other.connection.offer();
    expect(b.connection.isOther(other.described())).toBe(true);
    await a.connection.restart({});
    expect(b.connection.isOther(a.described())).toBe(false);
  });

  it('[ME4] keeps an offer to itself, and its candidates, once the other one is given way to', async () => {
    let isGivingWay = false;
    const { connection, pc, said } = make(() => isGivingWay);
    const offering = connection.offer();
    isGivingWay = true;
    await offering;
    pc.onicecandidate?.({ candidate: candidate('late') });
    expect(said).toEqual([]);
  });

  it('waits a moment for its candidates; those that are found later go out one by one', async () => {
    const { connection, pc, said } = make();
    pc.iceGatheringState = 'gathering';
    const offering = connection.offer();
    await settled();
    pc.onicecandidate?.({ candidate: candidate('early') });
    expect(said).toEqual([]);
    clock.pass(1_000);
    await offering;
    pc.onicecandidate?.({ candidate: candidate('late') });
    pc.onicecandidate?.({ candidate: candidate('') });
    pc.onicecandidate?.({ candidate: null });
    expect(said.slice(1)).toEqual([{ type: 'candidate', candidate: { candidate: 'late' } }]);
    expect(said.map(({ type }) => type)).toEqual(['offer', 'candidate']);
  });

  it('[ME6] is not troubled by candidates that the browser refuses', async () => {
    const { connection, pc } = make();
    await connection.addCandidates([{ candidate: 'one' }, { candidate: 'another' }]);
    expect(pc.candidates).toEqual([{ candidate: 'one' }, { candidate: 'another' }]);
  });

  it('[ME5] a large message waits for the browser, and arrives whole', async () => {
    const { a, b, channel } = await connect();
    channel.isHeld = true;
    a.connection.send(new Uint8Array(8_000_000));
    await settled();
    expect(channel.bufferedAmount).toBeLessThan(1_200_000);
    channel.isHeld = false;
    while (channel.bufferedAmount > 0) {
      channel.flush();
      await settled();
    }
    expect(b.told.at(-1)).toBe(8_000_000);
  });

  it('[ME5] who does not keep up is given up rather than kept in memory', async () => {
    const { a, channel } = await connect();
    channel.isHeld = true;
    const large = new Uint8Array(CHUNKS.message - 1);
    a.connection.send(large);
    a.connection.send(large);
    a.connection.send(large);
    expect(a.told.at(-1)).toBe('open');
    a.connection.send(large);
    expect(a.told.at(-1)).toBe('lost');
  });

  it('[ME13] who did not make the channel says nothing before something has come: it might be lost', async () => {
    const { a, b } = await connect();
    b.connection.send(Uint8Array.of(1, 2));
    await settled();
    expect(a.told.at(-1)).toBe(2);

    const early = make();
    const made = new FakeChannel();
    made.readyState = 'open';
    early.pc.ondatachannel?.({ channel: made });
    made.onopen?.();
    expect([early.told, early.connection.isOpen]).toEqual([[], false]);
    early.connection.send(FIRST);
    expect(made.sent).toEqual([]);
    // Before that it may end, too.
    made.end();
    expect(early.told).toEqual(['lost']);
  });

  it('[ME6] what is empty or no bytes is dropped, a malformed frame ends it', async () => {
    const { b, channel } = await connect();
    const receive = (data: unknown) => channel.other?.receive(data);
    receive(new ArrayBuffer(0));
    // As a length it would make three bytes.
    receive('3');
    expect(b.told).toEqual(['connected', 'open', FIRST.length]);
    receive(Uint8Array.of(OWN_MESSAGE, OWN_KINDS.message, 1).buffer);
    expect(b.told.at(-1)).toBe(3);
    receive(Uint8Array.of(OWN_MESSAGE, OWN_KINDS.nextFrame, 1).buffer);
    expect(b.told.at(-1)).toBe('lost');
  });

  it('[ME2] of two channels, as a stock client that gives way has them, the last one counts', async () => {
    const { a, channel } = await connect();
    const last = new FakeChannel();
    last.readyState = 'open';
    a.pc.ondatachannel?.({ channel: last });
    last.receive(FIRST.buffer);
    a.connection.send(Uint8Array.of(2));
    expect([channel.sent, last.sent]).toEqual([[FIRST], [Uint8Array.of(2)]]);
    channel.end();
    expect(a.told).toEqual(['connected', 'open', 'open', FIRST.length]);
    last.end();
    expect(a.told.at(-1)).toBe('lost');
  });

  it('[ME8] goes once everything that was sent is out, or after a while', async () => {
    const { a, b } = await connect();
    a.connection.send(new Uint8Array(5));
    a.connection.close();
    expect(a.pc.connectionState).toBe('connected');
    await settled();
    expect([a.pc.connectionState, clock.isIdle]).toEqual(['closed', true]);
    expect(b.told.slice(-2)).toEqual([5, 'lost']);

    const deaf = await connect();
    deaf.channel.isHeld = true;
    deaf.a.connection.close();
    await settled();
    clock.pass(PARTING - 1);
    expect(deaf.a.pc.connectionState).toBe('connected');
    clock.pass(1);
    expect(deaf.a.pc.connectionState).toBe('closed');
  });

  it('tells nothing more once it is closed, whether it was open by then or not', async () => {
    const { a, b } = await connect();
    const early = make();
    early.connection.openChannel();
    for (const { connection, pc, told } of [a, early]) {
      const before = told.length;
      connection.close();
      const [channel] = pc.channels;
      channel?.onopen?.();
      channel?.onmessage?.({ data: new ArrayBuffer(3) });
      pc.become('failed');
      expect(told).toHaveLength(before);
    }
    await settled();
    expect(FakePeerConnection.open).toEqual([b.pc]);
    expect(b.told.at(-1)).toBe('lost');
  });
});

function candidate(text: string): unknown {
  return { candidate: text, toJSON: () => ({ candidate: text }) };
}
