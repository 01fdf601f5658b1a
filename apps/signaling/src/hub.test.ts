import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import {
  advanceHub,
  createHub,
  HUB_CLOSES,
  parseRememberedSocket,
  type HubEffect,
  type Verdict,
} from './hub.ts';
import {
  errorFrame,
  MAILBOX_LIMITS,
  mailboxTopic,
  PING_FRAME,
  PONG_FRAME,
  SIGNALING_ERRORS,
  SIGNALING_LIMITS,
  type SignalingErrorCode,
} from './protocol/index.ts';

/** A hub whose sockets are names, at a standstill clock. */
function openHub(...sockets: string[]) {
  const hub = createHub<string>();
  let now = 1_000_000;
  for (const socket of sockets) advanceHub(hub, { type: 'connected', socket, topics: [], readerOf: [] });
  return {
    hub,
    wait: (ms: number) => {
      now += ms;
    },
    connect: (socket: string, topics: string[] = [], readerOf: string[] = []) =>
      advanceHub(hub, { type: 'connected', socket, topics, readerOf }),
    authorize: (socket: string, ticket: number, verdict: Verdict) =>
      advanceHub(hub, { type: 'authorized', socket, ticket, verdict, now }),
    publish: (topic: string, frame: string) => advanceHub(hub, { type: 'published', topic, frame }),
    disconnect: (socket: string) => advanceHub(hub, { type: 'disconnected', socket }),
    sendRaw: (socket: string, frame: string | ArrayBuffer) =>
      advanceHub(hub, { type: 'received', socket, frame, now }),
    send: (socket: string, message: unknown) =>
      advanceHub(hub, { type: 'received', socket, frame: JSON.stringify(message), now }),
    subscribe: (socket: string, ...topics: string[]) =>
      advanceHub(hub, {
        type: 'received',
        socket,
        frame: JSON.stringify({ type: 'subscribe', topics }),
        now,
      }),
  };
}

const publish = (topic: string, data: unknown = 'x') => ({ type: 'publish', topic, data });

const receiversOf = (effects: HubEffect<string>[]) =>
  effects.flatMap((effect) => (effect.type === 'send' ? [...effect.receivers] : [])).sort();

const remembered = (socket: string, topics: string[], readerOf: string[] = []) => ({
  ...{ type: 'remember', socket, topics, readerOf },
});

const refusal = (socket: string, code: SignalingErrorCode) => ({
  type: 'send',
  receivers: [socket],
  frame: errorFrame(code),
});

const topicOf = (length: number, index: number) => String(index).padStart(length, 'x');

describe('protocol', () => {
  it('[HB1] a publish reaches every subscriber of its topic, the sender too, and nobody else', () => {
    const { subscribe, send } = openHub('ada', 'bob', 'cleo');
    subscribe('ada', 'room');
    subscribe('bob', 'room', 'other');
    subscribe('cleo', 'other');
    expect(receiversOf(send('ada', publish('room')))).toEqual(['ada', 'bob']);
    expect(receiversOf(send('bob', publish('other')))).toEqual(['bob', 'cleo']);
  });

  it('[HB2] a publish arrives as it was written, with the number of receivers, in one frame for all', () => {
    const { subscribe, sendRaw } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    subscribe('bob', 'room');
    const frame =
      '{ "data":{"n":1e20,"s":"\\u00e9\\ud800","__proto__":{"x":1}}, "topic":"room","type":"publish" }\n';
    expect(sendRaw('ada', frame)).toEqual([
      {
        type: 'send',
        receivers: ['ada', 'bob'],
        frame:
          '{ "data":{"n":1e20,"s":"\\u00e9\\ud800","__proto__":{"x":1}}, "topic":"room","type":"publish" ,"clients":2}',
      },
    ]);
  });

  it.each(['"clients":99', '"\\u0063lients":99', '"clients":{"a":[1]}'])(
    '[HB2] the number of receivers is the hub’s, whatever the sender wrote: %s',
    (field) => {
      const { subscribe, sendRaw } = openHub('ada');
      subscribe('ada', 'room');
      const [effect] = sendRaw('ada', `{"type":"publish",${field},"topic":"room"}`);
      expect(effect?.type === 'send' && JSON.parse(effect.frame)).toEqual({
        type: 'publish',
        topic: 'room',
        clients: 1,
      });
    },
  );

  it('[HB2] a publish nested thousands of levels deep is passed on unharmed', () => {
    const { subscribe, sendRaw } = openHub('ada');
    subscribe('ada', 'room');
    const nested = '['.repeat(30_000) + ']'.repeat(30_000);
    expect(sendRaw('ada', `{"type":"publish","topic":"room","data":${nested}}`)).toEqual([
      {
        type: 'send',
        receivers: ['ada'],
        frame: `{"type":"publish","topic":"room","data":${nested},"clients":1}`,
      },
    ]);
  });

  it('[HB2] a published frame grows by the number of receivers and nothing else', () => {
    const { subscribe, sendRaw } = openHub('ada');
    subscribe('ada', 'room');
    const frame = `{"type":"publish","topic":"room","data":[${Array(10_000).fill('1e20').join(',')}]}`;
    const [effect] = sendRaw('ada', frame);
    expect(effect?.type === 'send' && effect.frame.length - frame.length).toBe(',"clients":1'.length);
  });

  it.each([PING_FRAME, '{ "type": "ping", "more": 1 }'])(
    '[HB3] a ping is answered to its sender alone: %s',
    (frame) => {
      const { subscribe, sendRaw } = openHub('ada', 'bob');
      subscribe('ada', 'room');
      subscribe('bob', 'room');
      expect(sendRaw('ada', frame)).toEqual([{ type: 'send', receivers: ['ada'], frame: PONG_FRAME }]);
    },
  );

  it('[HB4] who does not listen to a topic cannot publish to it', () => {
    const { subscribe, send } = openHub('ada', 'bob');
    subscribe('bob', 'room');
    expect(send('ada', publish('room'))).toEqual([refusal('ada', 'hub/not-subscribed')]);
    expect(send('ada', publish('nobody listens here'))).toEqual([refusal('ada', 'hub/not-subscribed')]);
  });

  it('[HB5] a topic is held once, however often it is subscribed to', () => {
    const { subscribe, send } = openHub('ada');
    expect(subscribe('ada', 'room', 'room')).toEqual([remembered('ada', ['room'])]);
    expect(subscribe('ada', 'room')).toEqual([]);
    expect(subscribe('ada')).toEqual([]);
    expect(receiversOf(send('ada', publish('room')))).toEqual(['ada']);
  });

  it('[HB6] unsubscribing ends a subscription, and of a topic that is not held does nothing', () => {
    const { subscribe, send } = openHub('ada', 'bob');
    subscribe('ada', 'room', 'kept');
    subscribe('bob', 'room');
    expect(send('ada', { type: 'unsubscribe', topics: ['room', 'never held', 'room'] })).toEqual([
      remembered('ada', ['kept']),
    ]);
    expect(send('ada', { type: 'unsubscribe', topics: ['room'] })).toEqual([]);
    expect(receiversOf(send('bob', publish('room')))).toEqual(['bob']);
    expect(send('ada', publish('room'))).toEqual([refusal('ada', 'hub/not-subscribed')]);
    expect(receiversOf(send('ada', publish('kept')))).toEqual(['ada']);
  });

  it('[HB7] a socket that has gone receives nothing, and leaves nothing behind', () => {
    const { hub, subscribe, send, disconnect } = openHub('ada', 'bob');
    subscribe('ada', 'room', 'hers');
    subscribe('bob', 'room');
    expect(disconnect('ada')).toEqual([]);
    expect(receiversOf(send('bob', publish('room')))).toEqual(['bob']);
    disconnect('bob');
    expect(hub.members.size).toBe(0);
    expect(hub.subscribers.size).toBe(0);
  });

  it('[HB7] events of a socket that is not there are ignored', () => {
    const { hub, sendRaw, disconnect } = openHub();
    expect(sendRaw('nobody', PING_FRAME)).toEqual([]);
    expect(sendRaw('nobody', 'rubbish')).toEqual([]);
    expect(disconnect('nobody')).toEqual([]);
    expect(hub.members.size).toBe(0);
  });

  it('[HB7] a socket that connects anew starts anew', () => {
    const { subscribe, send, connect } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    subscribe('bob', 'room');
    connect('ada');
    expect(receiversOf(send('bob', publish('room')))).toEqual(['bob']);
  });

  it.each(['__proto__', 'constructor', 'toString', '\u0000', '\ud800', '\udc00', '😀', ' '])(
    '[HB8] a topic is any text, compared character by character: %j',
    (topic) => {
      const { subscribe, send } = openHub('ada', 'bob', 'cleo');
      subscribe('ada', topic);
      subscribe('bob', topic);
      subscribe('cleo', `${topic}x`, '\ufffd');
      expect(receiversOf(send('ada', publish(topic)))).toEqual(['ada', 'bob']);
      expect(Object.keys({})).toEqual([]);
    },
  );
});

describe('errors', () => {
  it.each<[SignalingErrorCode, string | ArrayBuffer]>([
    ['hub/not-json', ''],
    ['hub/not-json', 'secret-input'],
    ['hub/not-json', '{"type":"ping"'],
    ['hub/not-json', '\ufeff{"type":"ping"}'],
    ['hub/malformed', 'null'],
    ['hub/malformed', '[]'],
    ['hub/malformed', '"secret-input"'],
    ['hub/malformed', '[{"type":"ping"}]'],
    ['hub/unknown-type', '{}'],
    ['hub/unknown-type', '{"type":"secret-input"}'],
    ['hub/unknown-type', '{"type":"__proto__"}'],
    ['hub/unknown-type', '{"type":{"secret-input":1}}'],
    ['hub/unknown-type', '{"__proto__":{"type":"ping"}}'],
    ['hub/malformed', '{"type":"subscribe"}'],
    ['hub/malformed', '{"type":"subscribe","topics":"secret-input"}'],
    ['hub/malformed', '{"type":"subscribe","topics":{"0":"secret-input","length":1}}'],
    ['hub/malformed', '{"type":"subscribe","topics":["secret-input",5]}'],
    ['hub/malformed', '{"type":"subscribe","topics":["secret-input",""]}'],
    ['hub/malformed', '{"type":"unsubscribe"}'],
    ['hub/malformed', '{"type":"unsubscribe","topics":[null]}'],
    ['hub/malformed', '{"type":"publish"}'],
    ['hub/malformed', '{"type":"publish","topic":""}'],
    ['hub/malformed', '{"type":"publish","topic":["secret-input"]}'],
    ['hub/not-subscribed', '{"type":"publish","topic":"secret-input"}'],
    ['hub/binary-frame', new TextEncoder().encode(PING_FRAME).buffer],
  ])('[HB10] %s answers %s, to its sender alone and without an echo', (code, frame) => {
    const { subscribe, sendRaw, send } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    subscribe('bob', 'room');
    expect(sendRaw('ada', frame)).toEqual([refusal('ada', code)]);
    expect(errorFrame(code)).not.toContain('secret-input');
    expect(receiversOf(send('ada', publish('room')))).toEqual(['ada', 'bob']);
  });

  it.each(Object.keys(SIGNALING_ERRORS) as SignalingErrorCode[])(
    '[HB9] %s is told as a frame with a stable code and one sentence',
    (code) => {
      expect(JSON.parse(errorFrame(code))).toEqual({
        type: 'error',
        code: expect.stringMatching(/^hub\/[a-z-]+$/),
        message: expect.stringMatching(/^[A-Z][^\n]{10,100}\.$/),
      });
    },
  );
});

describe('limits', () => {
  /** A publish of exactly so many bytes, filled up with one character. */
  const frameOf = (bytes: number, fill: string) => {
    const rest = bytes - '{"type":"publish","topic":"room","data":""}'.length;
    const size = new TextEncoder().encode(fill).byteLength;
    const data = fill.repeat(Math.floor(rest / size)) + 'a'.repeat(rest % size);
    return `{"type":"publish","topic":"room","data":"${data}"}`;
  };

  it.each(['a', 'é', '€', '😀'])('[HB12] a frame may have 65,536 bytes of UTF-8, filled with %s', (fill) => {
    const { subscribe, sendRaw } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    subscribe('bob', 'room');
    expect(receiversOf(sendRaw('ada', frameOf(SIGNALING_LIMITS.frameBytes, fill)))).toEqual(['ada', 'bob']);
    expect(sendRaw('ada', frameOf(SIGNALING_LIMITS.frameBytes + 1, fill))).toEqual([
      refusal('ada', 'hub/frame-too-large'),
      { type: 'close', socket: 'ada', code: 1009, reason: 'hub/frame-too-large' },
    ]);
    expect(sendRaw('ada', PING_FRAME)).toEqual([]);
    expect(receiversOf(sendRaw('bob', JSON.stringify(publish('room'))))).toEqual(['bob']);
  });

  it('[HB12] a binary frame over the limit is told and closed as too large', () => {
    const { sendRaw } = openHub('ada');
    expect(sendRaw('ada', new ArrayBuffer(SIGNALING_LIMITS.frameBytes + 1))).toEqual([
      refusal('ada', 'hub/frame-too-large'),
      { type: 'close', socket: 'ada', ...HUB_CLOSES.frameTooLarge },
    ]);
  });

  it('[HB13] a socket may hold 64 topics; a subscribe to more is refused whole', () => {
    const { subscribe, send } = openHub('ada');
    const topics = Array.from({ length: SIGNALING_LIMITS.topics }, (_, i) => `topic ${i}`);
    subscribe('ada', ...topics.slice(1));
    expect(subscribe('ada', 'one', 'two')).toEqual([refusal('ada', 'hub/too-many-topics')]);
    expect(send('ada', publish('one'))).toEqual([refusal('ada', 'hub/not-subscribed')]);
    expect(receiversOf(send('ada', publish('topic 1')))).toEqual(['ada']);
    expect(subscribe('ada', ...topics)).toMatchObject([{ type: 'remember' }]);
    expect(subscribe('ada', ...topics, ...topics)).toEqual([]);
    expect(subscribe('ada', 'one')).toEqual([refusal('ada', 'hub/too-many-topics')]);
    send('ada', { type: 'unsubscribe', topics: ['topic 0'] });
    expect(subscribe('ada', 'one')).toMatchObject([{ type: 'remember' }]);
  });

  it('[HB13] ten thousand topics in one frame are refused', () => {
    const { subscribe } = openHub('ada');
    const topics = Array.from({ length: 10_000 }, (_, i) => i.toString(36));
    expect(subscribe('ada', ...topics)).toEqual([refusal('ada', 'hub/too-many-topics')]);
  });

  it.each(['a', '€'])(
    '[HB14] a topic may have 256 characters, like %s; a longer one refuses its subscribe whole',
    (fill) => {
      const { subscribe, send } = openHub('ada');
      const longest = fill.repeat(SIGNALING_LIMITS.topicCharacters);
      expect(subscribe('ada', longest)).toMatchObject([{ type: 'remember' }]);
      expect(subscribe('ada', 'fine', `${longest}a`)).toEqual([refusal('ada', 'hub/topic-too-long')]);
      expect(send('ada', publish('fine'))).toEqual([refusal('ada', 'hub/not-subscribed')]);
    },
  );

  it('[HB15] all topics of a socket may take 12,288 bytes at two a character; one more refuses its subscribe whole', () => {
    const { subscribe, send } = openHub('ada');
    const topics = Array.from({ length: 24 }, (_, i) => topicOf(256, i));
    expect(subscribe('ada', ...topics)).toMatchObject([{ type: 'remember' }]);
    expect(subscribe('ada', 'a')).toEqual([refusal('ada', 'hub/topics-too-large')]);
    send('ada', { type: 'unsubscribe', topics: topics.slice(0, 1) });
    expect(subscribe('ada', ...Array.from({ length: 40 }, (_, i) => topicOf(7, i)))).toEqual([
      refusal('ada', 'hub/topics-too-large'),
    ]);
    expect(subscribe('ada', ...Array.from({ length: 40 }, (_, i) => topicOf(6, i)))).toMatchObject([
      { type: 'remember' },
    ]);
  });
});

describe('conduct', () => {
  it('[HB16] 500 frames may come at once and 50 a second in the long run; what is more is dropped', () => {
    const { subscribe, send, wait } = openHub('ada');
    subscribe('ada', 'room');
    for (let i = 1; i < SIGNALING_LIMITS.framesBurst; i++)
      expect(receiversOf(send('ada', publish('room')))).toEqual(['ada']);
    expect(send('ada', publish('room'))).toEqual([refusal('ada', 'hub/too-fast')]);
    wait(1000);
    for (let i = 0; i < SIGNALING_LIMITS.framesPerSecond; i++)
      expect(receiversOf(send('ada', publish('room')))).toEqual(['ada']);
    expect(send('ada', publish('room'))).toEqual([]);
    wait(3_600_000);
    for (let i = 0; i < SIGNALING_LIMITS.framesBurst; i++)
      expect(receiversOf(send('ada', publish('room')))).toEqual(['ada']);
    expect(send('ada', publish('room'))).toEqual([refusal('ada', 'hub/too-fast')]);
  });

  it('[HB16] one socket’s haste costs another nothing', () => {
    const { subscribe, send } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    subscribe('bob', 'room');
    for (let i = 0; i < 400; i++) send('ada', { type: 'ping' });
    for (let i = 0; i < 400; i++) expect(receiversOf(send('bob', publish('room')))).toEqual(['ada', 'bob']);
  });

  it('[HB16] a clock that is set back gives nothing and takes nothing', () => {
    const { send, wait } = openHub('ada');
    for (let i = 0; i < 499; i++) send('ada', { type: 'ping' });
    wait(-60_000);
    expect(send('ada', { type: 'ping' })).toMatchObject([{ frame: PONG_FRAME }]);
    expect(send('ada', { type: 'ping' })).toEqual([refusal('ada', 'hub/too-fast')]);
  });

  it('[HB17] of the frames that come too fast, the first and every 50th is told and a strike', () => {
    const { send } = openHub('ada');
    for (let i = 0; i < 500; i++) send('ada', { type: 'ping' });
    const answers = Array.from({ length: 451 }, () => send('ada', { type: 'ping' }));
    const told = answers.flatMap((effects, i) => (effects.length > 0 ? [i] : []));
    expect(told).toEqual([0, 50, 100, 150, 200, 250, 300, 350, 400, 450]);
    expect(answers[450]).toEqual([
      refusal('ada', 'hub/too-fast'),
      { type: 'close', socket: 'ada', ...HUB_CLOSES.tooManyStrikes },
    ]);
  });

  it('[HB18] the tenth strike closes the socket with 1008, and nobody else', () => {
    const { hub, subscribe, send, sendRaw } = openHub('ada', 'bob');
    subscribe('ada', 'room', 'hers');
    subscribe('bob', 'room');
    for (let i = 1; i < 10; i++) expect(sendRaw('ada', 'rubbish')).toEqual([refusal('ada', 'hub/not-json')]);
    expect(sendRaw('ada', 'rubbish')).toEqual([
      refusal('ada', 'hub/not-json'),
      { type: 'close', socket: 'ada', code: 1008, reason: 'hub/too-many-strikes' },
    ]);
    expect(sendRaw('ada', PING_FRAME)).toEqual([]);
    expect(receiversOf(send('bob', publish('room')))).toEqual(['bob']);
    expect([...hub.subscribers.keys()]).toEqual(['room']);
  });

  it('[HB19] ten seconds without a strike forgive the earlier ones', () => {
    const { sendRaw, wait } = openHub('ada');
    const strikeNineTimes = () => {
      for (let i = 0; i < 9; i++) expect(sendRaw('ada', 'rubbish')).toEqual([refusal('ada', 'hub/not-json')]);
    };
    strikeNineTimes();
    wait(10_000);
    strikeNineTimes();
    wait(9_999);
    expect(sendRaw('ada', 'rubbish')).toMatchObject([{ type: 'send' }, { type: 'close' }]);
  });

  it('[HB19] good frames in between forgive nothing', () => {
    const { sendRaw } = openHub('ada');
    for (let i = 0; i < 9; i++) {
      sendRaw('ada', 'rubbish');
      sendRaw('ada', PING_FRAME);
    }
    expect(sendRaw('ada', 'rubbish')).toMatchObject([{ type: 'send' }, { type: 'close' }]);
  });
});

describe('hibernation', () => {
  it('[HB20] every change of a socket’s topics is to be remembered, whole', () => {
    const { subscribe, send } = openHub('ada');
    expect(subscribe('ada', 'a', 'b')).toEqual([remembered('ada', ['a', 'b'])]);
    expect(subscribe('ada', 'c')).toEqual([remembered('ada', ['a', 'b', 'c'])]);
    expect(send('ada', { type: 'unsubscribe', topics: ['a', 'b', 'c'] })).toEqual([remembered('ada', [])]);
  });

  it('[HB21] sockets that come back with their topics listen as before', () => {
    const { connect, send } = openHub();
    connect('ada', ['room', '__proto__']);
    connect('bob', ['room']);
    expect(receiversOf(send('ada', publish('room')))).toEqual(['ada', 'bob']);
    expect(receiversOf(send('ada', publish('__proto__')))).toEqual(['ada']);
  });

  it.each([
    ...[undefined, null, 5, 'room', [], {}, { topics: 'room' }, { topics: [5] }],
    ...[
      { topics: [], origin: '' },
      { topics: [], origin: '', readerOf: 'x' },
      { topics: [], readerOf: [] },
    ],
  ])('[HB22] what no hub wrote is not taken for a remembered socket: %j', (value) => {
    expect(parseRememberedSocket(value)).toBeUndefined();
  });

  it('[HB22] a remembered socket survives a structured clone', () => {
    const topics = ['room', '\ud800', '😀', '__proto__'];
    const socket = { topics, readerOf: ['room'], origin: 'https://relay.example' };
    expect(parseRememberedSocket(structuredClone(socket))).toEqual(socket);
  });

  it('[HB15] the largest set can be remembered, however many of its topics are mailboxes that it reads', () => {
    const origin = `https://${'a'.repeat(253)}`;
    for (let count = 0; count <= SIGNALING_LIMITS.topics; count++) {
      const readerOf = Array.from({ length: count }, (_, index) => mailboxTopic(topicOf(22, index)));
      const others = SIGNALING_LIMITS.topics - count;
      const left = SIGNALING_LIMITS.topicsBytes - 2 * readerOf.join('').length;
      const length = Math.min(SIGNALING_LIMITS.topicCharacters, Math.floor(left / 2 / others));
      const topics = [
        ...readerOf,
        ...Array.from({ length: others }, (_, index) => `☃${topicOf(length - 1, index)}`),
      ];
      const { hub, connect, subscribe } = openHub();
      connect('ada', readerOf, readerOf);
      if (others > 0) expect(subscribe('ada', ...topics)).toEqual([remembered('ada', topics, readerOf)]);
      expect([...(hub.members.get('ada')?.topics ?? [])]).toEqual(topics);
      expect(serialize({ topics, readerOf, origin }).length).toBeLessThanOrEqual(16_384);
    }
  });
});

describe('mailbox topics', () => {
  const SESSION = 'AAAAAAAAAAAAAAAAAAAA-_';
  const TOPIC = mailboxTopic(SESSION);
  const subscribeTo = (topic: string, token: unknown = 'token') => ({
    type: 'subscribe',
    topics: [topic],
    token,
  });
  const live = (topic: string, envelope = 'AAAA') => ({ type: 'live', topic, envelope });
  const authorizeEffect = (socket: string, ticket: number, sessionId = SESSION) => ({
    ...{ type: 'authorize', socket, ticket, sessionId, token: 'token' },
  });

  /** A hub in which these writers and readers listen to the mailbox. */
  function openMailboxFor({ writers = [], readers = [] }: { writers?: string[]; readers?: string[] }) {
    const hub = openHub(...writers, ...readers);
    for (const [ticket, socket] of [...writers, ...readers].entries()) {
      hub.send(socket, subscribeTo(TOPIC));
      hub.authorize(socket, ticket, ticket < writers.length ? 'writer' : 'reader');
    }
    return hub;
  }

  const openMailbox = (...writers: string[]) => openMailboxFor({ writers });

  it('[HB26] a subscribe is in force once its token was found good, all its topics together', () => {
    const { hub, send, authorize } = openHub('ada');
    const message = { type: 'subscribe', topics: ['room', TOPIC], token: 'token' };
    expect(send('ada', message)).toEqual([authorizeEffect('ada', 0)]);
    expect(hub.subscribers.size).toBe(0);
    expect(authorize('ada', 0, 'writer')).toEqual([remembered('ada', ['room', TOPIC])]);
    expect([...hub.subscribers.keys()]).toEqual(['room', TOPIC]);
  });

  it('[HB26] a token that is not good refuses the whole subscribe', () => {
    const { hub, send, subscribe, authorize } = openHub('ada');
    subscribe('ada', 'before');
    send('ada', { type: 'subscribe', topics: ['room', TOPIC], token: 'token' });
    expect(authorize('ada', 0, 'bad')).toEqual([refusal('ada', 'hub/token-refused')]);
    expect([...hub.subscribers.keys()]).toEqual(['before']);
  });

  it.each([
    ['no token', { type: 'subscribe', topics: [TOPIC] }],
    ['a token that is no text', subscribeTo(TOPIC, { token: 'x' })],
    ['two mailboxes', { type: 'subscribe', topics: [TOPIC, mailboxTopic('B'.repeat(22))], token: 'token' }],
    ['no session id', subscribeTo(mailboxTopic(''))],
    ['a short session id', subscribeTo(mailboxTopic('AAAA'))],
    ['a long session id', subscribeTo(`${TOPIC}A`)],
  ])('[HB26] %s: refused without asking', (_, message) => {
    const { hub, send } = openHub('ada');
    expect(send('ada', message)).toEqual([refusal('ada', 'hub/token-refused')]);
    expect(hub.subscribers.size).toBe(0);
  });

  it('[HB26] a mailbox that is held already needs no token again', () => {
    const { send } = openMailbox('ada');
    expect(send('ada', { type: 'subscribe', topics: [TOPIC] })).toEqual([]);
    expect(send('ada', { type: 'subscribe', topics: [TOPIC, 'room'] })).toEqual([
      remembered('ada', [TOPIC, 'room']),
    ]);
  });

  it('[HB26] a token is of no use for other topics, and does no harm', () => {
    const { send } = openHub('ada');
    expect(send('ada', subscribeTo('room', 5))).toEqual([remembered('ada', ['room'])]);
  });

  it('[HB30] what a socket sends while its token is looked at waits, and is then done in its order', () => {
    const { send, authorize } = openHub('ada');
    send('ada', subscribeTo(TOPIC));
    expect(send('ada', { type: 'subscribe', topics: ['room'] })).toEqual([]);
    expect(send('ada', publish('room'))).toEqual([]);
    expect(send('ada', { type: 'ping' })).toEqual([]);
    expect(send('ada', { type: 'unsubscribe', topics: ['room'] })).toEqual([]);
    const effects = authorize('ada', 0, 'writer');
    expect(effects).toEqual([
      remembered('ada', [TOPIC]),
      remembered('ada', [TOPIC, 'room']),
      { type: 'send', receivers: ['ada'], frame: JSON.stringify({ ...publish('room'), clients: 1 }) },
      { type: 'send', receivers: ['ada'], frame: PONG_FRAME },
      remembered('ada', [TOPIC]),
    ]);
  });

  it('[HB30] also when the subscribe was refused, and when what waited has to wait again', () => {
    const { send, authorize } = openHub('ada');
    const other = 'B'.repeat(22);
    send('ada', subscribeTo(TOPIC));
    send('ada', { type: 'ping' });
    send('ada', subscribeTo(mailboxTopic(other)));
    send('ada', { type: 'subscribe', topics: ['room'] });
    expect(authorize('ada', 0, 'bad')).toEqual([
      refusal('ada', 'hub/token-refused'),
      { type: 'send', receivers: ['ada'], frame: PONG_FRAME },
      authorizeEffect('ada', 1, other),
    ]);
    expect(authorize('ada', 0, 'writer')).toEqual([]);
    expect(authorize('ada', 1, 'writer')).toEqual([
      remembered('ada', [mailboxTopic(other)]),
      remembered('ada', [mailboxTopic(other), 'room']),
    ]);
  });

  it('[HB30] so many frames may wait, and only their sender waits', () => {
    const { send, subscribe, authorize } = openHub('ada', 'bob');
    send('ada', subscribeTo(TOPIC));
    for (let count = 0; count < SIGNALING_LIMITS.waitingFrames; count++) {
      expect(send('ada', { type: 'ping' })).toEqual([]);
    }
    expect(send('ada', { type: 'ping' })).toEqual([refusal('ada', 'hub/too-fast')]);
    expect(subscribe('bob', 'room')).toHaveLength(1);
    expect(authorize('ada', 0, 'writer')).toHaveLength(1 + SIGNALING_LIMITS.waitingFrames);
  });

  it('[HB30] so many characters may wait, and what is more is dropped as what is too fast', () => {
    const { send, sendRaw, authorize } = openHub('ada');
    send('ada', subscribeTo(TOPIC));
    const half = `{"type":"ping","p":"${'x'.repeat(SIGNALING_LIMITS.waitingCharacters / 2 - 22)}"}`;
    expect(half).toHaveLength(SIGNALING_LIMITS.waitingCharacters / 2);
    expect(sendRaw('ada', half)).toEqual([]);
    expect(sendRaw('ada', half)).toEqual([]);
    expect(send('ada', { type: 'ping' })).toEqual([refusal('ada', 'hub/too-fast')]);
    for (let count = 0; count < 49; count++) expect(send('ada', { type: 'ping' })).toEqual([]);
    expect(send('ada', { type: 'ping' })).toEqual([refusal('ada', 'hub/too-fast')]);
    expect(authorize('ada', 0, 'writer')).toHaveLength(3);
  });

  it.each(['unknown', 'elsewhere'] as const)(
    '[HB31] [HB41] a verdict of %j closes the socket, to come back',
    (verdict) => {
      const { hub, send, authorize } = openHub('ada');
      send('ada', subscribeTo(TOPIC));
      send('ada', { type: 'ping' });
      const close = { unknown: HUB_CLOSES.unavailable, elsewhere: HUB_CLOSES.elsewhere }[verdict];
      expect(authorize('ada', 0, verdict)).toEqual([{ type: 'close', socket: 'ada', ...close }]);
      expect(hub.members.size).toBe(0);
    },
  );

  it('[HB7] a verdict for a socket that has gone, or come anew, does nothing', () => {
    const { hub, send, authorize, disconnect, connect } = openHub('ada');
    send('ada', subscribeTo(TOPIC));
    disconnect('ada');
    expect(authorize('ada', 0, 'writer')).toEqual([]);
    connect('ada');
    expect(authorize('ada', 0, 'writer')).toEqual([]);
    send('ada', subscribeTo(TOPIC));
    expect(authorize('ada', 0, 'writer')).toEqual([]);
    expect(hub.subscribers.size).toBe(0);
  });

  it('[HB18] a socket that is closed for its refused token is not obeyed any more', () => {
    const { send, authorize } = openHub('ada');
    for (let count = 1; count < SIGNALING_LIMITS.strikes; count++) send('ada', { type: 'nonsense' });
    send('ada', subscribeTo(TOPIC));
    send('ada', { type: 'ping' });
    expect(authorize('ada', 0, 'bad')).toEqual([
      refusal('ada', 'hub/token-refused'),
      { type: 'close', socket: 'ada', ...HUB_CLOSES.tooManyStrikes },
    ]);
  });

  it('[HB27] nobody publishes to it, subscribed or not', () => {
    const { send } = openMailbox('ada', 'bob');
    expect(send('ada', publish(TOPIC))).toEqual([refusal('ada', 'hub/reserved-topic')]);
    expect(openHub('eve').send('eve', publish(TOPIC))).toEqual([refusal('eve', 'hub/reserved-topic')]);
  });

  it('[HB27] what the relay publishes reaches every subscriber as it is', () => {
    const { publish: tell } = openMailbox('ada', 'bob');
    expect(tell(TOPIC, '{"type":"mailbox"}')).toEqual([
      { type: 'send', receivers: ['ada', 'bob'], frame: '{"type":"mailbox"}' },
    ]);
    expect(tell(mailboxTopic('B'.repeat(22)), '{}')).toEqual([]);
  });

  it('[HB28] a live frame reaches all other subscribers as it was written', () => {
    const { sendRaw } = openMailbox('ada', 'bob', 'cleo');
    const frame = `{"type":"live","topic":"${TOPIC}","envelope":"A-_9", "more":1e20}`;
    expect(sendRaw('bob', frame)).toEqual([{ type: 'send', receivers: ['ada', 'cleo'], frame }]);
    expect(openMailbox('ada').sendRaw('ada', frame)).toEqual([]);
  });

  it('[HB28] only of a subscriber, only to a mailbox', () => {
    const hub = openMailbox('ada');
    hub.connect('eve');
    hub.subscribe('ada', 'room');
    expect(hub.send('eve', live(TOPIC))).toEqual([refusal('eve', 'hub/not-subscribed')]);
    expect(hub.send('ada', live('room'))).toEqual([refusal('ada', 'hub/malformed')]);
  });

  it('[HB28] up to 32,768 characters of base64url', () => {
    const { send } = openMailbox('ada', 'bob');
    const largest = 'A'.repeat(MAILBOX_LIMITS.liveCharacters);
    expect(largest).toHaveLength(32_768);
    expect(receiversOf(send('ada', live(TOPIC, largest)))).toEqual(['bob']);
    expect(send('ada', live(TOPIC, `${largest}A`))).toEqual([refusal('ada', 'hub/live-too-large')]);
    for (const envelope of ['', 'A=', 'A+', 'é']) {
      expect(send('ada', live(TOPIC, envelope))).toEqual([refusal('ada', 'hub/malformed')]);
    }
  });

  it('[HB28] nothing is a live frame that does not begin like one, and nothing else may', () => {
    const { sendRaw } = openMailbox('ada', 'bob');
    for (const frame of [
      `{"topic":"${TOPIC}","type":"live","envelope":"AAAA"}`,
      `{ "type":"live","topic":"${TOPIC}","envelope":"AAAA"}`,
      `{"type":"live","topic":"${TOPIC}","envelope":"AAAA","type":"ping"}`,
    ]) {
      expect(sendRaw('ada', frame)).toEqual([refusal('ada', 'hub/malformed')]);
    }
  });

  it('[HB29] live frames have an allowance of their own: 300 at once and 30 a second', () => {
    const { send, wait } = openMailbox('ada', 'bob');
    const sendLive = () => send('ada', live(TOPIC));
    for (let count = 0; count < 300; count++) expect(receiversOf(sendLive())).toEqual(['bob']);
    expect(sendLive()).toEqual([refusal('ada', 'hub/too-fast')]);
    for (let count = 0; count < SIGNALING_LIMITS.framesBurst - 1; count++) {
      expect(send('ada', { type: 'ping' })).toEqual([
        { type: 'send', receivers: ['ada'], frame: PONG_FRAME },
      ]);
    }
    wait(1_000);
    for (let count = 0; count < 30; count++) expect(receiversOf(sendLive())).toEqual(['bob']);
    expect(sendLive()).toEqual([]);
  });

  it('[HB29] and other frames theirs', () => {
    const { send } = openMailbox('ada', 'bob');
    for (let count = 0; count < SIGNALING_LIMITS.framesBurst - 1; count++) send('ada', { type: 'ping' });
    expect(send('ada', { type: 'ping' })).toEqual([refusal('ada', 'hub/too-fast')]);
    expect(receiversOf(send('ada', live(TOPIC)))).toEqual(['bob']);
  });

  it('[HB32] all readers of a mailbox share one allowance: 300 live frames at once and 30 a second', () => {
    const readers = Array.from({ length: 10 }, (_, index) => `reader ${index}`);
    const { send, wait } = openMailboxFor({ writers: ['ada'], readers });
    const sendLive = () => readers.map((reader) => send(reader, live(TOPIC)));
    for (let count = 0; count < 30; count++) {
      for (const effects of sendLive()) expect(receiversOf(effects)).toContain('ada');
    }
    expect(sendLive()).toEqual(readers.map((reader) => [refusal(reader, 'hub/too-fast')]));
    wait(1_000);
    for (let count = 0; count < 3; count++) {
      for (const effects of sendLive()) expect(receiversOf(effects)).toContain('ada');
    }
    expect(sendLive()).toEqual(readers.map(() => []));
  });

  it('[HB32] what readers have used up costs writers nothing, nor readers of another mailbox', () => {
    const readers = ['eve', 'mallory'];
    const { send, authorize } = openMailboxFor({ writers: ['ada'], readers });
    const other = mailboxTopic('B'.repeat(22));
    send('eve', subscribeTo(other));
    authorize('eve', 3, 'writer');
    send('ada', subscribeTo(other));
    authorize('ada', 4, 'reader');
    for (let count = 0; count < 300; count++) send('mallory', live(TOPIC));
    expect(send('eve', live(TOPIC))).toEqual([refusal('eve', 'hub/too-fast')]);
    for (let count = 0; count < 299; count++) {
      expect(receiversOf(send('ada', live(TOPIC)))).toEqual(readers);
      expect(receiversOf(send('eve', live(other)))).toEqual(['ada']);
    }
    expect(receiversOf(send('ada', live(other)))).toEqual(['eve']);
  });

  it('[HB32] [HB17] of what is dropped, the first and every 50th is told and a strike', () => {
    const { send } = openMailboxFor({ writers: ['ada'], readers: ['eve', 'mallory'] });
    for (let count = 0; count < 300; count++) send('mallory', live(TOPIC));
    const answers = Array.from({ length: 51 }, () => send('eve', live(TOPIC)));
    expect(answers.flatMap((effects, index) => (effects.length > 0 ? [index] : []))).toEqual([0, 50]);
    for (let count = 2; count < SIGNALING_LIMITS.strikes - 1; count++) {
      expect(send('eve', { type: 'nonsense' })).toMatchObject([{ type: 'send' }]);
    }
    expect(send('eve', { type: 'nonsense' })).toMatchObject([{ type: 'send' }, { type: 'close' }]);
  });

  it('[HB32] coming anew gives a reader nothing, as long as somebody listens', () => {
    const { hub, send, connect, disconnect, authorize } = openMailboxFor({
      writers: ['ada'],
      readers: ['eve'],
    });
    for (let count = 0; count < 300; count++) send('eve', live(TOPIC));
    disconnect('eve');
    connect('eve');
    send('eve', subscribeTo(TOPIC));
    authorize('eve', 2, 'reader');
    expect(send('eve', live(TOPIC))).toEqual([refusal('eve', 'hub/too-fast')]);
    for (const socket of ['eve', 'ada']) disconnect(socket);
    expect(hub.readersLive.size).toBe(0);
  });

  it('[HB32] the token counts that opened the subscription', () => {
    const { send, authorize } = openMailboxFor({ writers: ['ada'], readers: ['eve', 'mallory'] });
    for (let count = 0; count < 300; count++) send('mallory', live(TOPIC));
    expect(send('eve', { type: 'unsubscribe', topics: [TOPIC] })).toEqual([remembered('eve', [])]);
    send('eve', subscribeTo(TOPIC));
    expect(authorize('eve', 3, 'writer')).toEqual([remembered('eve', [TOPIC])]);
    expect(receiversOf(send('eve', live(TOPIC)))).toEqual(['ada', 'mallory']);
  });

  it('[HB32] [HB20] [HB21] that somebody reads is remembered, and known again', () => {
    const { send, connect, authorize } = openHub('eve');
    send('eve', { type: 'subscribe', topics: ['room', TOPIC], token: 'token' });
    expect(authorize('eve', 0, 'reader')).toEqual([remembered('eve', ['room', TOPIC], [TOPIC])]);
    expect(send('eve', { type: 'unsubscribe', topics: ['room'] })).toEqual([
      remembered('eve', [TOPIC], [TOPIC]),
    ]);
    connect('mallory', [TOPIC], [TOPIC]);
    for (let count = 0; count < 300; count++) send('mallory', live(TOPIC));
    expect(send('eve', live(TOPIC))).toEqual([refusal('eve', 'hub/too-fast')]);
  });
});

describe('end', () => {
  it('[HB34] a hub that stops closes every socket with 1001 and forgets them', () => {
    const { hub, subscribe, connect } = openHub('ada', 'bob');
    subscribe('ada', 'room');
    expect(advanceHub(hub, { type: 'stopping' })).toEqual([
      { type: 'close', socket: 'ada', ...HUB_CLOSES.stopping },
      { type: 'close', socket: 'bob', ...HUB_CLOSES.stopping },
    ]);
    expect(HUB_CLOSES.stopping.code).toBe(1001);
    expect(hub.members.size + hub.subscribers.size).toBe(0);
    // One that comes all the same is told so, too, when the hub is stopped again.
    connect('late');
    expect(advanceHub(hub, { type: 'stopping' })).toHaveLength(1);
    expect(advanceHub(hub, { type: 'stopping' })).toEqual([]);
  });
});
