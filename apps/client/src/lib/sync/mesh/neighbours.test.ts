import { describe, expect, it } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { ManualClock } from '../manual-clock.ts';
import { decodeOwn, encodeOwn } from './messages.ts';
import { Neighbours } from './neighbours.ts';
import { RELAY, type ReachNews } from './passing-on.ts';
import type Peer from './peer.ts';

/** Neighbours who all say that they reach each other, and what they are sent. */
function meet(...names: string[]) {
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  awareness.destroy();
  const clock = new ManualClock();
  const neighbours = new Neighbours({
    ...{ doc, awareness },
    ice: () => Promise.resolve({}),
    surroundings: {
      now: () => clock.now,
      after: clock.after,
      random: () => 0.5,
      randomBytes: (length) => new Uint8Array(length),
    },
    isOfRelay: () => false,
    onReach: () => undefined,
    onMessage: () => undefined,
    onBroken: () => undefined,
  });
  const sent = new Map(names.map((name) => [name, [] as Uint8Array<ArrayBuffer>[]]));
  const peers = names.map((name) => {
    const send = (message: Uint8Array<ArrayBuffer>) => sent.get(name)?.push(message);
    return { name, isOwn: true, isConnected: true, send } as unknown as Peer;
  });
  const learn = (peer: Peer, news: ReachNews) =>
    neighbours.hooks.onOwn(peer, encodeOwn({ kind: 'reach', news }));
  for (const peer of peers) neighbours.hooks.onOpen(peer);
  for (const peer of peers) {
    learn(peer, { gained: [RELAY, ...names.filter((name) => name !== peer.name)], lost: [] });
  }
  clock.pass(1_000);
  /** What one of them was sent since the last time that this was asked. */
  const taken = (name: string) => sent.get(name)?.splice(0) ?? [];
  for (const name of names) taken(name);
  return { doc, clock, neighbours, peers, taken };
}

describe('neighbours', () => {
  it('[ME11] what was kept of one who is connected anew goes to those who may lack it', () => {
    const { doc, neighbours, peers, taken } = meet('ada', 'bob');
    const [ada] = peers;
    if (!ada) throw new Error('nobody is there');
    const written = new Y.Doc();
    written.getText('text').insert(0, 'last words');
    neighbours.hooks.onData(ada, () => Y.applyUpdate(doc, Y.encodeStateAsUpdate(written), 'mesh'));
    expect(taken('bob')).toEqual([]);
    neighbours.hooks.onOpen(ada);
    expect([taken('bob').length, taken('ada')]).toEqual([1, []]);
  });

  it('[ME11] that the relay is lost is told at once, even if it is back a moment later', () => {
    const { clock, neighbours, taken } = meet('ada', 'bob');
    const told = () => taken('ada').map((message) => decodeOwn(message));
    neighbours.relayReached(true);
    clock.pass(1_000);
    expect(told()).toEqual([{ kind: 'reach', news: { gained: [RELAY], lost: [] } }]);
    neighbours.relayReached(false);
    neighbours.relayReached(true);
    clock.pass(1_000);
    expect(told()).toEqual([
      { kind: 'reach', news: { gained: [], lost: [RELAY] } },
      { kind: 'reach', news: { gained: [RELAY], lost: [] } },
    ]);
  });
});
