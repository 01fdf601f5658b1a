import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { PING_FRAME, PONG_FRAME } from '@parley/signaling/protocol';
import { expect, inject, it, onTestFinished, vi } from 'vitest';

/** As y-webrtc has it: half of the 30 seconds after which it believes a silent connection dead. */
const PING_EVERY_MS = 15_000;
const IDLE_MS = 61_000;

/** What the hub's code has done since the relay was started, a line for every call. */
const traces = () =>
  readFileSync(inject('relayLog'), 'utf8')
    .split('\n')
    .flatMap((line) => /trace: (.*)$/.exec(line)?.[1] ?? []);

async function connect(): Promise<{ socket: WebSocket; frames: string[] }> {
  const socket = new WebSocket(`${inject('relayUrl').replace('http', 'ws')}/signaling`);
  const frames: string[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(String(data)));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  onTestFinished(() => socket.close());
  return { socket, frames };
}

it('[HB25] an idle minute with connected sockets runs no code, and the next publish arrives', async () => {
  const clients = [await connect(), await connect()];
  const subscribe = JSON.stringify({ type: 'subscribe', topics: ['idle'] });
  for (const { socket } of clients) socket.send(subscribe);
  await vi.waitFor(
    () => expect(traces().filter((trace) => trace.includes(subscribe))).toHaveLength(2),
    10_000,
  );

  const before = traces().length;
  const pings = setInterval(() => {
    for (const { socket } of clients) socket.send(PING_FRAME);
  }, PING_EVERY_MS);
  onTestFinished(() => clearInterval(pings));
  await wait(IDLE_MS);
  clearInterval(pings);
  expect(traces().slice(before)).toEqual([]);
  for (const { frames } of clients) expect(frames).toEqual(Array(4).fill(PONG_FRAME));

  clients[0]?.socket.send('{"type":"publish","topic":"idle"}');
  const delivery = '{"type":"publish","topic":"idle","clients":2}';
  for (const { frames } of clients) await vi.waitFor(() => expect(frames).toContain(delivery), 10_000);
  // The object had to be made anew, so it had not been in memory.
  await vi.waitFor(
    () =>
      expect(traces().slice(before)).toEqual([
        'constructor',
        'webSocketMessage {"type":"publish","topic":"idle"}',
      ]),
    10_000,
  );
}, 120_000);
