import { expect, it, vi } from 'vitest';
import { performEffects, type HubSocket } from './perform-effects.ts';

const openSocket = () =>
  ({
    send: vi.fn(),
    close: vi.fn(),
    serializeAttachment: vi.fn(),
    deserializeAttachment: vi.fn(() => ({ topics: [], readerOf: [], origin: 'https://relay.example' })),
  }) satisfies HubSocket;

const authorize = vi.fn();

it('[HB24] a receiver that cannot be reached keeps a frame from nobody else, and is reported', () => {
  const [ada, dead, bob] = [openSocket(), openSocket(), openSocket()];
  dead.send.mockImplementation(() => {
    throw new TypeError("Can't call WebSocket send() after close().");
  });
  expect(performEffects([{ type: 'send', receivers: [ada, dead, bob], frame: 'one' }], authorize)).toEqual([
    dead,
  ]);
  expect(ada.send).toHaveBeenCalledExactlyOnceWith('one');
  expect(bob.send).toHaveBeenCalledExactlyOnceWith('one');
});

it('[HB20] topics are kept in the socket’s attachment', () => {
  const ada = openSocket();
  const held = { topics: ['room', 'parley/mailbox/x'], readerOf: ['parley/mailbox/x'] };
  performEffects([{ type: 'remember', socket: ada, ...held }], authorize);
  expect(ada.serializeAttachment).toHaveBeenCalledExactlyOnceWith({
    ...held,
    origin: 'https://relay.example',
  });
});

it('[HB18] a socket is closed after it was told why', () => {
  const ada = openSocket();
  performEffects(
    [
      { type: 'send', receivers: [ada], frame: 'why' },
      { type: 'close', socket: ada, code: 1008, reason: 'hub/too-many-strikes' },
    ],
    authorize,
  );
  expect(ada.close).toHaveBeenCalledExactlyOnceWith(1008, 'hub/too-many-strikes');
  expect(ada.send).toHaveBeenCalledBefore(ada.close);
});
