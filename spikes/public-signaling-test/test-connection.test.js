import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';

const script = join(import.meta.dirname, 'test-connection.js');
const relay = (path) => inject('relayUrl').replace('http', 'ws') + path;

function run(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** A port that takes connections and never says a word. */
async function listenSilently() {
  const sockets = new Set();
  const server = createServer((socket) => sockets.add(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `ws://127.0.0.1:${server.address().port}`, close };
}

it('reports a server that works, with its times', async () => {
  const { code, stdout } = await run(relay('/signaling'));
  expect(stdout).toMatch(/connect +\d+ ms\n +ping +\d+ ms\n +subscribe, publish +\d+ ms\n +✅ WORKING\n$/);
  expect(code).toBe(0);
});

it('fails when one of several servers is not reachable, and still tests the others', async () => {
  const closed = await listenSilently();
  await closed.close();
  const { code, stdout } = await run(closed.url, relay('/signaling'));
  expect(stdout).toMatch(/❌ connect: .+\n[^❌]*✅ WORKING\n$/);
  expect(code).toBe(1);
});

it('fails with an address that is no WebSocket', async () => {
  const { code, stdout } = await run(relay('/health'));
  expect(stdout).toMatch(/❌ connect: .+\n$/);
  expect(code).toBe(1);
});

it('does not wait for ever', async () => {
  const silent = await listenSilently();
  onTestFinished(silent.close);
  const { code, stdout } = await run('--timeout', '200', silent.url);
  expect(stdout).toContain('❌ connect: no answer within 200 ms');
  expect(code).toBe(1);
});

it.each([
  [],
  ['nonsense'],
  ['https://relay.example/signaling'],
  ['--wrong', 'ws://localhost'],
  ['--timeout', 'x', 'ws://h'],
])('explains itself when called wrongly: %j %j %j', async (...args) => {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toContain('Usage: node test-connection.js');
  expect(stdout).toBe('');
  expect(code).toBe(2);
});
