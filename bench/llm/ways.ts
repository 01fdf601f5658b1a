import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Author } from '../../apps/signaling/cloudflare/test/author.ts';
import { startRelay } from '../../scripts/relay.ts';
import { startPacedProvider, startPortkey } from '../peers/start.ts';
import { bareProxy, bundleRelay, startWorkerd } from './workerd.ts';

/** Ways to the same provider, and what they are called. */
export const WAYS = {
  straight: 'Straight to the provider',
  portkey: '`@portkey-ai/gateway` under Node',
  bare: 'The limit: a Worker that passes on, and looks at nothing',
  memory: 'Parley’s Worker, its objects in memory',
  disk: 'The same, its objects on this machine’s disk',
  wrangler: 'The same under `wrangler dev`, which has a proxy of its own before it',
} as const;

export type Way = keyof typeof WAYS;

export interface RunningWay {
  /** Where questions are put. */
  readonly url: string;
  /** The process that answers, where it is one. */
  readonly pid: number | null;
  /** The headers of so many people, each with a session of their own. */
  readonly lanes: readonly Readonly<Record<string, string>>[];
}

/** Streams at once, at most. */
export const LANES = 50;

/** Far more than is measured. */
const PLENTY = {
  ...{ LLM_DAILY_TOKENS: '1000000000000', LLM_SESSION_TOKENS: '1000000000000' },
  ...{ LLM_STREAMS: '1000', LLM_SESSION_STREAMS: '1000' },
};

/** Starts them all, at the ports from the first one. `folder` is for what they keep. */
export async function startWays(
  firstPort: number,
  folder: string,
): Promise<{ ways: ReadonlyMap<Way, RunningWay>; stop: () => Promise<void> }> {
  const stops: (() => unknown)[] = [];
  const running = async <Started extends { stop(): unknown }>(starting: Promise<Started>) => {
    const started = await starting;
    stops.unshift(() => started.stop());
    return started;
  };
  const stop = async () => {
    for (const end of stops) await end();
  };
  try {
    const provider = `http://127.0.0.1:${firstPort}/v1`;
    await running(startPacedProvider(firstPort));
    const [portkeyPort, barePort, memoryPort, diskPort, relayPort] = [
      ...[firstPort + 1, firstPort + 2, firstPort + 3, firstPort + 4, firstPort + 5],
    ] as [number, number, number, number, number];
    const portkey = await running(startPortkey(portkeyPort));

    const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'parley-bench-'));
    stops.unshift(() => rmSync(memory, { recursive: true, force: true }));
    const vars = { ...PLENTY, LLM_BASE_URL: provider, LLM_MODELS: 'paced', VERSION: 'bench' };
    const worker = bundleRelay(join(folder, 'bundle'));
    const address = { PROVIDER: `${provider}/chat/completions` };
    const bare = await running(startWorkerd(bareProxy(worker), barePort, join(folder, 'bare'), address));
    const light = await running(startWorkerd(worker, memoryPort, join(memory, 'state'), vars));
    const heavy = await running(startWorkerd(worker, diskPort, join(folder, 'disk'), vars));
    const relay = await running(
      startRelay({ port: relayPort, state: join(folder, 'llm-relay'), version: 'bench', vars }),
    );

    const theirs = (url: string, pid: number | null, headers: Readonly<Record<string, string>> = {}) => ({
      ...{ url, pid, lanes: Array.from({ length: LANES }, () => headers) },
    });
    const ours = async (origin: string, pid: number | null) => ({
      ...{ url: `${origin}/api/llm/v1/chat/completions`, pid },
      lanes: await Promise.all(Array.from({ length: LANES }, () => authorize(origin))),
    });
    const ways = new Map<Way, RunningWay>([
      ['straight', theirs(address.PROVIDER, null)],
      [
        'portkey',
        theirs(`http://127.0.0.1:${portkeyPort}/v1/chat/completions`, portkey.pid, {
          ...{ 'x-portkey-provider': 'openai', 'x-portkey-custom-host': provider },
          Authorization: 'Bearer none',
        }),
      ],
      ['bare', theirs(`http://127.0.0.1:${barePort}/`, bare.pid)],
      ['memory', await ours(`http://127.0.0.1:${memoryPort}`, light.pid)],
      ['disk', await ours(`http://127.0.0.1:${diskPort}`, heavy.pid)],
      ['wrangler', await ours(relay.url, null)],
    ]);
    return { ways, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What somebody with a new session brings, for ten minutes. */
async function authorize(relay: string): Promise<Record<string, string>> {
  const author = await Author.create();
  const token = await author.token('writer', { aud: relay, scope: 'llm', reader: undefined });
  return { Authorization: `Bearer ${token}` };
}
