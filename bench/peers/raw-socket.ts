import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** Opens a WebSocket on this machine, of which only what comes next is left to read. */
export function openWebSocket(port: number, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const key = randomBytes(16).toString('base64');
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.once('error', reject);
    socket.once('data', (data) => {
      if (data.includes(accept)) resolve(socket);
      else reject(new Error(data.toString()));
    });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  });
}

/** A text frame of a client, which has to be masked; a mask of zeros is one. */
export function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header =
    payload.length < 126 ? [payload.length | 0x80] : [126 | 0x80, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...header, 0, 0, 0, 0]), payload]);
}

/** Bytes of a text frame of a server with so many bytes of text, fewer than 65,536. */
export function textFrameLength(bytes: number): number {
  return bytes + (bytes < 126 ? 2 : 4);
}
