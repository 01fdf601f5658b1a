import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Client } from '../../conformance/client.ts';
import { PROBLEMS, type ProblemCode } from '../protocol/problems.ts';
import { HubServer } from './hub-server.ts';
import { readHubSettings, type HubVariables } from '../settings.ts';

const SESSION = 'AAAAAAAAAAAAAAAAAAAA-_';
const KEY = 'a-key-of-some-people';

/** A hub of this test's own. */
async function startHub(variables: HubVariables = {}) {
  const server = new HubServer(
    readHubSettings({ PORT: '0', HOST: '127.0.0.1', VERSION: 'v1', ...variables }),
  );
  const port = await server.start();
  onTestFinished(() => server.stop());
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ server, port, url, hub: `ws://127.0.0.1:${port}` },
    /** The value of a sample in the metrics. */
    metric: async (sample: string, headers = {}) => {
      const text = await (await fetch(`${url}/metrics`, { headers })).text();
      const line = text.split('\n').find((line) => line.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length + 1));
    },
  };
}

/** What a WebSocket upgrade is answered with, byte for byte as it goes over the wire. */
async function upgrade(port: number, path: string, headers: Record<string, string> = {}) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const lines = Object.entries({
    ...{ Host: 'hub.example', Connection: 'Upgrade', Upgrade: 'websocket' },
    ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const answer = await new Promise<string>((resolve, reject) => {
    let read = '';
    socket.once('error', reject);
    socket.on('close', () => resolve(read));
    socket.on('data', (data) => {
      read += data.toString();
      if (read.startsWith('HTTP/1.1 101')) resolve(read);
    });
  });
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { socket, status: Number(head.split(' ')[1]), head, body };
}

async function expectRefusal(answer: ReturnType<typeof upgrade>, code: ProblemCode): Promise<void> {
  const { status, head, body } = await answer;
  expect(status).toBe(PROBLEMS[code].status);
  expect(head).toContain('Content-Type: application/problem+json');
  expect(JSON.parse(body)).toEqual({ type: 'about:blank', ...PROBLEMS[code], code });
}

describe('what is no WebSocket', () => {
  it('[RL1] health tells that the hub is up, and its version', async () => {
    const { url } = await startHub();
    const response = await fetch(`${url}/health`);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ok', version: 'v1' });
  });

  it('[HB39] metrics count sockets, topics and frames', async () => {
    const { hub, metric, url } = await startHub();
    const ada = await Client.connect(hub);
    await ada.subscribe('room', 'hall');
    expect(await metric('parley_hub_sockets')).toBe(1);
    expect(await metric('parley_hub_topics')).toBe(2);
    for (let index = 0; index < 10; index++) ada.sendRaw('rubbish');
    await ada.closed;
    expect(await metric('parley_hub_sockets')).toBe(0);
    expect(await metric('parley_hub_received_frames_total')).toBe(12);
    expect(await metric('parley_hub_sent_frames_total')).toBe(11);
    expect(await metric('parley_hub_closed_sockets_total{reason="hub/too-many-strikes"}')).toBe(1);
    expect(await metric('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    const { headers } = await fetch(`${url}/metrics`);
    expect(headers.get('Content-Type')).toContain('text/plain; version=0.0.4');
  });

  it.each<[string, string, ProblemCode]>([
    ['GET', '/', 'relay/upgrade-required'],
    ['GET', '/signaling', 'relay/upgrade-required'],
    ['GET', `/signaling/${SESSION}`, 'relay/upgrade-required'],
    ['GET', '/signaling/short', 'relay/not-found'],
    ['GET', '/nothing', 'relay/not-found'],
    ['POST', '/health', 'relay/not-found'],
    ['POST', '/signaling', 'relay/not-found'],
  ])('[RL3] [RL6] %s %s is %s', async (method, path, code) => {
    const { url } = await startHub();
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(PROBLEMS[code].status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('who is let in', () => {
  it.each(['/', '/signaling', `/signaling/${SESSION}`, '/signaling?x=1'])(
    '[RL2] %s is the hub',
    async (path) => {
      const { port } = await startHub();
      expect((await upgrade(port, path)).status).toBe(101);
    },
  );

  it.each(['/nothing', `/signaling/${SESSION}A`, '/health'])('[RL4] %s is not', async (path) => {
    const { port } = await startHub();
    await expectRefusal(upgrade(port, path), 'relay/not-found');
  });

  it('[HB36] a private hub wants a key, also for its metrics, and repeats none', async () => {
    const { port, url, metric } = await startHub({ RELAY_ACCESS_KEYS: KEY });
    await expectRefusal(upgrade(port, '/signaling'), 'access/key-refused');
    await expectRefusal(upgrade(port, '/signaling?access=wrong-secret-wrong'), 'access/key-refused');
    expect((await upgrade(port, `/signaling?access=${KEY}`)).status).toBe(101);
    expect((await upgrade(port, '/signaling', { 'x-parley-access': KEY })).status).toBe(101);
    expect((await fetch(`${url}/metrics`)).status).toBe(403);
    const refused = 'parley_hub_refused_sockets_total{code="access/key-refused"}';
    expect(await metric(refused, { 'x-parley-access': KEY })).toBe(2);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('[HB37] where origins are named, pages of others are not let in', async () => {
    const { port } = await startHub({ ALLOWED_ORIGINS: 'https://a.example' });
    expect((await upgrade(port, '/', { Origin: 'https://a.example' })).status).toBe(101);
    expect((await upgrade(port, '/')).status).toBe(101);
    // Its own name is no page's: it serves none.
    for (const Origin of ['https://b.example', 'http://hub.example']) {
      await expectRefusal(upgrade(port, '/', { Origin }), 'access/origin-refused');
    }
  });

  it('[HB40] an IP prefix has so many sockets at once, by what the proxy says last', async () => {
    const { port } = await startHub({ CONNECTIONS_PER_PREFIX: '1', ADDRESS_HEADER: 'X-Forwarded-For' });
    const from = (address: string) => upgrade(port, '/', { 'X-Forwarded-For': address });
    const first = await from('198.51.100.1, 192.0.2.1');
    expect(first.status).toBe(101);
    await expectRefusal(from('192.0.2.99'), 'relay/too-many-connections');
    expect((await from('192.0.2.1, 198.51.100.1')).status).toBe(101);
    first.socket.destroy();
    await vi.waitFor(async () => expect((await from('192.0.2.99')).status).toBe(101));
  });

  it('[HB40] without a proxy, the header is nobody’s word', async () => {
    const { port } = await startHub({ CONNECTIONS_PER_PREFIX: '1' });
    for (let index = 0; index < 3; index++) {
      expect((await upgrade(port, '/', { 'X-Forwarded-For': '192.0.2.1' })).status).toBe(101);
    }
  });
});

describe('its end', () => {
  it('[HB34] a hub that stops bids all farewell and lets nobody in', async () => {
    const { server, hub } = await startHub();
    const clients = [await Client.connect(hub), await Client.connect(hub)];
    const stopped = server.stop();
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1001, reason: 'hub/stopping' });
    }
    await stopped;
    await expect(Client.connect(hub)).rejects.toThrow('no WebSocket');
  });

  it('[HB34] it does not wait for ever for who does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, port } = await startHub();
    const { socket } = await upgrade(port, '/');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const stopped = server.stop();
    await vi.advanceTimersByTimeAsync(2_000);
    await stopped;
    await gone;
  });
});

describe('who does not keep up', () => {
  it('[HB33] a receiver that reads nothing is dropped, and disturbs nobody', async () => {
    const { port, hub, metric } = await startHub();
    const deaf = (await upgrade(port, '/')).socket;
    deaf.pause();
    deaf.write(maskedFrame('{"type":"subscribe","topics":["room"]}'));
    await vi.waitFor(async () => expect(await metric('parley_hub_topics')).toBe(1));
    const ada = await Client.connect(hub);
    await ada.subscribe('room');
    const message = { type: 'publish', topic: 'room', data: 'x'.repeat(60_000) };
    let clients = 2;
    // What the kernels on both sides hold for it is not ours to bound.
    for (let sent = 0; sent < 400 && clients === 2; sent++) {
      ada.send(message);
      ({ clients } = (await ada.next()) as { clients: number });
    }
    expect(clients).toBe(1);
    expect(await metric('parley_hub_dropped_sockets_total')).toBe(1);
    expect(await metric('parley_hub_sockets')).toBe(1);
  });

  it('[HB35] who says nothing is asked, and dropped if nothing comes back', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { port, metric } = await startHub();
    const [quiet, dead] = [(await upgrade(port, '/')).socket, (await upgrade(port, '/')).socket];
    const asked = [received(quiet, [0x89, 0]), received(dead, [0x89, 0])];
    const gone = new Promise((resolve) => dead.once('close', resolve));
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all(asked);
    // A pong, and a ping of its own: once that is answered, the pong has been read.
    const answered = received(quiet, [0x8a, 0]);
    quiet.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0]));
    await answered;
    await vi.advanceTimersByTimeAsync(30_000);
    await gone;
    expect(await metric('parley_hub_sockets')).toBe(1);
  });
});

function maskedFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** Resolves once the next that arrives are these bytes. */
function received(socket: Socket, bytes: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', (data) => {
      if (data.equals(Buffer.from(bytes))) resolve();
      else reject(new Error(`received ${data.toString('hex')}`));
    });
  });
}
