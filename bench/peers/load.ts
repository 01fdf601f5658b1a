/**
 * The load of `pnpm bench signaling`, a process of its own: `load.ts <port> <path> <rooms> <members> <rounds>`. In a round, every member of a
 * room publishes once, and has had what all of them published; then comes its next. Prints what that took, as a line of JSON. With no rounds,
 * it only holds the sockets, until it is killed.
 */
import type { Socket } from 'node:net';
import { maskedFrame, openWebSocket, textFrameLength } from './raw-socket.ts';

/** About what an encrypted introduction of y-webrtc has. */
const DATA = 'x'.repeat(300);

/** The first byte of a server's ping. */
const PING = 0x89;

const [port = 0, rooms = 0, members = 0, rounds = 0] = [2, 4, 5, 6].map((index) =>
  Number(process.argv[index]),
);
const path = process.argv[3] ?? '/';

/** Rooms of this run's own: a server may not have noticed yet that those of the one before have left. */
const run = String(process.pid).padStart(8, '0');

const sockets: { socket: Socket; frame: Buffer }[] = [];
// Not all at once: a server's queue of new connections is short.
while (sockets.length < rooms * members) {
  const places = Array.from(
    { length: Math.min(100, rooms * members - sockets.length) },
    (_, index) => sockets.length + index,
  );
  sockets.push(...(await Promise.all(places.map(join))));
}

/** What a member gets in a round: every server here sends the same bytes, in whatever order. */
const first = JSON.stringify({ type: 'publish', topic: `${run}-0000`, data: DATA, clients: members });
const roundBytes = members * textFrameLength(Buffer.byteLength(first));

if (rounds === 0) {
  console.log('{}');
  await new Promise(() => undefined);
}

const took: number[] = [];
const started = performance.now();
await Promise.all(sockets.map(({ socket, frame }) => play(socket, frame)));
const seconds = (performance.now() - started) / 1000;
took.sort((a, b) => a - b);
const publishes = rooms * members * rounds;
const at = (part: number) => took[Math.floor((took.length - 1) * part)] ?? NaN;
console.log(
  JSON.stringify({ publishes, deliveries: publishes * members, seconds, p50: at(0.5), p99: at(0.99) }),
);
process.exit(0);

/** One more member, of the room that has a place left. */
async function join(place: number): Promise<{ socket: Socket; frame: Buffer }> {
  const topic = `${run}-${String(Math.floor(place / members)).padStart(4, '0')}`;
  const socket = await openWebSocket(port, path);
  socket.write(maskedFrame(JSON.stringify({ type: 'subscribe', topics: [topic] })));
  // Behind its own answer, the subscription is in force.
  await answerTo(socket, '{"type":"ping" }', '{"type":"pong"}');
  return { socket, frame: maskedFrame(JSON.stringify({ type: 'publish', topic, data: DATA })) };
}

function play(socket: Socket, frame: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let round = 0;
    let since = 0;
    const publish = () => {
      since = performance.now();
      socket.write(frame);
    };
    socket.on('close', () => reject(new Error(`closed in round ${round}`)));
    socket.on('data', (data) => {
      received += data.length - pingBytes(data);
      while (round < rounds && received >= roundBytes * (round + 1)) {
        took.push(performance.now() - since);
        round += 1;
        if (round < rounds) publish();
      }
      if (received === roundBytes * rounds) resolve();
      if (received > roundBytes * rounds) reject(new Error('more came than was published'));
    });
    publish();
  });
}

function answerTo(socket: Socket, frame: string, answer: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', (data) => {
      if (data.subarray(2).toString() === answer) resolve();
      else reject(new Error(`answered ${data.toString()}`));
    });
    socket.write(maskedFrame(frame));
  });
}

/** The bytes of the pings among what came: nothing else here has the byte that they begin with. */
function pingBytes(data: Buffer): number {
  let pings = 0;
  for (let at = data.indexOf(PING); at >= 0; at = data.indexOf(PING, at + 1)) pings += 1;
  return pings * 2;
}
