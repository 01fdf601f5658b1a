import { expect, it, vi } from 'vitest';
import { performEffects, type HubSocket } from './perform-effects.ts';

const openSocket = () =>
  ({ send: vi.fn(), close: vi.fn(), serializeAttachment: vi.fn() }) satisfies HubSocket;

it('[HB24] a receiver that cannot be reached keeps a frame from nobody else, and is reported', () => {
  const [ada, dead, bob] = [openSocket(), openSocket(), openSocket()];
  dead.send.mockImplementation(() => {
    throw new TypeError("Can't call WebSocket send() after close().");
  });
  expect(performEffects([{ type: 'send', receivers: [ada, dead, bob], frame: 'one' }])).toEqual([dead]);
  expect(ada.send).toHaveBeenCalledExactlyOnceWith('one');
  expect(bob.send).toHaveBeenCalledExactlyOnceWith('one');
});

it('[HB20] topics are kept in the socket’s attachment', () => {
  const ada = openSocket();
  performEffects([{ type: 'remember', socket: ada, topics: ['room'] }]);
  expect(ada.serializeAttachment).toHaveBeenCalledExactlyOnceWith({ topics: ['room'] });
});

it('[HB18] a socket is closed after it was told why', () => {
  const ada = openSocket();
  performEffects([
    { type: 'send', receivers: [ada], frame: 'why' },
    { type: 'close', socket: ada, code: 1008, reason: 'hub/too-many-strikes' },
  ]);
  expect(ada.close).toHaveBeenCalledExactlyOnceWith(1008, 'hub/too-many-strikes');
  expect(ada.send).toHaveBeenCalledBefore(ada.close);
});
