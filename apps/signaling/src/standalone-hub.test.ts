import { expect, it } from 'vitest';
import { errorFrame, mailboxTopic } from './protocol/index.ts';
import { StandaloneHub } from './standalone-hub.ts';

/** A hub with these sockets in it, all in one room, and what it did with them. */
function openHub(...sockets: string[]) {
  const done: string[] = [];
  const lost = new Set<string>();
  const hub = new StandaloneHub<string>({
    send: (receivers, frame) => {
      done.push(`${receivers.join(' ')}: ${frame}`);
      return receivers.filter((receiver) => lost.has(receiver));
    },
    close: (socket, code, reason) => done.push(`${socket} closed: ${code} ${reason}`),
  });
  const send = (socket: string, message: unknown) => hub.receive(socket, JSON.stringify(message), 0);
  for (const socket of sockets) {
    hub.connect(socket);
    send(socket, { type: 'subscribe', topics: ['room'] });
  }
  return { hub, done, lost, send };
}

it('[HB24] [HB33] a socket that is lost while it is sent to is not counted the next time', () => {
  const { done, lost, send, hub } = openHub('ada', 'bob', 'cleo');
  lost.add('bob');
  send('ada', { type: 'publish', topic: 'room' });
  send('ada', { type: 'publish', topic: 'room' });
  expect(done).toEqual([
    'ada bob cleo: {"type":"publish","topic":"room","clients":3}',
    'ada cleo: {"type":"publish","topic":"room","clients":2}',
  ]);
  expect(hub.sockets).toBe(2);
});

it('[HB38] what would open a mailbox is refused, and what came behind it is done', () => {
  const { done, send, hub } = openHub('ada');
  send('ada', { type: 'subscribe', topics: [mailboxTopic('A'.repeat(22))], token: 'any' });
  send('ada', { type: 'publish', topic: 'room' });
  expect(done).toEqual([
    `ada: ${errorFrame('hub/token-refused')}`,
    'ada: {"type":"publish","topic":"room","clients":1}',
  ]);
  expect(hub.topics).toBe(1);
});

it('[HB34] [HB39] it bids all farewell, and has counted what it did', () => {
  const { hub, done, send } = openHub('ada', 'bob');
  send('ada', { type: 'publish', topic: 'room' });
  hub.stop();
  expect(done.slice(1)).toEqual(['ada closed: 1001 hub/stopping', 'bob closed: 1001 hub/stopping']);
  expect(hub.counts).toEqual({ received: 3, sent: 2, closed: new Map([['hub/stopping', 2]]) });
  expect(hub.sockets + hub.topics).toBe(0);
});
