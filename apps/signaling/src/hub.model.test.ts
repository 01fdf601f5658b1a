import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { almostFrame } from '../conformance/almost-frame.ts';
import { advanceHub, createHub, type HeldTopics, type Hub, type HubEffect, type HubEvent } from './hub.ts';
import { mailboxTopic, SIGNALING_LIMITS } from './protocol/index.ts';

const SOCKETS = ['ada', 'bob', 'cleo', 'dan'] as const;
const TOPICS = ['room', 'hall', '__proto__', '\ud800', ''] as const;
const MAILBOX = mailboxTopic('A'.repeat(22));

const socket = fc.constantFrom(...SOCKETS);
const topic = fc.constantFrom(...TOPICS);
const topics = fc.array(topic, { maxLength: 6 });

type Action =
  | { do: 'connect' | 'disconnect'; socket: string }
  | { do: 'subscribe' | 'unsubscribe'; socket: string; topics: string[]; token?: 'writer' | 'reader' }
  | { do: 'publish'; socket: string; topic: string }
  | { do: 'send'; socket: string; frame: string; times: number }
  | { do: 'wait'; ms: number }
  | { do: 'hibernate' };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('connect', 'disconnect'), socket }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('subscribe', 'unsubscribe'), socket, topics }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('subscribe'), socket, topics: fc.constant<string[]>([MAILBOX]) },
      token: fc.constantFrom('writer', 'reader'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish'), socket, topic }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('send'),
      socket,
      frame: fc.constantFrom('rubbish', '{}', '{"type":"ping"}', '{"type":"publish","topic":"room"}'),
      times: fc.constantFrom(1, 4, 9, 520),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(1, 20, 1000, 9_999, 60_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('send'), socket },
      frame: fc.constant(JSON.stringify({ type: 'live', topic: MAILBOX, envelope: 'AAAA' })),
      times: fc.constantFrom(1, 150, 310),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hibernate') }) },
);

/**
 * What an adapter is for, without sockets: it keeps what is to be remembered, drops what is closed, and takes a token for the
 * one that it says it is.
 */
class Adapter {
  hub: Hub<string> = createHub();
  readonly remembered = new Map<string, HeldTopics>();

  handle(event: HubEvent<string>): HubEffect<string>[] {
    if (event.type === 'connected') this.remembered.set(event.socket, event);
    if (event.type === 'disconnected') this.remembered.delete(event.socket);
    return advanceHub(this.hub, event).flatMap((effect) => {
      if (effect.type === 'remember') this.remembered.set(effect.socket, effect);
      if (effect.type === 'close') this.remembered.delete(effect.socket);
      if (effect.type !== 'authorize') return [effect];
      const verdict = effect.token === 'writer' ? 'writer' : 'reader';
      return this.handle({
        ...effect,
        type: 'authorized',
        verdict,
        now: event.type === 'received' ? event.now : 0,
      });
    });
  }

  hibernate(): void {
    this.hub = createHub();
    for (const [socket, { topics, readerOf }] of this.remembered)
      advanceHub(this.hub, { type: 'connected', socket, topics, readerOf });
  }
}

/** Receivers of one frame are a set: in which order they get it is nobody's business. */
const unordered = (effects: HubEffect<string>[]) =>
  effects.map((effect) =>
    effect.type === 'send' ? { ...effect, receivers: [...effect.receivers].sort() } : effect,
  );

describe('model', () => {
  it('[HB1] after any sequence of events, the receivers are who connected and subscribed, and nobody else', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const adapter = new Adapter();
        const model = new Map<string, Set<string>>();
        let now = 0;
        for (const step of actions) {
          // Slow enough that no allowance and no strike plays a part: those have their own rules.
          now += SIGNALING_LIMITS.forgivenAfterMs;
          if (step.do === 'wait' || step.do === 'send') continue;
          if (step.do === 'hibernate') {
            adapter.hibernate();
            continue;
          }
          const { socket } = step;
          const held = model.get(socket);
          const send = (message: unknown) =>
            adapter.handle({ type: 'received', socket, frame: JSON.stringify(message), now });
          if (step.do === 'connect' && !held) {
            adapter.handle({ type: 'connected', socket, topics: [], readerOf: [] });
            model.set(socket, new Set());
          } else if (step.do === 'disconnect') {
            adapter.handle({ type: 'disconnected', socket });
            model.delete(socket);
          } else if (step.do === 'subscribe' || step.do === 'unsubscribe') {
            send({ type: step.do, topics: step.topics, token: step.token });
            if (step.topics.includes('')) continue;
            for (const topic of step.topics) held?.[step.do === 'subscribe' ? 'add' : 'delete'](topic);
          } else if (step.do === 'publish') {
            const [effect] = send({ type: 'publish', topic: step.topic });
            const receivers = [...model.keys()].filter((name) => model.get(name)?.has(step.topic));
            const expected = held?.has(step.topic) ? receivers : held ? [socket] : [];
            expect(effect?.type === 'send' ? [...effect.receivers].sort() : []).toEqual(expected.sort());
            const frame: unknown = effect?.type === 'send' ? JSON.parse(effect.frame) : undefined;
            if (held?.has(step.topic)) expect(frame).toMatchObject({ clients: receivers.length });
            else if (held) expect(frame).toMatchObject({ type: 'error' });
          }
        }
        expect(
          Object.fromEntries([...adapter.remembered].map(([name, { topics }]) => [name, [...topics].sort()])),
        ).toEqual(Object.fromEntries([...model].map(([name, topics]) => [name, [...topics].sort()])));
      }),
      { numRuns: 400, seed: 1 },
    );
  });

  it('[HB21] a hub restored after ten idle seconds behaves like one that never slept, strikes and allowance too', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const awake = new Adapter();
        const sleeping = new Adapter();
        let now = 0;
        const both = (event: HubEvent<string>) => {
          const effects = awake.handle(event);
          expect(unordered(sleeping.handle(event))).toEqual(unordered(effects));
        };
        for (const step of actions) {
          if (step.do === 'wait') now += step.ms;
          else if (step.do === 'hibernate') {
            now += SIGNALING_LIMITS.forgivenAfterMs;
            sleeping.hibernate();
          } else if (step.do === 'connect')
            both({ type: 'connected', socket: step.socket, topics: [], readerOf: [] });
          else if (step.do === 'disconnect') both({ type: 'disconnected', socket: step.socket });
          else {
            const { do: type, socket, ...fields } = step;
            const frame = step.do === 'send' ? step.frame : JSON.stringify({ type, ...fields });
            for (let i = 0; i < (step.do === 'send' ? step.times : 1); i++)
              both({ type: 'received', socket, frame, now });
          }
        }
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  it('[HB7] when all have gone, in whatever way, the hub is empty', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const adapter = new Adapter();
        for (const step of actions) {
          if (step.do === 'connect')
            adapter.handle({ type: 'connected', socket: step.socket, topics: [], readerOf: [] });
          else if (step.do === 'disconnect') adapter.handle({ type: 'disconnected', socket: step.socket });
          else if ('socket' in step) {
            const { do: type, socket, ...fields } = step;
            const frame = step.do === 'send' ? step.frame : JSON.stringify({ type, ...fields });
            adapter.handle({ type: 'received', socket, frame, now: 0 });
          }
        }
        for (const socket of SOCKETS) adapter.handle({ type: 'disconnected', socket });
        const { members, subscribers, readersLive } = adapter.hub;
        expect(members.size + subscribers.size + readersLive.size).toBe(0);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

describe('fuzz', () => {
  it('[HB11] whatever one socket sends, nothing throws and two others go on undisturbed', () => {
    const adapter = new Adapter();
    let now = 0;
    const send = (socket: string, frame: string) => adapter.handle({ type: 'received', socket, frame, now });
    for (const name of ['eve', 'ada', 'bob'])
      adapter.handle({ type: 'connected', socket: name, topics: [], readerOf: [] });
    for (const name of ['ada', 'bob']) send(name, '{"type":"subscribe","topics":["theirs"]}');
    const refusals: unknown[] = [];

    fc.assert(
      fc.property(almostFrame, (frame) => {
        now += 100;
        for (const effect of send('eve', frame)) {
          if (effect.type === 'send') {
            expect(effect.receivers).toContain('eve');
            const { type, code } = JSON.parse(effect.frame) as Record<string, unknown>;
            if (type === 'error') refusals.push(code);
          }
          if (effect.type === 'close') {
            expect(effect.socket).toBe('eve');
            adapter.handle({ type: 'connected', socket: 'eve', topics: [], readerOf: [] });
          }
        }
        const [delivery] = send('ada', '{"type":"publish","topic":"theirs"}');
        expect(delivery).toMatchObject({ type: 'send' });
        expect(delivery?.type === 'send' && delivery.receivers).toEqual(
          expect.arrayContaining(['ada', 'bob']),
        );
        expect(adapter.hub.members.size).toBe(3);
      }),
      { numRuns: 15_000, seed: 4 },
    );
    expect(refusals.length).toBeGreaterThan(10_000);
    expect([...new Set(refusals)].sort()).toEqual([
      'hub/malformed',
      'hub/not-json',
      'hub/not-subscribed',
      'hub/unknown-type',
    ]);
  }, 30_000);
});
