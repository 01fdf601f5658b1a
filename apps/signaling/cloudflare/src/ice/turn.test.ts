import { expect, inject, it } from 'vitest';
import { requestTurn, TurnError } from './turn.ts';

const ask = (keyId: string, { token = 'turn-secret', seconds = 600, patience = 3_000 } = {}) =>
  requestTurn({ origin: inject('turnApi'), keyId, token }, seconds, patience);

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  if (!(error instanceof TurnError)) throw new Error('not a TurnError', { cause: error });
  return error.message;
}

it('[IC3] credentials come for so many seconds, without the STUN servers and the port that browsers block', async () => {
  expect(await ask('giving-a', { seconds: 1_234 })).toEqual([
    {
      urls: [
        'turn:turn.cloudflare.com:3478?transport=udp',
        'turn:turn.cloudflare.com:80?transport=tcp',
        'turns:turn.cloudflare.com:443?transport=tcp',
      ],
      username: 'user-1',
      credential: 'for-1234-seconds',
    },
  ]);
});

it.each([
  ['refusing-a', 'turn/refused 401'],
  ['failing-a', 'turn/refused 500'],
  ['redirecting-a', 'turn/refused 307'],
  ['unknown-a', 'turn/refused 400'],
  ['x/../giving-a', 'turn/refused 400'],
  ['chatting-a', 'turn/nonsense 201'],
  ['empty-a', 'turn/nonsense 201'],
  ['poor-a', 'turn/nonsense 201'],
  ['nameless-a', 'turn/nonsense 201'],
  ['odd-a', 'turn/nonsense 201'],
  ['wordy-a', 'turn/nonsense'],
  ['endless-a', 'turn/nonsense'],
])('[IC4] a service that is %s gives none: %s', async (keyId, message) => {
  expect(await failureOf(ask(keyId, { patience: 30_000 }))).toBe(message);
});

it.each(['silent-a', 'stalling-a'])('[IC4] a service that is %s is given up', async (keyId) => {
  expect(await failureOf(ask(keyId, { patience: 50 }))).toBe('turn/silent');
});

it('[IC4] another token is refused, and what no header can hold is no token', async () => {
  expect(await failureOf(ask('giving-b', { token: 'other' }))).toBe('turn/refused 401');
  expect(await failureOf(ask('giving-b', { token: 'two\nlines' }))).toBe('turn/silent');
});
