import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ACCESS_HEADER, ACCESS_PARAMETER } from '../../apps/signaling/src/protocol/access-key.ts';
import { exerciseMailbox } from './mailbox.ts';

export interface Smoke {
  /** Where the relay answers, like `https://relay.example`. */
  readonly url: string;
  /** What `GET /health` has to answer; null for whatever it does. */
  readonly version: string | null;
  /** A version of a Worker that shares the traffic with another, and is to answer the test. */
  readonly override: { readonly worker: string; readonly version: string } | null;
  /** What opens a relay that is for its own people only. */
  readonly accessKey: string | null;
  /** How long a new version may take to be there, in milliseconds: Cloudflare needs a few seconds to tell all its places. */
  readonly patience: number;
  /** Gets a line for every step. */
  readonly say: (line: string) => void;
}

/** The patience for what has just been deployed, in milliseconds. */
export const SPREADING = 90_000;

const BETWEEN_TRIES = 1_000;
/** How long the relay may take to say that it is well, in milliseconds. */
const HEALTH_TIMEOUT = 10_000;

const CONNECTION_TEST = fileURLToPath(
  new URL('../../spikes/public-signaling-test/test-connection.js', import.meta.url),
);

/** Whether the relay works: the version that it says to be, its signaling, and a mailbox from beginning to end. */
export async function smokeTest(smoke: Smoke): Promise<boolean> {
  const { url, override, accessKey, say } = smoke;
  const relay = new URL(url).origin;
  const headers = {
    ...(accessKey === null ? {} : { [ACCESS_HEADER]: accessKey }),
    // A structured header (RFC 8941): the Worker's name, and the version's id as a string.
    ...(override === null
      ? {}
      : { 'Cloudflare-Workers-Version-Overrides': `${override.worker}="${override.version}"` }),
  };
  const steps: [string, () => Promise<string>][] = [
    ['health', () => waitForVersion(relay, headers, smoke)],
    // The Durable Object belongs to one version at a time, whatever a request asks for.
    ...(override === null
      ? [['signaling', () => testSignaling(relay, accessKey)] as [string, () => Promise<string>]]
      : []),
    ['mailbox', () => exerciseMailbox(relay, headers).then(() => 'written, read and deleted')],
  ];
  for (const [name, step] of steps) {
    try {
      say(`✓ ${name}: ${await step()}`);
    } catch (error) {
      say(`✗ ${name}: ${describe(error)}`);
      return false;
    }
  }
  return true;
}

async function waitForVersion(
  relay: string,
  headers: Readonly<Record<string, string>>,
  { version, patience }: Smoke,
): Promise<string> {
  for (const deadline = performance.now() + patience; ; await wait(BETWEEN_TRIES)) {
    try {
      const found = await readVersion(relay, headers);
      if (version === null || found === version) return `version ${found}`;
      throw new Error(`version ${found} instead of ${version}`);
    } catch (error) {
      if (performance.now() + BETWEEN_TRIES > deadline) throw error;
    }
  }
}

async function readVersion(relay: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const response = await fetch(`${relay}/health`, { headers, signal: AbortSignal.timeout(HEALTH_TIMEOUT) });
  const answer: unknown = response.ok ? await response.json() : null;
  if (typeof answer === 'object' && answer !== null && 'version' in answer) return String(answer.version);
  throw new Error(`GET /health answers ${response.status}`);
}

async function testSignaling(relay: string, accessKey: string | null): Promise<string> {
  const url = new URL('/signaling', relay.replace(/^http/, 'ws'));
  if (accessKey !== null) url.searchParams.set(ACCESS_PARAMETER, accessKey);
  const child = spawn(process.execPath, [CONNECTION_TEST, url.href], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const [code] = await once(child, 'close');
  // Its first line is the URL, with the key.
  const said = printed.split('\n').slice(1).join(' ').replaceAll(/\s+/g, ' ').trim();
  if (code !== 0) throw new Error(said);
  return said;
}

/** An error in words, with what fetch says only in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
