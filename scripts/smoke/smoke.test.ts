import { createServer, type RequestListener } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startRelay, type Relay } from '../relay.ts';
import { smokeTest, type Smoke } from './smoke.ts';

const state = mkdtempSync(join(tmpdir(), 'parley-smoke-'));
let relay: Relay;

beforeAll(async () => {
  const assets = join(import.meta.dirname, '../../apps/signaling/cloudflare/test/site');
  relay = await startRelay({ port: 0, state, version: 'abc', assets });
}, 120_000);

afterAll(async () => {
  await relay.stop();
  rmSync(state, { recursive: true, force: true });
});

async function test(given: Partial<Smoke>): Promise<{ ok: boolean; lines: string[] }> {
  const lines: string[] = [];
  const ok = await smokeTest({
    ...{ url: relay.url, version: 'abc', override: null, accessKey: null, patience: 0 },
    ...{ say: (line: string) => lines.push(line), ...given },
  });
  return { ok, lines };
}

it('a relay that works passes, in all three steps', async () => {
  const { ok, lines } = await test({ url: `${relay.url}/` });
  expect(lines).toEqual([
    '✓ health: version abc',
    expect.stringMatching(/^✓ signaling: connect \d+ ms ping \d+ ms subscribe, publish \d+ ms ✅ WORKING$/),
    '✓ mailbox: written, read and deleted',
  ]);
  expect(ok).toBe(true);
});

it('another version than the expected one fails, before anything is written', async () => {
  expect(await test({ version: 'def' })).toEqual({
    ...{ ok: false, lines: ['✗ health: version abc instead of def'] },
  });
  expect(await test({ version: null })).toMatchObject({ ok: true });
});

it('what answers otherwise fails, and an access key stays unsaid', async () => {
  const seen: (string | undefined)[] = [];
  const url = await serve(({ url, headers }, response) => {
    seen.push(`${url} ${String(headers['x-parley-access'])}`);
    if (url === '/health') response.end('{"status":"ok","version":"abc"}');
    else response.writeHead(503).end();
  });
  const { ok, lines } = await test({ url, accessKey: 'secret' });
  expect(ok).toBe(false);
  expect(lines).toEqual(['✓ health: version abc', expect.stringMatching(/^✗ signaling: ❌ connect: /)]);
  expect(seen[0]).toBe('/health secret');
  expect(lines.join()).not.toContain('secret');
});

it('a version that is to be tested alone is asked for by its id, and its mailbox has to work as well', async () => {
  const asked = new Set<unknown>();
  const url = await serve(({ url, headers }, response) => {
    asked.add(headers['cloudflare-workers-version-overrides']);
    if (url === '/health') response.end('{"version":"abc"}');
    else response.writeHead(500).end('broken');
  });
  const { ok, lines } = await test({ url, override: { worker: 'parley', version: '1-2' } });
  expect(lines).toEqual(['✓ health: version abc', '✗ mailbox: POST log: 500 broken']);
  expect(ok).toBe(false);
  expect([...asked]).toEqual(['parley="1-2"']);
});

it('waits for a version that is not everywhere yet', async () => {
  let requests = 0;
  const url = await serve((_, response) => {
    requests += 1;
    response.end(JSON.stringify({ version: requests > 1 ? 'abc' : 'before' }));
  });
  const { lines } = await test({ url, patience: 60_000 });
  expect(lines[0]).toBe('✓ health: version abc');
});

it('says why nobody answers', async () => {
  const url = `http://127.0.0.1:${await findPort()}`;
  const { ok, lines } = await test({ url });
  expect(lines).toEqual([expect.stringMatching(/^✗ health: fetch failed: .*ECONNREFUSED/)]);
  expect(ok).toBe(false);
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that is free now. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
