#!/usr/bin/env node
// Tells whether WebSocket servers can be used for y-webrtc signaling. Node 22 or newer, nothing to install.
import { parseArgs } from 'node:util';

const USAGE = `Usage: node test-connection.js [--timeout <milliseconds>] <ws-url>…

Each <ws-url> begins with ws:// or wss://, like wss://relay.example/signaling.
Exits with 0 when every server works, 1 when one does not, 2 when called wrongly.`;

/** How long one step with one server may take unless told otherwise, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** @returns {{ urls: string[], timeout: number } | undefined} undefined when called wrongly */
function readArguments() {
  try {
    const { values, positionals: urls } = parseArgs({
      allowPositionals: true,
      options: { timeout: { type: 'string', default: String(TIMEOUT_MS) } },
    });
    const timeout = Number(values.timeout);
    const isUsable = (url) => ['ws:', 'wss:'].includes(new URL(url).protocol);
    return urls.length > 0 && urls.every(isUsable) && timeout > 0 ? { urls, timeout } : undefined;
  } catch (error) {
    console.error(`${error.message}\n`);
    return undefined;
  }
}

/**
 * One step with a time limit. Rejects when the socket ends before the step is done.
 *
 * @template T
 * @param {WebSocket} socket
 * @param {string} what the step in words, for the reason of a failure
 * @param {number} timeout milliseconds
 * @param {(done: (result: T) => void) => void} begin
 * @returns {Promise<number>} how long it took, in milliseconds
 */
function timeStep(socket, what, timeout, begin) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const start = performance.now();
  const timer = setTimeout(() => reject(new Error(`${what}: no answer within ${timeout} ms`)), timeout);
  socket.onerror = (event) => reject(new Error(`${what}: ${event.message || 'connection failed'}`));
  socket.onclose = ({ code, reason }) =>
    reject(new Error(`${what}: closed with ${code} ${reason}`.trimEnd()));
  begin(() => resolve(performance.now() - start));
  return promise.finally(() => clearTimeout(timer));
}

/** Sends messages and waits for one that fits. */
function exchange(socket, messages, fits) {
  return (done) => {
    socket.onmessage = ({ data }) => {
      const message = parseMessage(data);
      if (message && fits(message)) done();
    };
    for (const message of messages) socket.send(JSON.stringify(message));
  };
}

function parseMessage(data) {
  try {
    return JSON.parse(data);
  } catch {
    // Whatever this server speaks, it is not signaling: the step ends with its time-out.
    return undefined;
  }
}

async function testServer(url, timeout) {
  console.log(url);
  const socket = new WebSocket(url);
  try {
    const report = (label, ms) => console.log(`  ${label.padEnd(20)} ${ms.toFixed(0).padStart(6)} ms`);
    const open = (done) => {
      socket.onopen = done;
    };
    report('connect', await timeStep(socket, 'connect', timeout, open));

    const ping = exchange(socket, [{ type: 'ping' }], ({ type }) => type === 'pong');
    report('ping', await timeStep(socket, 'ping', timeout, ping));

    const topic = `test-connection-${crypto.randomUUID()}`;
    const messages = [
      { type: 'subscribe', topics: [topic] },
      { type: 'publish', topic, data: 'hello' },
    ];
    const isOurs = (message) =>
      message.type === 'publish' && message.topic === topic && message.data === 'hello';
    report(
      'subscribe, publish',
      await timeStep(socket, 'subscribe, publish', timeout, exchange(socket, messages, isOurs)),
    );
    console.log('  ✅ WORKING');
    return true;
  } catch (error) {
    console.log(`  ❌ ${error.message}`);
    return false;
  } finally {
    socket.onclose = socket.onerror = null;
    socket.close();
  }
}

if (!globalThis.WebSocket) {
  console.error(`This takes Node 22 or newer, and is ${process.version}.`);
  process.exit(2);
}
const input = readArguments();
if (!input) {
  console.error(USAGE);
  process.exit(2);
}
let allWork = true;
for (const url of input.urls) allWork = (await testServer(url, input.timeout)) && allWork;
process.exit(allWork ? 0 : 1);
