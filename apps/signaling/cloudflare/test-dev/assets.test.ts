import { get as httpGet, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, inject, it } from 'vitest';

/** Opens an address as the address bar of a browser does, which `fetch` cannot. */
async function navigate(path: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', Accept: 'text/html' };
    httpGet(new URL(path, inject('relayUrl')), { headers }, resolve).on('error', reject);
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

it.each(['/', '/session/AAAAAAAAAAAAAAAAAAAAAA'])(
  '[RL5] %s is the client’s page, with its own policy',
  async (path) => {
    const { status, headers, body } = await navigate(path);
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("'sha256-client'");
    expect(headers['cache-control']).toBe('no-cache');
    expect(body).toContain('<title>The client</title>');
  },
);

it('[RL5] a file of the client is served as it is', async () => {
  const { status, headers } = await navigate('/_app/immutable/entry.js');
  expect(status).toBe(200);
  expect(headers['content-type']).toContain('text/javascript');
});

it.each(['/_app/immutable/gone.js', '/nothing.html'])(
  '[RL6] %s, a file which the client does not have, is never its page',
  async (path) => {
    const { status, headers } = await navigate(path);
    expect(status).toBe(404);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-type']).toBe('application/problem+json');
  },
);
