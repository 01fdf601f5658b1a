/**
 * The floor of a hub on `ws`: `bare-hub.ts <port>`. It forwards what it is told to topics that it was told once, without a look at the rest:
 * a frame is built once for all receivers, and no rule is kept.
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { textFrame } from '@parley/signaling/node/text-frame';

const rooms = new Map<string, Set<Duplex>>();
const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer((_, response) => response.end());
server.on('upgrade', (request, stream, head) => {
  upgrades.handleUpgrade(request, stream, head, (connection) => {
    const left = new Set<Set<Duplex>>();
    connection.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; topic: string; topics: string[] };
      if (message.type === 'ping') stream.write(textFrame('{"type":"pong"}'));
      else if (message.type === 'subscribe') {
        for (const topic of message.topics) {
          const room = rooms.get(topic) ?? new Set();
          rooms.set(topic, room.add(stream));
          left.add(room);
        }
      } else {
        const room = rooms.get(message.topic) ?? new Set();
        const frame = textFrame(`${data.toString().slice(0, -1)},"clients":${room.size}}`);
        for (const receiver of room) {
          if (receiver.writableCorked === 0) {
            receiver.cork();
            setImmediate(() => receiver.uncork());
          }
          receiver.write(frame);
        }
      }
    });
    connection.on('close', () => {
      for (const room of left) room.delete(stream);
    });
  });
});
server.listen(Number(process.argv[2]));
