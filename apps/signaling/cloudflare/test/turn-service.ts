import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestProject } from 'vitest/node';

const PATH = /^\/v1\/turn\/keys\/(([a-z]+)-[\w-]*)\/credentials\/generate-ice-servers$/;

/** The API token that every key has. */
const TOKEN = 'turn-secret';

/** The answer that Cloudflare's documentation shows, with a STUN server among the others, too. */
const good = (asked: number, ttl: number) => ({
  iceServers: [
    { urls: ['stun:stun.cloudflare.com:3478', 'stun:stun.cloudflare.com:53'] },
    {
      urls: [
        'stun:stun.cloudflare.com:3478',
        'turn:turn.cloudflare.com:3478?transport=udp',
        'turn:turn.cloudflare.com:53?transport=udp',
        'turn:turn.cloudflare.com:80?transport=tcp',
        'turns:turn.cloudflare.com:443?transport=tcp',
      ],
      username: `user-${asked}`,
      credential: `for-${ttl}-seconds`,
    },
  ],
});

/** What a key of each name gets: a test asks with the key `refusing-1` or `refusing-2` and is refused. */
const answers: Readonly<Record<string, (response: ServerResponse, asked: number, ttl: number) => void>> = {
  giving: (response, asked, ttl) => json(response, 201, good(asked, ttl)),
  wordy: (response, asked, ttl) => json(response, 201, { ...good(asked, ttl), more: 'x'.repeat(100_000) }),
  refusing: (response) => json(response, 401, { error: 'secret-detail' }),
  failing: (response) => json(response, 500, { error: 'secret-detail' }),
  silent: () => undefined,
  stalling: (response) => void response.writeHead(201).write('{"iceServers":'),
  redirecting: (response) =>
    void response
      .writeHead(307, { Location: '/v1/turn/keys/giving-0/credentials/generate-ice-servers' })
      .end(),
  chatting: (response) => void response.writeHead(201).end('<h1>secret-detail</h1>'),
  empty: (response) => json(response, 201, {}),
  poor: (response) => json(response, 201, { iceServers: [{ urls: ['stun:stun.cloudflare.com:3478'] }] }),
  nameless: (response) => json(response, 201, { iceServers: [{ urls: ['turn:turn.example'] }] }),
  odd: (response) =>
    json(response, 201, {
      iceServers: [{ urls: ['turn:turn.example?transport=sctp', 5], username: 'a', credential: 'b' }],
    }),
  endless: (response) => {
    response.writeHead(201);
    const piece = `"${'x'.repeat(65_536)}"`;
    const more = () => {
      if (!response.destroyed) response.write(piece, more);
    };
    more();
  },
};

/** How often each key was asked for credentials. */
const asked = new Map<string, number>();

/**
 * A TURN service that speaks as Cloudflare's does, and misbehaves as the name of the key says.
 * It answers anything but a good request with 400, and another API token with 401.
 */
export default async function startTurnService({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const [, key = '', name = ''] = PATH.exec(request.url ?? '') ?? [];
      const answer = answers[name];
      const ttl = readLifetime(body);
      if (request.method !== 'POST' || !answer || ttl === null) return json(response, 400, {});
      if (request.headers.authorization !== `Bearer ${TOKEN}`) return json(response, 401, {});
      asked.set(key, (asked.get(key) ?? 0) + 1);
      answer(response, asked.get(key) ?? 0, ttl);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provide('turnApi', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

/** The seconds that a request wants, if it is as Cloudflare's documentation has it: 48 hours at most. */
function readLifetime(body: string): number | null {
  const asked: unknown = JSON.parse(body);
  if (typeof asked !== 'object' || asked === null || !('ttl' in asked)) return null;
  const { ttl } = asked;
  return typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0 && ttl <= 172_800 ? ttl : null;
}

function json(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
}
